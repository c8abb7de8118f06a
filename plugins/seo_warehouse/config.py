"""Settings: properties.yml and the environment, validated once and handed in everywhere."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator
from decimal import Decimal
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field, ValidationError, create_model, model_validator

from seo_warehouse.alerting.settings import Channel
from seo_warehouse.cycles import uncollected
from seo_warehouse.document import read_bytes, read_document
from seo_warehouse.errors import ConfigError
from seo_warehouse.property import Property, Strict
from seo_warehouse.sources import SOURCES
from seo_warehouse.spec import Source

__all__ = ["RETRIES", "Properties", "Property", "Role", "Settings", "SourceSettings", "load_properties"]


def _made_of(sources: Iterable[Source]) -> dict[str, Any]:
    return {source.name: (source.settings | None, None) for source in sources}


if TYPE_CHECKING:
    SourceSettings = Strict
    SharedSettings = Strict
else:
    SourceSettings = create_model("SourceSettings", __base__=Strict, **_made_of(s for s in SOURCES if not s.is_shared))
    """What is read for one property, by source; absent: not read."""
    SharedSettings = create_model("SharedSettings", __base__=Strict, **_made_of(s for s in SOURCES if s.is_shared))
    """The sources that are read once for all properties."""

Property.model_rebuild(_types_namespace={"SourceSettings": SourceSettings})


def _droppable(name: str) -> str:
    droppable = [source.name for source in SOURCES if any(table.is_droppable for table in source.tables)]
    if name not in droppable:
        raise ValueError(f"old days are given up of {' or '.join(map(repr, droppable))} only")
    return name


class Retention(Strict):
    """What is given up by age, once a day. Whatever is not stated is kept for ever."""

    raw_months: dict[Annotated[str, AfterValidator(_droppable)], Annotated[int, Field(ge=6)]] = Field(
        default_factory=dict, description="source -> whole months that raw keeps beside the running one"
    )
    archive_months: int | None = Field(default=None, ge=2, description="the same for archived answers")
    ledger_months: int | None = Field(default=None, ge=6, description="the same for what the ledger says of old loads")

    @model_validator(mode="after")
    def _ledger_outlives_what_it_tells_of(self) -> Retention:
        longest = max((self.archive_months or 0, *self.raw_months.values()))
        if self.ledger_months is not None and self.ledger_months < longest:
            raise ValueError(f"ledger_months is at least as long as what the ledger tells of is kept, {longest}")
        return self


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise ValueError("is no http:// or https:// address without credentials")
    return url


SHARED_KEY = 0
SHARED_NAME = "all"
"""Under these is loaded what concerns all properties; no property may have this name."""


def _expect_paid(names: Iterable[str], paid: Collection[str]) -> None:
    for name in names:
        if name not in paid:
            raise ValueError(f"money is spent on {' and '.join(sorted(paid))} only, not on {name!r}")


class AccountLimit(Strict):
    """What a provider's account may be used for, over all properties, sources and processes.

    `money_a_month`: US dollars (UTC), with `warn_at` of which people are told. `calls_a_minute`: of its API.
    `at_once`: loads that call it at the same time, each of which calls once at a time.
    """

    money_a_month: Decimal | None = Field(default=None, gt=0, le=1_000_000)
    warn_at: float = Field(default=0.8, gt=0, le=1)
    calls_a_minute: int | None = Field(default=None, ge=1, le=100_000)
    at_once: int | None = Field(default=None, ge=1, le=1_000)


class Properties(SharedSettings):
    """The whole of properties.yml."""

    properties: tuple[Property, ...] = Field(min_length=1)
    retention: Retention = Retention()
    limits: dict[str, AccountLimit] = Field(default={}, description="provider's account -> what it may be used for")
    alerts: tuple[Channel, ...] = Field(default=(), description="the channels on which people are told")
    clock_url: Annotated[str, AfterValidator(_address)] | None = Field(
        default=None, description="where the time is read, instead of the host's clock: answers JSON with `now`"
    )

    @model_validator(mode="after")
    def _keys_and_names_are_unique(self) -> Properties:
        for field in ("key", "name"):
            values = [getattr(p, field) for p in self.properties]
            if len(set(values)) < len(values):
                raise ValueError(f"two properties share a {field}")
        if any(p.name == SHARED_NAME for p in self.properties):
            raise ValueError(f"no property may be called {SHARED_NAME!r}: it stands for what concerns all of them")
        return self

    @model_validator(mode="after")
    def _budgets_are_of_what_costs_money(self) -> Properties:
        paid = [source for source in SOURCES if source.costs_money]
        _expect_paid(
            (name for name, limit in self.limits.items() if limit.money_a_month is not None),
            {source.account for source in paid},
        )
        if unknown := sorted(set(self.limits) - {source.account for source in SOURCES}):
            raise ValueError(f"limits are of accounts that sources have, not of {', '.join(unknown)}")
        for prop in self.properties:
            _expect_paid(prop.budgets, {source.name for source in paid})
        return self

    @model_validator(mode="after")
    def _channels_are_unique_and_name_properties(self) -> Properties:
        if len({channel.name for channel in self.alerts}) < len(self.alerts):
            raise ValueError("two channels of alerts share a name")
        known = {prop.name for prop in self.properties}
        for channel in self.alerts:
            if unknown := sorted(set(channel.properties) - known):
                raise ValueError(f"channel {channel.name} names no property: {', '.join(unknown)}")
        return self

    @property
    def shared(self) -> Property:
        """What stands for all properties where a source concerns them all. It is no row of ops.property."""
        return Property.model_construct(
            key=SHARED_KEY,
            name=SHARED_NAME,
            domain="",
            history_start=min(p.history_start for p in self.properties),
            sources=SharedSettings(**{name: getattr(self, name) for name in SharedSettings.model_fields}),
        )

    def named(self, name: str) -> Property:
        """The property of that name. Raises ConfigError with the names there are."""
        for prop in (*self.properties, self.shared):
            if prop.name == name:
                return prop
        raise ConfigError(f"no property {name!r}; there are: {', '.join(p.name for p in self.properties)}")

    def with_source(self, source: Source) -> tuple[Property, ...]:
        """The properties for which `source` is configured; what concerns all of them has one of its own."""
        return tuple(p for p in (*self.properties, self.shared) if p.reads(source))


_loaded: dict[Path, tuple[bytes, Properties]] = {}
"""What was read last, with what it was made of: a task needs it with its DAG file and for itself."""


def load_properties(path: Path) -> Properties:
    """Read and validate properties.yml. Raises ConfigError naming the file, the setting and what is wrong."""
    said = read_bytes(path)
    known = _loaded.get(path)
    if known is not None and known[0] == said:
        return known[1]
    try:
        with uncollected():
            found = Properties.model_validate(read_document(path, said))
    except ValidationError as error:
        raise ConfigError(f"{path}: {'; '.join(_sentences(error))}") from None
    _loaded[path] = (said, found)
    return found


def _sentences(error: ValidationError) -> Iterator[str]:
    found = error.errors()
    for one in found:
        place = one["loc"]
        # A list is also called too short because of what is wrong inside it.
        if not any(other["loc"][: len(place)] == place != other["loc"] for other in found):
            said = _unknown(place) if one["type"] == "extra_forbidden" else one["msg"].removeprefix("Value error, ")
            yield f"{'.'.join(map(str, place)) or 'the file'}: {said}"


def _unknown(place: tuple[int | str, ...]) -> str:
    """What to do about a setting that there is not."""
    name, there = str(place[-1]), _settings_at(place[:-1])
    if name in SharedSettings.model_fields:
        return "is no setting of one property: it stands at the top of the file"
    close = get_close_matches(name, there, n=1)
    return f"is no setting: did you mean {close[0]}?" if close else f"is no setting: there are {', '.join(there)}"


def _settings_at(place: tuple[int | str, ...]) -> list[str]:
    model: type[BaseModel] = Properties
    for part in place:
        if isinstance(part, str):
            model = next(_models(model.model_fields[part].annotation))
    return [field.alias or name for name, field in model.model_fields.items()]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


RETRIES = 4
"""How often what may work later is tried again, after pauses that double, the first one SEO_WAREHOUSE_RETRY_SECONDS."""

Role = Literal["owner", "loader", "transformer", "analyst", "operator"]


_DATABASE_URI = re.compile(
    r"postgres(?:ql)?://(?:(?:[^:/?#\[\]@%\s]|%[0-9A-Fa-f]{2})*(?::(?:[^:/?#\[\]@%\s]|%[0-9A-Fa-f]{2})*)?@)?"
    r"(?:[\w.%-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?(?:,(?:[\w.%-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?)*"
    r"(?:/[^/?#@\s]*)?(?:\?[^#@\s]*)?"
)


def _is_database_uri(text: str) -> bool:
    """Whether a text is a URI of PostgreSQL in which nothing can be taken for something else."""
    return _DATABASE_URI.fullmatch(text) is not None


class Settings:
    """Where everything is. Read from the environment, see .env.example.

    SEO_WAREHOUSE_HOME        state folder, default `.seo-warehouse`
    SEO_WAREHOUSE_PROPERTIES  path of properties.yml, default `<home>/properties.yml`
    SEO_WAREHOUSE_DSN         owner's DSN of an existing PostgreSQL; default: the embedded one
    SEO_WAREHOUSE_OPERATOR_PASSWORD  of the role that the operators' pages read as; default: one made in the home
    SEO_WAREHOUSE_ARCHIVE     root of the archive of answers, default `<home>/archive` (also s3://, gs://)
    SEO_WAREHOUSE_DROP        folder of dropped files, one folder a property in it, default `<home>/drop`
    SEO_WAREHOUSE_DBT_PROJECT folder of the dbt project, default the one beside the package
    """

    def __init__(self, environ: dict[str, str] | None = None) -> None:
        env = dict(os.environ) if environ is None else environ
        self.home = Path(env.get("SEO_WAREHOUSE_HOME") or ".seo-warehouse").resolve()
        # Not resolved: the home's own properties.yml may be a link, and may come to lead elsewhere.
        self.properties_path = Path(env.get("SEO_WAREHOUSE_PROPERTIES") or self.home / "properties.yml").absolute()
        self.owner_dsn: str | None = env.get("SEO_WAREHOUSE_DSN") or None
        if self.owner_dsn and not _is_database_uri(self.owner_dsn):
            # Not repeated here, nor left to libpq, which says pieces of a password that was taken for something else.
            raise ConfigError(
                "SEO_WAREHOUSE_DSN is not a URI of the form postgresql://user:password@host:port/database;"
                " in a password : / ? # [ ] @ % are written %3A %2F %3F %23 %5B %5D %40 %25"
            )
        self.operator_password: str | None = env.get("SEO_WAREHOUSE_OPERATOR_PASSWORD") or None
        beside = Path(__file__).parents[2] / "dbt_project"
        self.dbt_project = Path(env.get("SEO_WAREHOUSE_DBT_PROJECT") or beside).resolve()
        archive = env.get("SEO_WAREHOUSE_ARCHIVE") or f"file://{self.home / 'archive'}"
        self.archive = archive if "://" in archive else str(Path(archive).absolute())
        self.drop = Path(env.get("SEO_WAREHOUSE_DROP") or self.home / "drop").absolute()
        self.retry_seconds = float(env.get("SEO_WAREHOUSE_RETRY_SECONDS") or 300)
        self.poll_seconds = float(env.get("SEO_WAREHOUSE_POLL_SECONDS") or 60)

    @cached_property
    def properties(self) -> Properties:
        """The validated properties.yml."""
        return load_properties(self.properties_path)
