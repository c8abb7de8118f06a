# %% [markdown]
# # An hour with the warehouse
#
# From a login of one's own to a figure of one's own. Open it as a notebook (VS Code and Jupytext know the format), or
# run it: `SEO_WAREHOUSE_HOME=.seo-warehouse .venv/bin/python bi/notebook.py alderwood`. It needs the warehouse to run
# (`make run`), and nothing beside what that installs.

# %%
import os
import re
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import psycopg

PROPERTY = sys.argv[1] if len(sys.argv) == 2 else "alderwood"
COMMAND = Path(sys.executable).with_name("seo-warehouse")
FIGURE = Path(os.environ.get("SEO_WAREHOUSE_HOME", ".seo-warehouse")) / "hour.svg"

# %% [markdown]
# ## A login
#
# Whoever runs the warehouse makes one, and hands on the address, which is shown this once. It reads the rows of the
# property that it is granted, in every mart, whatever is asked. Where `SEO_WAREHOUSE_ANALYST` is set, it is that.

# %%
address = os.environ.get("SEO_WAREHOUSE_ANALYST")
if address is None:
    granted = subprocess.run(
        [COMMAND, "grant", "an_hour", "--property", PROPERTY], check=False, stdout=subprocess.PIPE, text=True
    ).stdout
    print(granted)
    found = re.search(r"postgresql://\S+", granted)
    if found is None:
        raise SystemExit("no login was made: to use one that is there, set SEO_WAREHOUSE_ANALYST to its address")
    address = found[0]
# A read-only session ends no worse than it began; each query is a transaction of its own.
connection = psycopg.connect(address, autocommit=True, options="-c default_transaction_read_only=on")


def ask(query, **values):
    """The rows of a query."""
    return connection.execute(query, values).fetchall()


print(ask("select property_name, domain, history_start_date from dim_property"))

# %% [markdown]
# ## What there is
#
# Every mart and each of its columns says what it is. These are those whose name begins with `rpt_`.

# %%
for name, comment in ask(
    "select relname, split_part(obj_description(oid), '.', 1) from pg_class"
    " where relnamespace = 'marts'::regnamespace and relname like 'rpt%%' and relkind = 'r' order by 1"
):
    print(f"{name:26} {' '.join(comment.split())[:90]}")

# %% [markdown]
# ## Is it all there?
#
# Before any figure: what was to be read and is not. A week that lacks a day looks like a fall.

# %%
for row in ask(
    "select source, state, count(*), max(day) from rpt_completeness"
    " where state not in ('final', 'restated', 'provisional') group by 1, 2 order by 1, 2"
):
    print(*row)
[(first, last)] = ask(
    "select min(day), max(day) filter (where is_provisional is not true) from fct_search_total where clicks is not null"
)
print("searches that are final:", first, "to", last)

# %% [markdown]
# ## A metric, by whole weeks
#
# `metric_daily` holds parts that add up. Divide last: the mean of days' rates is another number, and a wrong one.

# %%
WEEKS = """
select date_trunc('week', day)::date as week, metric, sum(numerator) / nullif(coalesce(sum(denominator), 1), 0)
from metric_daily
where metric = any(%(metrics)s) and date_trunc('week', day) >= %(first)s
    and date_trunc('week', day) + interval '6 days' <= %(last)s
group by 1, 2
order by 1
"""
METRICS = ["clicks", "ctr", "links_gained", "links_lost", "share_of_top10"]
weeks = ask(WEEKS, metrics=METRICS, first=first, last=last)
by_metric = {name: {week: value for week, metric, value in weeks if metric == name} for name in METRICS}
for week in sorted(by_metric["clicks"])[-6:]:
    print(week, {name: round(float(by_metric[name].get(week) or 0), 4) for name in METRICS})

# %%
[(daily,)] = ask(
    "select avg(value) from metric_daily where metric = 'ctr' and day between %(first)s and %(last)s",
    first=first,
    last=last,
)
[(right,)] = ask(
    "select sum(numerator) / sum(denominator) from metric_daily"
    " where metric = 'ctr' and day between %(first)s and %(last)s",
    first=first,
    last=last,
)
print(f"click-through rate: {right:.4f}; the mean of its days would be {daily:.4f}")

# %% [markdown]
# ## What did links do?
#
# One is tempted to lay gained links over clicks and see the one in the other. The warehouse has compared pages with a
# new link with pages like them without one: this is what may be said, and a sum of it may not.

# %%
for arm, events, estimate, low, high, status, reason in ask(
    "select arm, event_count, estimate, sample_honest_low, sample_honest_high, status, reason from rpt_link_effect"
    " where property_key > 0 and cut = 'all' and outcome = 'log_position' and window_name = 'headline'"
    " and weighting = 'variance' order by panel, arm"
):
    said = (
        f"{estimate:+.3f} ({low:+.3f} to {high:+.3f})" if low is not None else f"nothing yet: {reason or 'few events'}"
    )
    print(f"{arm:20} {events:4} events: {said} [{status}]")

# %% [markdown]
# ## A figure of one's own
#
# Clicks by week, and under them the links that came and went: beside each other, as what they are.

# %%
mpl.use("svg")
from matplotlib import pyplot  # noqa: E402

picture, (above, below) = pyplot.subplots(2, 1, figsize=(9, 5), sharex=True, height_ratios=(2, 1))
above.plot(list(by_metric["clicks"]), [float(value) for value in by_metric["clicks"].values()], marker="o")
above.set_ylabel("clicks a week")
above.set_ylim(bottom=0)
below.bar(
    list(by_metric["links_gained"]), [float(v) for v in by_metric["links_gained"].values()], width=5, label="gained"
)
below.bar(list(by_metric["links_lost"]), [-float(v) for v in by_metric["links_lost"].values()], width=5, label="lost")
below.legend(frameon=False)
below.set_ylabel("links")
picture.suptitle(f"{PROPERTY}: clicks, and links that came and went, by whole weeks")
# As all that lies in the state folder, it is its owner's alone.
FIGURE.touch(mode=0o600)
picture.savefig(FIGURE)
print("written:", FIGURE)
connection.close()
