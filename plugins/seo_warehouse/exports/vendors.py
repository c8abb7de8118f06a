"""Exports of vendors, by the headings that their files have.

Only headings that were seen in real files or in programs that read them are here. A vendor's new column is noted and
left aside; a form whose needed columns were renamed is refused, naming what was expected.
"""

from __future__ import annotations

from collections.abc import Callable

from seo_warehouse.exports import values
from seo_warehouse.exports.layout import Field, Form, headings
from seo_warehouse.sources.exports import BACKLINK, CRAWL_PAGE
from seo_warehouse.spec import Row


def _rel_of_flags(row: Row, tokens: tuple[str, ...]) -> tuple[str, ...] | None:
    """The tokens whose flag is set; None where no flag is known."""
    flags = [(token, row.pop(f"is_{token}")) for token in tokens]
    if all(value is None for _, value in flags):
        return None
    return tuple(token for token, value in flags if value)


def _type_of_flags(row: Row, *types: str) -> str | None:
    """The first of the types whose flag is set."""
    flags = {name: row.pop(f"is_{name}") for name in types}
    return next((name for name in types if flags[name]), None)


def _finish_ahrefs(row: Row) -> Row:
    row["rel"] = _rel_of_flags(row, values.REL_TOKENS)
    row["is_lost"] = True if row["lost_on"] else None
    return row


def _finish_old_ahrefs(row: Row) -> Row:
    """`Type` says Dofollow or Nofollow, and sometimes what kind of link it is."""
    words = (row["link_type"] or "").replace(",", " ").split()
    tokens = tuple(token for token in values.REL_TOKENS if token in words)
    row["rel"] = tokens if tokens or values.FOLLOWED.intersection(words) else None
    kinds = [word for word in words if word not in values.REL_TOKENS and word not in values.FOLLOWED]
    row["link_type"] = " ".join(kinds) or None
    return row


def _finish_semrush(row: Row) -> Row:
    row["rel"] = _rel_of_flags(row, values.REL_TOKENS)
    row["link_type"] = _type_of_flags(row, "image", "frame", "form", "text")
    return row


def _finish_majestic(row: Row) -> Row:
    """The vendor's one flag of rel is nofollow. A mention is a URL in a text, without a link."""
    row["rel"] = _rel_of_flags(row, ("nofollow",))
    row["link_type"] = _type_of_flags(row, "mention", "redirect", "frame", "image")
    if row["lost_on"] is not None:
        row["is_lost"] = True
    return row


def _finish_moz(row: Row) -> Row:
    """A page that links with and without nofollow says neither."""
    is_nofollow, is_followed = row.pop("is_nofollow"), row.pop("is_followed")
    row["rel"] = ("nofollow",) if is_nofollow else () if is_followed else None
    row["link_type"] = _type_of_flags(row, "redirect")
    return row


def _flag(name: str, kind: Callable[[str], bool | None], *names: str) -> Field:
    return Field(f"is_{name}", kind, names)


AHREFS = Form(
    part="ahrefs_backlinks",
    label="Ahrefs, Backlinks",
    table=BACKLINK,
    finish=_finish_ahrefs,
    fields=(
        Field("source_url", values.url, ("Referring page URL",), is_needed=True, filled=True),
        Field("target_url", values.url, ("Target URL",), is_needed=True, filled=True),
        Field("page_title", values.text, ("Referring page title",)),
        Field("http_status", values.integer, ("Referring page HTTP code",)),
        Field("domain_authority", "percent", ("Domain rating",), is_needed=True),
        Field("authority", "percent", ("UR",)),
        Field("external_links", values.integer, ("External links",)),
        Field("anchor", values.text, ("Anchor",)),
        Field("link_type", values.word, ("Type",)),
        Field("first_seen", "day", ("First seen",)),
        Field("last_seen", "day", ("Last seen",)),
        Field("lost_on", "day", ("Lost",)),
        _flag("nofollow", values.boolean, "Nofollow"),
        _flag("ugc", values.boolean, "UGC"),
        _flag("sponsored", values.boolean, "Sponsored"),
    ),
    left_aside=headings(
        *("#", "Language", "Platform", "Domain traffic", "Referring domains", "Linked domains", "Page traffic"),
        *("Keywords", "Left context", "Right context", "Content", "Rendered", "Raw", "Lost status", "Drop reason"),
        *("Discovered status", "Author", "Page type", "Page category", "Is spam", "Redirect Chain URLs"),
        "Redirect Chain status codes",
    ),
)
OLD_AHREFS = Form(
    part="ahrefs_backlinks",
    label="Ahrefs, Backlinks, in the layout used until 2021",
    table=BACKLINK,
    finish=_finish_old_ahrefs,
    fields=(
        Field("source_url", values.url, ("Referring Page URL",), is_needed=True, filled=True),
        Field("target_url", values.url, ("Link URL",), is_needed=True, filled=True),
        Field("page_title", values.text, ("Referring Page Title",)),
        Field("http_status", values.integer, ("Last HTTP Code",)),
        Field("domain_authority", "percent", ("Domain Rating",), is_needed=True),
        Field("authority", "percent", ("URL Rating",)),
        Field("external_links", values.integer, ("External Links Count",)),
        Field("anchor", values.text, ("Link Anchor",)),
        Field("link_type", values.word, ("Type",)),
        Field("first_seen", "day", ("Found",)),
    ),
    left_aside=headings(
        *("#", "Total Backlinks", "Referring Domains", "Internal Links Count", "TextPre", "TextPost"),
        *("Backlink Status", "Language", "Traffic", "Keywords", "Js rendered", "Linked Domains"),
    ),
)
SEMRUSH = Form(
    part="semrush_backlinks",
    label="Semrush, Backlinks",
    table=BACKLINK,
    finish=_finish_semrush,
    fields=(
        Field("source_url", values.url, ("Source url",), is_needed=True, filled=True),
        Field("target_url", values.url, ("Target url",), is_needed=True, filled=True),
        Field("authority", "percent", ("Page ascore",), is_needed=True),
        Field("page_title", values.text, ("Source title",)),
        Field("anchor", values.text, ("Anchor",)),
        Field("external_links", values.integer, ("External links",)),
        Field("first_seen", "day", ("First seen",)),
        Field("last_seen", "day", ("Last seen",)),
        Field("is_lost", values.boolean, ("Lost link",)),
        _flag("nofollow", values.boolean, "Nofollow"),
        _flag("sponsored", values.boolean, "Sponsored"),
        _flag("ugc", values.boolean, "Ugc"),
        _flag("text", values.boolean, "Text"),
        _flag("form", values.boolean, "Form"),
        _flag("frame", values.boolean, "Frame"),
        _flag("image", values.boolean, "Image"),
    ),
    left_aside=headings("Internal links", "Sitewide", "New link"),
)
MAJESTIC = Form(
    part="majestic_backlinks",
    label="Majestic, Backlinks",
    table=BACKLINK,
    finish=_finish_majestic,
    fields=(
        Field("source_url", values.url, ("Source URL", "SourceURL"), is_needed=True, filled=True),
        Field("target_url", values.url, ("Target URL", "TargetURL"), is_needed=True, filled=True),
        Field("authority", "percent", ("SourceTrustFlow",), is_needed=True),
        Field("anchor", values.text, ("Anchor Text", "AnchorText")),
        Field("first_seen", "day", ("Source First Found Date", "FirstIndexedDate")),
        Field("last_seen", "day", ("Source Crawl Date", "LastSeenDate")),
        Field("lost_on", "day", ("DateLost",)),
        Field("is_lost", values.flag, ("FlagDeleted",)),
        _flag("nofollow", values.flag, "FlagNoFollow"),
        _flag("image", values.flag, "FlagImageLink", "FlagImages"),
        _flag("frame", values.flag, "FlagFrame"),
        _flag("redirect", values.flag, "FlagRedirect"),
        _flag("mention", values.flag, "FlagMention"),
    ),
    left_aside=headings(
        *("Date", "FlagOldCrawl", "FlagAltText", "SourceCitationFlow", "TargetCitationFlow", "TargetTrustFlow"),
        *("SourceTopicalTrustFlow_Topic_0", "SourceTopicalTrustFlow_Value_0", "RefDomainTopicalTrustFlow_Topic_0"),
        *("RefDomainTopicalTrustFlow_Value_0", "TargetTopicalTrustFlow_Topic_0", "TargetTopicalTrustFlow_Value_0"),
        *("ReasonLost", "LinkType", "LinkSubType", "DomainID"),
    ),
)
MOZ = Form(
    part="moz_inbound_links",
    label="Moz, Inbound Links",
    table=BACKLINK,
    finish=_finish_moz,
    fields=(
        Field("source_url", values.url, ("URL",), is_needed=True, filled=True),
        Field("target_url", values.url, ("Target URL",), is_needed=True, filled=True),
        Field("authority", "percent", ("Page Authority",), is_needed=True),
        Field("domain_authority", "percent", ("Domain Authority",), is_needed=True),
        Field("page_title", values.text, ("Title",)),
        Field("anchor", values.text, ("Anchor Text",)),
        _flag("nofollow", values.flag, "Only rel=nofollow"),
        _flag("followed", values.flag, "Only follow"),
        _flag("redirect", values.flag, "301"),
    ),
    left_aside=headings(
        *("Spam Score", "Number of Domains Linking to this Page", "Number of Domains Linking to Domain", "Origin"),
        *("Link Equity", "No Link Equity"),
    ),
)
SCREAMING_FROG = Form(
    part="screaming_frog_internal_all",
    label="Screaming Frog, Internal: All",
    table=CRAWL_PAGE,
    fields=(
        Field("url", values.url, ("Address",), is_needed=True, filled=True),
        Field("content_type", values.text, ("Content Type",), is_needed=True),
        Field("status_code", values.integer, ("Status Code",), is_needed=True),
        Field("indexability", values.text, ("Indexability",)),
        Field("indexability_status", values.text, ("Indexability Status",)),
        Field("title", values.text, ("Title 1",)),
        Field("h1", values.text, ("H1-1",)),
        Field("meta_robots", values.text, ("Meta Robots 1",)),
        Field("x_robots_tag", values.text, ("X-Robots-Tag 1",)),
        # What a page says of itself may be no URL; the crawl of the page stands all the same.
        Field("canonical_url", values.text, ("Canonical Link Element 1",)),
        Field("redirect_url", values.text, ("Redirect URL",)),
        Field("word_count", values.integer, ("Word Count",)),
        Field("crawl_depth", values.integer, ("Crawl Depth",)),
        Field("inlinks", values.integer, ("Inlinks",)),
        Field("unique_inlinks", values.integer, ("Unique Inlinks",)),
        Field("outlinks", values.integer, ("Outlinks",)),
        Field("external_outlinks", values.integer, ("External Outlinks",)),
        Field("size_bytes", values.integer, ("Size (bytes)",)),
        Field("response_seconds", "number", ("Response Time",)),
        Field("last_modified", values.text, ("Last Modified",)),
        Field("content_hash", values.text, ("Hash",)),
        Field("day", "day", ("Crawl Timestamp",)),
    ),
    left_aside=headings(
        *("Status", "Title 1 Length", "Title 1 Pixel Width", "Meta Description 1", "Meta Description 1 Length"),
        *("Meta Description 1 Pixel Width", "Meta Keywords 1", "Meta Keywords 1 Length", "H1-1 Length", "H1-2"),
        *("H1-2 Length", "H2-1", "H2-1 Length", "H2-2", "H2-2 Length", "Meta Refresh 1", 'rel="next" 1'),
        *('rel="prev" 1', 'HTTP rel="next" 1', 'HTTP rel="prev" 1', "amphtml Link Element", "Transferred (bytes)"),
        *("Total Transferred (bytes)", "CO2 (mg)", "Carbon Rating", "Sentence Count"),
        *("Average Words Per Sentence", "Flesch Reading Ease Score", "Readability", "Text Ratio", "Folder Depth"),
        *("Link Score", "Unique JS Inlinks", "% of Total", "Unique Outlinks", "Unique JS Outlinks"),
        *("Unique External Outlinks", "Unique External JS Outlinks", "Closest Near Duplicate Match"),
        *("No. Near Duplicates", "Spelling Errors", "Grammar Errors", "Redirect Type", "Cookies", "Language"),
        *("HTTP Version", "Mobile Alternate Link", "Closest Semantically Similar Address"),
        *("Semantic Similarity Score", "No. Semantically Similar", "Semantic Relevance Score"),
        "URL Encoded Address",
    ),
)
VENDORS = (AHREFS, OLD_AHREFS, SEMRUSH, MAJESTIC, MOZ, SCREAMING_FROG)
