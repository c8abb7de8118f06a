"""A script of pandas that comes to the table of fct_referral_visit: what the model is measured against.

It is written for this one site: of logs alone, whose pages have not moved, though they are looked up as of the day.
"""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import psycopg

from seo_warehouse.steps.warehouse import Warehouse
from seo_warehouse.urls import key64

MODEL, COPY = "marts.fct_referral_visit", "intermediate.visits_of_pandas"
ENTRIES = """
select day, referrer_state, referrer, referrer_domain, referrer_key, landing, landing_tag, entry_count
from raw.raw_server_logs__entry
"""
LIVES = """
select l.link_key, l.source_page_key, substring(d.source_url from '^https://([^/]+)') as host, d.target_url as page,
    greatest(lower(s.days), '2000-01-01') as begun, least(upper(s.days), '2200-01-01') as ended
from intermediate.int_referral__list_lives as l
join marts.dim_link as d using (property_key, link_key), unnest(l.live_days) as s(days)
"""
LISTED = "select host, class, site from intermediate.referral_hosts where path is null"
INDEXES = """
select replace(replace(indexdef, ' ' || quote_ident(indexname) || ' ', ' '), %s, %s) from pg_indexes
where schemaname || '.' || tablename = %s
"""
SIGHT = ["day", "host", "page", "referrer_key"]
Listed = Mapping[str, tuple[str, str]]


@dataclass(frozen=True)
class Seconds:
    """What the script took from PostgreSQL to PostgreSQL, and what of that is neither reading nor writing a table."""

    table: float
    in_memory: float


def visits_by_pandas(wh: Warehouse) -> Seconds:
    """Make the table once more, by pandas. Raises SystemExit where it is not that of the model.

    The fastest way that pandas has to PostgreSQL: COPY out, and COPY into a table that the same transaction made, which
    gets its indexes afterwards.
    """
    with wh.connect("transformer") as connection:
        began = time.monotonic()
        entries = _read(connection, ENTRIES, {"referrer_key": "Int64"})
        lives = _read(connection, LIVES, {})
        listed = {host: (kind, site) for host, kind, site in _read(connection, LISTED, {}).to_numpy()}
        read = time.monotonic()
        visits = _visits(entries, lives, listed)
        counted = time.monotonic()
        connection.execute(f"create table {COPY} (like {MODEL})")
        names = [column.name for column in connection.execute(f"select * from {COPY}").description or ()]  # noqa: S608
        text = _as_table(visits, entries).reindex(columns=names).to_csv(index=False, header=False)
        with connection.cursor() as cursor, cursor.copy(f"copy {COPY} from stdin (format csv)") as copy:
            copy.write(text)
        for (index,) in connection.execute(INDEXES, (MODEL, COPY, MODEL)).fetchall():
            connection.execute(index)
        connection.execute(f"analyze {COPY}")
        connection.commit()
        ended = time.monotonic()
        for one, other in ((MODEL, COPY), (COPY, MODEL)):
            query = f"select * from {one} except all select * from {other} limit 3"  # noqa: S608
            if found := connection.execute(query).fetchall():
                raise SystemExit(f"of {one} alone: {found}")
        connection.execute(f"drop table {COPY}")
    return Seconds(table=round(ended - began, 2), in_memory=round(counted - read, 2))


def _read(connection: psycopg.Connection, query: str, types: Mapping[str, str]) -> pd.DataFrame:
    text = io.BytesIO()
    with connection.cursor() as cursor, cursor.copy(f"copy ({query}) to stdout (format csv, header)") as copy:
        for part in copy:
            text.write(part)
    text.seek(0)
    return pd.read_csv(text, dtype=dict(types), keep_default_na=False, na_values=[""])


def _visits(entries: pd.DataFrame, lives: pd.DataFrame, listed: Listed) -> pd.DataFrame:
    """Classes, grades and links."""
    day = pd.Timedelta(days=1)
    entries = entries.assign(day=pd.to_datetime(entries["day"]))
    lives = lives.assign(begun=pd.to_datetime(lives["begun"]), ended=pd.to_datetime(lives["ended"]))
    versions = pd.DataFrame({"landing": entries["landing"].unique()})
    versions = versions.assign(page=versions["landing"], since=pd.Timestamp("2000-01-01"))
    versions["since"] = versions["since"].astype(entries["day"].dtype)
    seen = pd.merge_asof(
        entries.sort_values("day"), versions.sort_values("since"), left_on="day", right_on="since", by="landing"
    )
    seen["host"] = seen["referrer"].str.extract(r"^https?://([^/]+)", expand=False)
    seen = seen.groupby(["referrer", *SIGHT], dropna=False, as_index=False).agg(visits=("entry_count", "sum"))
    pairs = seen[SIGHT].drop_duplicates().merge(lives, on="host", suffixes=("", "_of_link"))
    pairs = pairs[(pairs["begun"] - day <= pairs["day"]) & (pairs["day"] < pairs["ended"] + day)]
    pairs = pairs.drop_duplicates([*SIGHT, "link_key", "page_of_link"])
    pairs["is_of_page"] = (pairs["source_page_key"] == pairs["referrer_key"]).fillna(value=False)
    pairs["is_to_page"] = pairs["page_of_link"] == pairs["page"]
    # Without a value a 64-bit key would become a float, and another key.
    keys = pairs["link_key"].astype("Int64")
    pairs["exact_key"] = keys.where(pairs["is_of_page"] & pairs["is_to_page"])
    pairs["sole_key"] = keys.where(pairs["is_to_page"])
    met = pairs.groupby(SIGHT, dropna=False, as_index=False).agg(
        is_known_page=("is_of_page", "any"),
        links=("is_to_page", "sum"),
        exact_key=("exact_key", "min"),
        sole_key=("sole_key", "min"),
    )
    visits = seen.merge(met, on=SIGHT, how="left")
    has_links = visits["links"].notna()
    visits["grade"] = np.select(
        [
            visits["exact_key"].notna(),
            visits["is_known_page"].fillna(value=False).astype(bool),
            ~has_links | visits["referrer_key"].notna(),
            visits["links"] == 1,
            visits["links"] > 1,
        ],
        ["exact", "exact_page", "no_known_link", "sole", "ambiguous"],
        "host_only",
    )
    known = visits["host"].map({host: _listed(host, listed) for host in visits["host"].unique()})
    visits["site"] = known.str[1]
    visits["class"] = np.select(
        [visits["grade"].isin(["exact", "exact_page"]), known.notna(), has_links],
        ["link", known.str[0], "link_host"],
        "other_site",
    )
    visits.loc[~visits["class"].isin(["link", "link_host", "other_site"]), "grade"] = None
    return visits


def _listed(host: str, listed: Listed) -> tuple[str, str] | None:
    """Class and site of a host, or of one that it is below; `google.*` is Google's hosts of all countries."""
    labels = host.split(".")
    for number in range(len(labels)):
        name = ".".join(labels[number:])
        found = listed.get(name) or listed.get(f"{name.rpartition('.')[0]}.*")
        if found:
            return found
    return None


def _as_table(visits: pd.DataFrame, entries: pd.DataFrame) -> pd.DataFrame:
    """Rows of fct_referral_visit, from what was counted; keys are made once for each page and referrer."""
    told = entries.drop_duplicates("referrer").set_index("referrer")
    sources = visits[["referrer", "referrer_key"]].drop_duplicates()
    texts = sources["referrer_key"].astype("string").fillna("")
    states = sources["referrer"].map(told["referrer_state"])
    sources["key"] = [key64(*parts, "") for parts in zip(states, sources["referrer"], texts, strict=True)]
    visits = visits.merge(sources, on=["referrer", "referrer_key"], how="left")
    is_host = visits["class"] == "link_host"
    return pd.DataFrame(
        {
            "property_key": 1,
            "witness": "logs",
            "day": visits["day"].dt.strftime("%Y-%m-%d"),
            "referrer_key": visits["key"],
            "page_key": visits["page"].map({page: key64(page) for page in visits["page"].unique()}),
            "referrer_state": visits["referrer"].map(told["referrer_state"]),
            "referrer_host": visits["host"],
            "referrer_url": visits["referrer"],
            "referrer_domain": visits["referrer"].map(told["referrer_domain"]),
            "referrer_url_key": visits["referrer_key"],
            "landing_url": visits["page"],
            "class": visits["class"],
            "site": visits["site"],
            "grade": visits["grade"],
            "link_key": visits["exact_key"]
            .where(visits["class"] == "link")
            .fillna(visits["sole_key"].where(is_host & (visits["grade"] == "sole"))),
            "candidate_count": visits["links"].astype("Int64").where(is_host & visits["referrer_key"].isna()),
            "visit_count": visits["visits"],
        }
    )
