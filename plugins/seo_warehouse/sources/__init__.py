"""The sources there are. A new one is its file and its name here."""

from seo_warehouse.sources.ahrefs import AHREFS
from seo_warehouse.sources.bing_webmaster import BING_WEBMASTER
from seo_warehouse.sources.bot_range import BOT_RANGE
from seo_warehouse.sources.commoncrawl_ranks import COMMONCRAWL_RANKS
from seo_warehouse.sources.crux import CRUX
from seo_warehouse.sources.dataforseo_backlinks import DATAFORSEO_BACKLINKS
from seo_warehouse.sources.dataforseo_serp import DATAFORSEO_SERP
from seo_warehouse.sources.exports import EXPORTS
from seo_warehouse.sources.ga4 import GA4
from seo_warehouse.sources.google_sitemaps import GOOGLE_SITEMAPS
from seo_warehouse.sources.google_updates import GOOGLE_UPDATES
from seo_warehouse.sources.hubspot import HUBSPOT
from seo_warehouse.sources.link_check import LINK_CHECK
from seo_warehouse.sources.majestic import MAJESTIC
from seo_warehouse.sources.matomo import MATOMO
from seo_warehouse.sources.moz import MOZ
from seo_warehouse.sources.open_pagerank import OPEN_PAGERANK
from seo_warehouse.sources.outreach import OUTREACH
from seo_warehouse.sources.plausible import PLAUSIBLE
from seo_warehouse.sources.search_console import SEARCH_CONSOLE
from seo_warehouse.sources.semrush import SEMRUSH
from seo_warehouse.sources.server_logs import SERVER_LOGS
from seo_warehouse.sources.site_crawl import SITE_CRAWL
from seo_warehouse.sources.url_inspection import URL_INSPECTION
from seo_warehouse.spec import Source

SOURCES: tuple[Source, ...] = (
    SITE_CRAWL,
    DATAFORSEO_SERP,
    DATAFORSEO_BACKLINKS,
    SEARCH_CONSOLE,
    EXPORTS,
    GOOGLE_UPDATES,
    BING_WEBMASTER,
    COMMONCRAWL_RANKS,
    BOT_RANGE,
    SERVER_LOGS,
    URL_INSPECTION,
    AHREFS,
    MAJESTIC,
    MOZ,
    SEMRUSH,
    OPEN_PAGERANK,
    GOOGLE_SITEMAPS,
    CRUX,
    LINK_CHECK,
    GA4,
    MATOMO,
    PLAUSIBLE,
    OUTREACH,
    HUBSPOT,
)


def source_named(name: str) -> Source:
    """The source of that name. Raises KeyError with the names there are."""
    for source in SOURCES:
        if source.name == name:
            return source
    raise KeyError(f"no source {name!r}: {', '.join(s.name for s in SOURCES)}")
