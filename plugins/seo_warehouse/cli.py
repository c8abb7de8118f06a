"""seo-warehouse: the command line. Thin: each command calls the function that Airflow's tasks call."""

from __future__ import annotations

import errno
import logging
import os
import pwd
import sys
from collections.abc import Callable
from datetime import date, datetime, tzinfo
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
import psycopg

from seo_warehouse.config import Role
from seo_warehouse.errors import SeoWarehouseError
from seo_warehouse.terminal import harmless

if TYPE_CHECKING:
    from seo_warehouse.ledger.sites import Rekeying

DAY = click.DateTime(formats=["%Y-%m-%d"])
SOURCE = "The source's name, as in properties.yml."
PROPERTY = "The property's name, as in properties.yml."


def _day(context: click.Context, parameter: click.Parameter, value: datetime | None) -> date | None:
    return value.date() if value else None


def _zone(context: click.Context, parameter: click.Parameter, value: str | None) -> tzinfo | None:
    try:
        return ZoneInfo(value) if value else None
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise click.BadParameter(f"{value} is no time zone") from error


def _say(line: str) -> None:
    click.echo(harmless(line))


class _Harmless(logging.Formatter):
    """Lines of the log as a terminal may have them."""

    def format(self, record: logging.LogRecord) -> str:
        return harmless(super().format(record))


def _clear_errors(command: Callable[..., None]) -> Callable[..., None]:
    """An error raised on purpose is one sentence on stderr and exit code 1; anything else keeps its traceback."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except SeoWarehouseError as error:
            reason = str(error)
        except psycopg.OperationalError as error:
            reason = f"PostgreSQL: {' '.join(str(error).split())}"
        except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedFunction) as error:
            reason = f"{error.diag.message_primary}: the ledgers are of an older version: `seo-warehouse migrate`"
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
                raise
            reason = f"{error.strerror}: {error.filename or 'the state folder'}"
        else:
            return
        click.secho(f"seo-warehouse: {harmless(reason)}", err=True, fg="red")
        sys.exit(1)

    return wrapped


def _rekeying(command: Callable[..., None]) -> Callable[..., None]:
    """The options by which a person says that a site has moved."""
    command = click.option("--why", help="The reason, kept in the ledger.")(command)
    return click.option(
        "--rekey",
        type=click.IntRange(min=1),
        multiple=True,
        help="This key's site has moved to the domain that properties.yml states now; its grants end.",
    )(command)


def _said(rekey: tuple[int, ...], why: str | None) -> Rekeying | None:
    from seo_warehouse.ledger.sites import Rekeying

    if bool(rekey) != bool(why and why.strip()):
        raise click.UsageError("--rekey and --why belong together")
    return Rekeying(rekey, why, _user()) if why else None


class _Whole(click.Group):
    """Commands with their whole first paragraph, which click would cut."""

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        found = [(name, self.get_command(context, name)) for name in self.list_commands(context)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, _first_paragraph(command)) for name, command in found if command is not None])


def _first_paragraph(command: click.Command) -> str:
    paragraph = " ".join((command.help or "").split("\n\n")[0].split())
    return paragraph if paragraph.endswith(".") else f"{paragraph}."


@click.group(cls=_Whole, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="seo-warehouse")
@click.option("-v", "--verbose", is_flag=True, help="Log each step to stderr.")
def main(verbose: bool) -> None:
    """The SEO warehouse: nightly gated loads, dbt facts that join links to positions."""
    # What is written here and by whatever is started here is its owner's alone.
    os.umask(0o077)
    lines = logging.StreamHandler()
    lines.setFormatter(_Harmless("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, handlers=[lines], force=True)


@main.command()
@click.option(
    "--properties",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Your properties.yml; without it the demo world is served and loaded.",
)
@_rekeying
@_clear_errors
def run(properties: Path | None, rekey: tuple[int, ...], why: str | None) -> None:
    """Start PostgreSQL and Airflow, load history, run the newest night, and keep serving."""
    from seo_warehouse.embedded.run import run as start

    start(properties, _say, _said(rekey, why))


@main.command()
@click.option(
    "--properties",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Your properties.yml; without it the one of the state folder or of SEO_WAREHOUSE_PROPERTIES.",
)
@_clear_errors
def check(properties: Path | None) -> None:
    """Say what would go wrong and what a night costs, starting nothing: settings, connections, robots, disk, ports."""
    from seo_warehouse.embedded.check import check as look
    from seo_warehouse.orchestration.stores import open_warehouse

    look(open_warehouse(), properties, _say)


@main.command()
@_clear_errors
def stop() -> None:
    """End every process that `run` started."""
    from seo_warehouse.embedded.run import stop as end

    end(_say)


@main.command()
@click.option("--property", "property_name", help="The days of this property alone.")
@click.option("--from", "first", type=DAY, callback=_day, help="The calendar from this day; default: what fits.")
@click.option("--acknowledge", is_flag=True, help="You know of all failures up to now: they are not shown again.")
@_clear_errors
def status(property_name: str | None, first: date | None, acknowledge: bool) -> None:
    """What runs, what was loaded, which loads wait for a person, and what is there of each day."""
    from seo_warehouse.embedded.run import status as show

    show(_say, property_name, first, _user() if acknowledge else None)


@main.command()
@_rekeying
@_clear_errors
def migrate(rekey: tuple[int, ...], why: str | None) -> None:
    """Bring the warehouse's tables, roles and settings to this release; `run` does it too."""
    from seo_warehouse.orchestration.stores import open_warehouse

    applied = open_warehouse().migrate(_said(rekey, why))
    _say("\n".join(f"applied {migration}" for migration in applied) or "no migration was missing")


@main.command()
@click.option("--to", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The new file.")
@_clear_errors
def backup(to: Path) -> None:
    """Write the warehouse's database into one file. The archive is backed up as files are."""
    from seo_warehouse.embedded.backup import back_up
    from seo_warehouse.orchestration.stores import open_warehouse

    back_up(open_warehouse(), to, _say)


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_clear_errors
def restore(file: Path) -> None:
    """Fill an empty database from a backup."""
    from seo_warehouse.config import Settings
    from seo_warehouse.embedded.backup import restore as fill

    fill(Settings(), file, _say)


@main.command()
@click.option("--role", type=click.Choice(get_args(Role)), default="analyst", show_default=True, help="Who connects.")
@_clear_errors
def dsn(role: Role) -> None:
    """Print the connection string of a role, as in `psql "$(seo-warehouse dsn)"`."""
    from seo_warehouse.orchestration.stores import open_warehouse

    click.echo(open_warehouse().dsn(role))


@main.command()
@click.option("--source", required=True, help=SOURCE)
@click.option("--property", "property_name", required=True, help=PROPERTY)
@click.option("--night", type=DAY, callback=_day, help="UTC date; default today.")
@_clear_errors
def ingest(source: str, property_name: str, night: date | None) -> None:
    """Write, audit and publish one source's night of one property, here and now, without the scheduler.

    Of `exports`: every new file in the property's drop folder.
    """
    from seo_warehouse.orchestration.stores import open_warehouse
    from seo_warehouse.steps import nightly

    wh = open_warehouse()
    _say_states(nightly.ingest(wh, source, property_name, night or wh.now().date(), _say))


@main.command()
@click.option("--source", required=True, help=SOURCE)
@click.option("--property", "property_name", required=True, help=PROPERTY)
@click.option("--from", "first", type=DAY, callback=_day, required=True, help="The first day.")
@click.option("--to", "last", type=DAY, callback=_day, required=True, help="The last day.")
@_clear_errors
def replay(source: str, property_name: str, first: date, last: date) -> None:
    """Read days again from the archive, making no request."""
    from seo_warehouse.orchestration.stores import open_warehouse
    from seo_warehouse.steps import nightly

    _say_states(nightly.replay(open_warehouse(), source, property_name, first, last))


@main.command()
@click.option("--property", "property_name", required=True, help=PROPERTY)
@click.option("--from", "first", type=DAY, callback=_day, help="First day; default: the property's history_start.")
@click.option("--to", "last", type=DAY, callback=_day, help="Last night; default: yesterday.")
@click.option("--dry-run", is_flag=True, help="Say what it and each night after it would read and cost; ask nobody.")
@_clear_errors
def onboard(property_name: str, first: date | None, last: date | None, dry_run: bool) -> None:
    """Load a property's history by month. Cut anywhere, it goes on where it was when it is run again."""
    from seo_warehouse.orchestration.stores import open_warehouse
    from seo_warehouse.steps.forecast import foretell
    from seo_warehouse.steps.history import onboard as load

    (foretell if dry_run else load)(open_warehouse(), property_name, first, last, _say)


@main.command()
@click.option("--source", required=True, help=SOURCE)
@click.option("--property", "property_name", required=True, help=PROPERTY)
@click.option("--from", "first", type=DAY, callback=_day, required=True, help="The first day.")
@click.option("--to", "last", type=DAY, callback=_day, required=True, help="The last day.")
@_clear_errors
def backfill(source: str, property_name: str, first: date, last: date) -> None:
    """Read days again, published ones too, and publish what changed. A snapshot's nights: from the archive only."""
    from seo_warehouse.orchestration.stores import open_warehouse
    from seo_warehouse.steps.backfill import backfill as read_again

    _say_states(read_again(open_warehouse(), source, property_name, first, last, _say))


@main.command()
@click.argument("load", type=click.IntRange(min=1))
@click.option("--approve", "decision", flag_value="approve", help="Publish it; the next build models it.")
@click.option("--reject", "decision", flag_value="reject", help="Leave its days as they are, and drop its rows.")
@click.option("--why", required=True, help="The reason, kept with the load.")
@_clear_errors
def release(load: int, decision: Literal["approve", "reject"] | None, why: str) -> None:
    """Decide about a quarantined load; `status` lists those that wait."""
    from seo_warehouse.orchestration.stores import open_warehouse
    from seo_warehouse.steps.release import release as decide

    if decision is None:
        raise click.UsageError("say --approve or --reject")
    _say(decide(open_warehouse(), load, decision, who=_user(), why=why))


@main.command()
@click.option("--test", "is_test", is_flag=True, help="Send a test over each channel of properties.yml instead.")
@_clear_errors
def alert(is_test: bool) -> None:
    """What people are told of: the states that last, and which kinds are muted."""
    from seo_warehouse.orchestration.stores import open_warehouse
    from seo_warehouse.steps.alerts import say_alerts, send_test

    if not is_test:
        say_alerts(open_warehouse(), _say)
    elif not send_test(open_warehouse(), _say):
        raise SystemExit(1)


@main.command()
@click.option("--source", help="Of this source alone.")
@click.option("--accept", "why", metavar="WHY", help="Take what the source's answers have now for usual; kept with it.")
@_clear_errors
def shapes(source: str | None, why: str | None) -> None:
    """Which fields of providers' answers are gone, new, of another type or more often empty than is usual."""
    from seo_warehouse.orchestration.stores import open_warehouse
    from seo_warehouse.steps.shapes import accept, say_changes

    if why is None:
        say_changes(open_warehouse(), source, _say)
    elif source is None or not why.strip():
        raise click.UsageError("say which --source, and why")
    else:
        accept(open_warehouse(), source, who=_user(), why=why, say=_say)


@main.command()
@click.option("--kind", required=True, help="The kind of alert, as `alert` and docs/operating.md name it.")
@click.option("--until", type=DAY, callback=_day, required=True, help="The last day (UTC).")
@click.option("--why", required=True, help="The reason, kept with it.")
@_clear_errors
def mute(kind: str, until: date, why: str) -> None:
    """Tell nobody of a kind of alert for some days. It is noted all the same."""
    from seo_warehouse.orchestration.stores import open_warehouse
    from seo_warehouse.steps.alerts import mute as keep_quiet

    _say(keep_quiet(open_warehouse(), kind, until, who=_user(), why=why))


@main.command()
@click.argument("analyst", required=False)
@click.option("--property", "property_name", help="Or `all`: every property, those to come too.")
@click.option("--revoke", "is_revoked", is_flag=True, help="Take the grant back.")
@click.option(
    "--password-stdin", is_flag=True, help="Read a new role's password from stdin; else one is made and shown."
)
@click.option("--odd-name", is_flag=True, help="Make the role though SQL has to quote its name.")
@click.option("--contacts", is_flag=True, help="And the people behind partners, of all that it is granted.")
@_clear_errors
def grant(
    analyst: str | None,
    property_name: str | None,
    is_revoked: bool,
    password_stdin: bool,
    odd_name: bool,
    contacts: bool,
) -> None:
    """Let ANALYST, a login role that is made if need be, read a property's rows. Without --property: who reads what."""
    from seo_warehouse.orchestration.stores import open_warehouse
    from seo_warehouse.steps import grants

    if property_name is None and (is_revoked or password_stdin or contacts):
        raise click.UsageError("say which --property")
    if property_name is not None and analyst is None:
        raise click.UsageError("say which ANALYST")
    if analyst is None or property_name is None:
        grants.say_grants(open_warehouse(), _say, analyst)
    elif is_revoked:
        grants.revoke(open_warehouse(), analyst, property_name, _say)
    else:
        password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
        if password == "":
            raise click.UsageError("stdin holds no password")
        grants.grant(
            open_warehouse(),
            analyst,
            property_name,
            _say,
            by=_user(),
            password=password,
            may_be_odd=odd_name,
            with_contacts=contacts,
        )


@main.command()
@click.option("--full", is_flag=True, help="Rebuild every model from all that is published.")
@_clear_errors
def build(full: bool) -> None:
    """Model what was published since the last build."""
    from seo_warehouse.orchestration.stores import open_warehouse
    from seo_warehouse.steps.build import build_warehouse

    done = build_warehouse(open_warehouse(), full=full)
    if done.build_id is None:
        _say("nothing to build: every published day is modelled")
    else:
        _say(f"build {done.build_id}: {done.days} published days, {done.nodes} nodes passed")
    for sentence in done.aside:
        _say(f"set aside: {sentence}")
    if done.aside:
        raise SystemExit(1)


@main.command()
@click.option("--property", "property_name", required=True, help="Or `all`: all properties together.")
@click.option(
    "--cut",
    is_flag=False,
    flag_value="",
    help="By kind of link too: authority, first_from_domain, relevance, anchor_type, country, device. Without a value:"
    " which there are.",
)
@click.option("--outcome", help="What is measured: log_position, position, expected_ctr, click_log ...")
@click.option("--panel", help="Where it was measured: `google` (rank checks), or who tells of searches.")
@_clear_errors
def effect(property_name: str, cut: str | None, outcome: str | None, panel: str | None) -> None:
    """What links did to the positions of their pages, and how sure that is."""
    from seo_warehouse.orchestration.stores import open_warehouse
    from seo_warehouse.report.text import say_effect
    from seo_warehouse.steps.report import read_effect

    say_effect(read_effect(open_warehouse(), property_name, panel=panel, outcome=outcome), _say, cut)


@main.command()
@click.option("--property", "property_name", help="This property alone; default: each, and all together.")
@_clear_errors
def report(property_name: str | None) -> None:
    """Write the report of what links did: a page and its pictures, in the folder `reports` of the state folder."""
    from seo_warehouse.orchestration.stores import open_warehouse
    from seo_warehouse.steps.report import write_reports

    write_reports(open_warehouse(), _say, property_name=property_name)


@main.command()
@click.argument("entries", nargs=-1)
@click.option("--property", "property_name", required=True, help=PROPERTY)
@click.option("--why", help="The reason, kept with the decision; the entry's comment in the file.")
@click.option("--evidence", help="What shows it, as the name of a flag or an address; kept with the decision.")
@click.option("--take-back", "is_taken_back", is_flag=True, help="Disavow ENTRIES no longer.")
@_clear_errors
def disavow(
    entries: tuple[str, ...], property_name: str, why: str | None, evidence: str | None, is_taken_back: bool
) -> None:
    """Keep the decision to disavow ENTRIES (`domain:HOST`, URLs). Without any: print the file for Google.

    In it is what people have decided, and nothing else.
    """
    from seo_warehouse.orchestration.stores import open_warehouse
    from seo_warehouse.steps.disavow import decide, write_file

    if bool(entries) != bool(why):
        raise click.UsageError("ENTRIES and --why belong together")
    if (evidence or is_taken_back) and not entries:
        raise click.UsageError("say which ENTRIES")
    wh, user = open_warehouse(), _user()
    if why:
        _say(decide(wh, property_name, entries, is_disavowed=not is_taken_back, who=user, why=why, evidence=evidence))
    else:
        click.echo(write_file(wh, property_name), nl=False)


@main.command()
@click.option("--contact", "sought", required=True, help="An address, a telephone, or an id: of your files, or ours.")
@click.option("--property", "property_name", help="Default: in all properties.")
@_clear_errors
def erase(sought: str, property_name: str | None) -> None:
    """Forget a person for good, refuse every file that brings it back, and say where it is still found.

    What was counted and paid stays as it was. Twice is harmless; cut anywhere, it goes on when it is called again.
    """
    from seo_warehouse.orchestration.stores import open_warehouse
    from seo_warehouse.steps.people import erase as erase_person

    erase_person(open_warehouse(), sought, _say, property_name=property_name, by=_user())


@main.command()
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=0, help="Where to serve it; default: any port that is free."
)
@_clear_errors
def docs(port: int) -> None:
    """Serve dbt's documentation of the models, their columns and what is made of what, to this machine."""
    from seo_warehouse.steps.documentation import serve_docs
    from seo_warehouse.steps.warehouse import open_warehouse

    serve_docs(open_warehouse(), port, _say)


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "stated", help="A known format, a LogFormat, or a map of JSON's fields; default: recognised.")
@click.option("--zone", callback=_zone, help="The zone of times that say none, as in Europe/Berlin.")
@click.option(
    "--ranges",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of the lists of addresses that operators publish, as googlebot.json; default: none is read.",
)
@click.option("--names", "is_by_name", is_flag=True, help="Also ask the resolver for the names of those who claim.")
@_clear_errors
def logs(
    files: tuple[Path, ...], stated: str | None, zone: tzinfo | None, ranges: Path | None, is_by_name: bool
) -> None:
    """What server logs hold: lines, malformed ones, bots by operator and verdict, and where their visits went.

    No warehouse is needed, nothing is kept, and nothing of people is shown.
    """
    from seo_warehouse.logs.names import Names, Resolver, ask_nobody
    from seo_warehouse.logs.ranges import Ranges, read_lists
    from seo_warehouse.logs.saying import say_summary
    from seo_warehouse.logs.summary import Summary, Summing, read_log

    confirm = Names(Resolver()).confirm if is_by_name else ask_nobody
    summing = Summing(Ranges(read_lists(ranges) if ranges else []), confirm)
    for file in files:
        summary = Summary()
        name = read_log(file, summing, summary, stated=stated, zone=zone)
        _say(f"{file.name}: {name}")
        say_summary(summary, _say)


@main.command(context_settings={"ignore_unknown_options": True}, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@_clear_errors
def airflow(arguments: tuple[str, ...]) -> None:
    """Airflow's own command line, in the Airflow that `run` started: airflow backfill create ..."""
    from seo_warehouse.embedded.run import airflow_command

    sys.exit(airflow_command(arguments))


@main.command(context_settings={"ignore_unknown_options": True}, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@_clear_errors
def dbt(arguments: tuple[str, ...]) -> None:
    """dbt's own command line, on this warehouse and beside its nights: dbt build --select fct_link_event."""
    from seo_warehouse.steps.by_hand import run_by_hand
    from seo_warehouse.steps.warehouse import open_warehouse

    sys.exit(0 if run_by_hand(open_warehouse(), arguments, lambda line: click.echo(harmless(line), err=True)) else 1)


@main.command(context_settings={"ignore_unknown_options": True}, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def demo(arguments: tuple[str, ...]) -> None:
    """Serve the demo world alone: --port P --folder F [--first-day D] [--seed S]."""
    from seo_warehouse.demo.__main__ import main as serve

    serve.main(list(arguments), prog_name="seo-warehouse demo")


def _user() -> str:
    """Who types: the operating system's name of the user, whatever the environment says."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"


def _say_states(states: list[str]) -> None:
    counts = {state: states.count(state) for state in dict.fromkeys(states)}
    _say(", ".join(f"{n} {state}" for state, n in counts.items()) or "nothing was due")


if __name__ == "__main__":
    main()
