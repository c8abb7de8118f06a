"""The pages as an application that only reads: what a person decides goes from the browser to Airflow's own API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import psycopg
from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from seo_warehouse.config import Settings
from seo_warehouse.errors import SeoWarehouseError
from seo_warehouse.ledger.budgets import read_standings
from seo_warehouse.ledger.completeness import read_waiting
from seo_warehouse.ledger.held import read_evidence
from seo_warehouse.pages.access import may_decide, may_see
from seo_warehouse.pages.reading import (
    STATES,
    connected,
    one_property,
    read_calendar,
    read_properties,
    read_spend,
    read_tonight,
)
from seo_warehouse.steps.days import MARKS
from seo_warehouse.steps.warehouse import Warehouse
from seo_warehouse.terminal import one_line

FOLDER = Path(__file__).parent
FILES = {"pages.css": "text/css", "pages.js": "text/javascript"}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self';"
    " frame-ancestors 'self'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
CHOICES, CHOICES_OF_ALL = (30, 60, 120, 400), (30, 60)
"""Days that a calendar of one property may have, and one of all of them."""
LETTERS = {state: mark for state, (mark, _) in MARKS.items()}


def _shown(value: object) -> object:
    """A word of a provider as text: what turns the order of letters round, and controls, are written out."""
    return one_line(value) if type(value) is str else value


PAGES = Environment(
    loader=FileSystemLoader(FOLDER / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=_shown,
    trim_blocks=True,
    lstrip_blocks=True,
)

app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(may_see)])
CanDecide = Annotated[bool, Depends(may_decide)]


@cache
def find_warehouse() -> Warehouse:
    """The warehouse that the environment describes. A dependency, so that tests can name another.

    Of SEO_WAREHOUSE_DSN the pages need the place alone: it may be without user and password.
    """
    return Warehouse(Settings())


Found = Annotated[Warehouse, Depends(find_warehouse)]


@app.middleware("http")
async def guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Nothing from outside, no frame of another site, no copy kept."""
    answer = await call_next(request)
    answer.headers.update(HEADERS)
    return answer


@app.exception_handler(SeoWarehouseError)
@app.exception_handler(psycopg.Error)
def say_trouble(request: Request, error: Exception) -> HTMLResponse:
    """A page that says what is wrong, without what PostgreSQL may show of values."""
    said = (
        str(error) if isinstance(error, SeoWarehouseError) else f"the warehouse did not answer: {type(error).__name__}"
    )
    return _page("trouble.html", 503, said=said)


@app.get("/")
def index() -> RedirectResponse:
    """The first page."""
    return RedirectResponse("tonight")


@app.get("/static/{name}")
def static(name: str) -> FileResponse:
    """The style sheet and the script."""
    if name not in FILES:
        raise HTTPException(404)
    return FileResponse(FOLDER / "static" / name, media_type=FILES[name])


@app.get("/tonight")
def tonight(wh: Found) -> HTMLResponse:
    """The newest night: what came, what waits, what failed, what it cost."""
    with connected(wh) as connection:
        return _page("tonight.html", found=read_tonight(connection))


@app.get("/completeness")
def completeness(
    wh: Found,
    name: Annotated[str | None, Query(alias="property", max_length=200)] = None,
    count: Annotated[int, Query(alias="days", ge=1, le=CHOICES[-1])] = 60,
) -> HTMLResponse:
    """The calendar of one property by table, or the worst state a day of each."""
    today = datetime.now(UTC).date()
    with connected(wh) as connection:
        names = read_properties(connection)
        chosen = one_property(name, names)
        choices = CHOICES if chosen else CHOICES_OF_ALL
        days = [today - timedelta(days=age) for age in range(min(count, choices[-1]) - 1, -1, -1)]
        rows = read_calendar(connection, days[0], chosen)
    shown: dict[str, Any] = {"days": days, "rows": rows, "names": names, "chosen": chosen, "choices": choices}
    words = {day: f"{day:%A} {day.day} {day:%B %Y}" for day in days}
    return _page("completeness.html", **shown, words=words, letters=LETTERS, states=STATES)


@app.get("/held")
def held(wh: Found, can_decide: CanDecide, load: Annotated[int | None, Query(ge=1, lt=1 << 62)] = None) -> HTMLResponse:
    """The loads that wait for a person; of one of them what there is to see, and for who may decide the buttons."""
    with connected(wh) as connection:
        waiting = read_waiting(connection)
        chosen = next((each for each in waiting if each.load_id == load), None)
        found = read_evidence(connection, chosen.load_id) if chosen else None
    return _page("held.html", waiting=waiting, chosen=chosen, asked=load, found=found, can_decide=can_decide)


@app.get("/spend")
def spend(wh: Found) -> HTMLResponse:
    """The month to date by source and property, what it comes to by its end, and how each budget stands."""
    with connected(wh) as connection:
        budgets = read_standings(connection, datetime.now(UTC).date())
        return _page("spend.html", spent=read_spend(connection), budgets=budgets)


def _page(template: str, status: int = 200, **content: Any) -> HTMLResponse:
    made: datetime = datetime.now(UTC)
    text = PAGES.get_template(template).render(here=template.removesuffix(".html"), made=made, **content)
    # Halves of letters, which a provider may send, are no UTF-8.
    return HTMLResponse(text.encode("utf-8", "replace"), status)
