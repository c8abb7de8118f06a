"""Logs that name their columns themselves: W3C's extended format as IIS writes it, and CloudFront's standard logs."""

from __future__ import annotations

from datetime import UTC
from urllib.parse import unquote

from seo_warehouse.logs.hits import MILLISECOND, SECOND, Hit, make_hit, read_duration
from seo_warehouse.logs.times import make_reader

DIRECTIVE = "#Fields:"
_NEEDED = {"date", "time", "c-ip", "cs-method", "cs-uri-stem", "sc-status"}


class NamedColumns:
    """A parser that heeds each `#Fields:` as it comes: the columns may change within a file. Times are UTC."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._read_time = make_reader(zone=UTC)

    def __call__(self, line: str) -> Hit | str | None:
        if line.startswith("#"):
            if line.startswith(DIRECTIVE):
                self._names = line.removeprefix(DIRECTIVE).lower().split()
            return None
        if not line.strip():
            return None
        if not _NEEDED.issubset(self._names):
            return "its columns were not named before"
        is_tabbed = "\t" in line
        values = line.split("\t" if is_tabbed else " ")
        if len(values) != len(self._names):
            return "not of this format"
        field = dict(zip(self._names, values, strict=True))
        agent = field.get("cs(user-agent)", "-")
        referrer = field.get("cs(referer)")
        query = field.get("cs-uri-query", "-")
        url = field["cs-uri-stem"] + ("" if query in ("-", "") else f"?{query}")
        return make_hit(
            field["c-ip"],
            self._read_time(f"{field['date']} {field['time']}"),
            f"{field['cs-method']} {url} HTTP",
            field["sc-status"],
            field.get("sc-bytes", "-"),
            # CloudFront encodes what is not plain, spaces included and the sign of the encoding twice; IIS writes
            # a plus for a space.
            unquote(unquote(agent, "latin-1"), "latin-1") if is_tabbed else agent.replace("+", " "),
            # CloudFront says seconds.
            read_duration(field.get("time-taken", ""), SECOND if is_tabbed else MILLISECOND),
            unquote(unquote(referrer, "latin-1"), "latin-1") if is_tabbed and referrer else referrer,
        )
