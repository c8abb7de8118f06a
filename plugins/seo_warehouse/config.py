"""Settings: properties.yml and the environment, validated once and handed in everywhere."""

from __future__ import annotations

import os
import re
from datetime import date, time
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from seo_warehouse.errors import ConfigError

NIGHT_DEADLINE = time(23, 0)
"""UTC time of day at which a night ends, whatever is missing."""


class Strict(BaseModel):
    """Unknown settings are errors: a typo never passes for a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return pattern


Pattern = Annotated[str, AfterValidator(_compiles)]


class TopicRule(Strict):
    """Pages whose path matches `pattern` (a regular expression) have `topic`; the first rule wins."""

    pattern: Pattern
    topic: str


class Keyword(Strict):
    """A tracked keyword; `page` is the page meant to rank for it, where one is."""

    keyword: str = Field(min_length=1, max_length=700)
    page: str | None = None
    is_brand: bool = False


class Panel(Strict):
    """Where and how deep positions are checked. `depth`: results asked for, so "not found" has a meaning."""

    engine: Literal["google"] = "google"
    location_code: int = 2840
    language_code: str = "en"
    devices: tuple[Literal["desktop", "mobile"], ...] = ("desktop", "mobile")
    depth: int = Field(default=100, ge=10, le=700)


class SearchConsoleSettings(Strict):
    """`site`: as Search Console names it, `sc-domain:example.com` or a URL prefix."""

    connection: str = "google_search_console"
    site: str


class BacklinksSettings(Strict):
    """`target`: domain without www, subdomain, or a page's absolute URL. Full pulls cost money for every row."""

    connection: str = "dataforseo"
    target: str
    full_interval_days: int = Field(default=28, ge=1)
    money_per_night: float = Field(default=20.0, gt=0, description="US dollars; nothing is bought beyond")


class SerpSettings(Strict):
    """Rank checks of the property's keywords on its panel."""

    connection: str = "dataforseo"
    interval_days: int = Field(default=1, ge=1)
    money_per_night: float = Field(default=20.0, gt=0, description="US dollars; nothing is bought beyond")


class CrawlSettings(Strict):
    """Limits of the crawl of a property's own site."""

    start_urls: tuple[str, ...] = Field(min_length=1)
    interval_days: int = Field(default=7, ge=1)
    max_pages: int = Field(default=5_000, ge=1)
    max_depth: int = Field(default=30, ge=0)
    max_page_bytes: int = Field(default=5_000_000, ge=1_000)
    max_redirects: int = Field(default=10, ge=0)
    max_links_per_page: int = Field(default=5_000, ge=1)
    delay_seconds: float = Field(default=0.5, ge=0)
    timeout_seconds: float = Field(default=20, gt=0)
    max_seconds: float = Field(default=6 * 3600, gt=0)
    allowed_networks: tuple[str, ...] = Field(default=(), description="private networks the crawl may enter (CIDR)")
    resolve: dict[str, str] = Field(default_factory=dict, description="host -> address:port, instead of DNS")


class ExportSettings(Strict):
    """Files in the property's drop folder, `<drop>/<property>/`. Nothing to set: `exports: {}` has them read."""


class GoogleUpdatesSettings(Strict):
    """Google's Search Status Dashboard. It needs no credentials, so its address is stated here."""

    base_url: str = Field(default="https://status.search.google.com", pattern=r"^https?://[^/]+$")


class SourceSettings(Strict):
    """A source that is absent here is not read for the property."""

    search_console: SearchConsoleSettings | None = None
    dataforseo_backlinks: BacklinksSettings | None = None
    dataforseo_serp: SerpSettings | None = None
    site_crawl: CrawlSettings | None = None
    exports: ExportSettings | None = None

    @property
    def google_updates(self) -> GoogleUpdatesSettings | None:
        """No property's own: see SharedSources."""
        return None


class SharedSources(SourceSettings):
    """The sources that are read once for all properties."""

    updates: GoogleUpdatesSettings | None = None

    @property
    def google_updates(self) -> GoogleUpdatesSettings | None:
        """Where Google's updates are read, if they are."""
        return self.updates


class Property(Strict):
    """One site whose links and positions are kept. `key` is stated, never a sequence, and never changes."""

    key: int = Field(ge=1)
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    domain: str = Field(description="registrable domain, or host, whose results count as the property's")
    history_start: date
    panel: Panel = Panel()
    topics: tuple[TopicRule, ...] = ()
    keywords: tuple[Keyword, ...] = ()
    sources: SourceSettings = SourceSettings()

    @model_validator(mode="after")
    def _keywords_are_unique(self) -> Property:
        words = [k.keyword for k in self.keywords]
        twice = sorted({w for w in words if words.count(w) > 1})
        if twice:
            raise ValueError(f"keywords stated twice: {', '.join(twice)}")
        return self


DroppableSource = Literal["search_console", "dataforseo_serp"]
"""Sources whose days are modelled each by itself. Links and pages are made from the whole of their history."""


class Retention(Strict):
    """What is given up by age, once a day. Whatever is not stated is kept for ever."""

    raw_months: dict[DroppableSource, Annotated[int, Field(ge=6)]] = Field(
        default_factory=dict, description="source -> whole months that raw keeps beside the running one"
    )
    archive_months: int | None = Field(default=None, ge=2, description="the same for archived answers")


SHARED_KEY = 0
SHARED_NAME = "all"
"""Under these is loaded what concerns all properties; no property may have this name."""


class Properties(Strict):
    """The whole of properties.yml."""

    properties: tuple[Property, ...] = Field(min_length=1)
    google_updates: GoogleUpdatesSettings | None = None
    retention: Retention = Retention()
    demo_control_url: str | None = Field(default=None, description="set by the demo only: where its clock is read")

    @model_validator(mode="after")
    def _keys_and_names_are_unique(self) -> Properties:
        for field in ("key", "name"):
            values = [getattr(p, field) for p in self.properties]
            if len(set(values)) < len(values):
                raise ValueError(f"two properties share a {field}")
        if any(p.name == SHARED_NAME for p in self.properties):
            raise ValueError(f"no property may be called {SHARED_NAME!r}: it stands for what concerns all of them")
        return self

    @property
    def shared(self) -> Property:
        """What stands for all properties where a source concerns them all. It is no row of ops.property."""
        return Property.model_construct(
            key=SHARED_KEY,
            name=SHARED_NAME,
            domain="",
            history_start=min(p.history_start for p in self.properties),
            sources=SharedSources(updates=self.google_updates),
        )

    def named(self, name: str) -> Property:
        """The property of that name. Raises ConfigError with the names there are."""
        for prop in (*self.properties, self.shared):
            if prop.name == name:
                return prop
        raise ConfigError(f"no property {name!r}; there are: {', '.join(p.name for p in self.properties)}")

    def with_source(self, source: str) -> tuple[Property, ...]:
        """The properties for which `source` is configured; what concerns all of them has one of its own."""
        return tuple(p for p in (*self.properties, self.shared) if getattr(p.sources, source) is not None)


def load_properties(path: Path) -> Properties:
    """Read and validate properties.yml. Raises ConfigError naming the file, the setting and what is wrong."""
    try:
        # libyaml comes with PyYAML's wheels. Every task reads this file: in Python that takes seven times as long.
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist; properties.example.yml shows its form") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML: {error}") from None
    try:
        return Properties.model_validate(document)
    except ValidationError as error:
        lines = "; ".join(f"{'.'.join(str(p) for p in e['loc'])}: {e['msg']}" for e in error.errors())
        raise ConfigError(f"{path}: {lines}") from None


Role = Literal["owner", "loader", "transformer", "analyst"]


class Settings:
    """Where everything is. Read from the environment, see .env.example.

    SEO_WAREHOUSE_HOME        state folder, default `.seo-warehouse`
    SEO_WAREHOUSE_PROPERTIES  path of properties.yml, default `<home>/properties.yml`
    SEO_WAREHOUSE_DSN         owner's DSN of an existing PostgreSQL; default: the embedded one
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
        if self.owner_dsn and not self.owner_dsn.startswith(("postgresql://", "postgres://")):
            raise ConfigError(
                "SEO_WAREHOUSE_DSN is not a URI of the form postgresql://user:password@host:port/database"
            )
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
