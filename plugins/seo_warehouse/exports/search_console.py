"""Exports of Google Search Console: performance and links.

Its headings are in the language of whoever exports. What is known of them in German, French, Spanish, Italian, Dutch,
Portuguese, Turkish, Japanese and Chinese was seen in real exports or in programs that read them; in another language
the file is refused.

CTR is left aside: clicks and impressions say it more exactly.
"""

from __future__ import annotations

from seo_warehouse.exports import places, values
from seo_warehouse.exports.layout import Field, Form, headings, plain
from seo_warehouse.sources.exports import BACKLINK, PERFORMANCE, SEARCH_SUMMARY, SEARCH_TOTAL

DATE = ("Date", "Datum", "Fecha", "Data", "Tarih", "日付", "日期")
QUERY = (
    *("Query", "Queries", "Top queries", "Suchanfrage", "Suchanfragen", "Häufigste Suchanfragen"),
    *("Requête", "Requêtes", "Requêtes les plus fréquentes", "Consulta", "Consultas", "Consultas principales"),
    *("Query più frequenti", "Query principali", "Zoekopdracht", "Populairste zoekopdrachten"),
    *("Meest uitgevoerde zoekopdrachten", "Principais consultas", "Consultas principais", "Top consultas"),
    *("En çok yapılan sorgular", "上位のクエリ", "热门查询"),
)
PAGE = (
    *("Page", "Pages", "Top pages", "Landing page", "Seite", "Seiten", "Häufigste Seiten", "Die häufigsten Seiten"),
    *("Pages les plus populaires", "Página", "Páginas", "Páginas principales", "Pagina", "Pagine principali"),
    *("Populairste pagina's", "Populairste pagina\u2019s", "Toppagina's", "Toppagina\u2019s"),
    *("Páginas principais", "Páginas mais visitadas", "En çok görüntülenen sayfalar", "上位のページ", "排名靠前的网页"),
)
COUNTRY = ("Country", "Land", "Pays", "País", "Paese", "Ülke", "国", "国家/地区")
DEVICE = ("Device", "Gerät", "Appareil", "Dispositivo", "Apparaat", "Cihaz", "デバイス", "设备")
CLICKS = (
    *("Clicks", "Url Clicks", "Klicks", "Clics", "Clic", "Klikken", "Aantal klikken", "Cliques", "Tıklamalar"),
    *("クリック数", "点击次数"),
)
IMPRESSIONS = (
    *("Impressions", "Impressionen", "Impresiones", "Impressioni", "Vertoningen", "Impressões", "Gösterimler"),
    *("表示回数", "展示"),
)
POSITION = (
    *("Position", "Average position", "Durchschnittliche Position", "Position moyenne", "Posición"),
    *("Posición media", "Posizione", "Posizione media", "Positie", "Posição", "Konum", "Pozisyon", "掲載順位", "排名"),
)
CTR = headings("CTR", "Url CTR", "Klickrate", "TO", "点击率")
WEB = ("web", "ウェブ", "网络", "网页")
"""The type of search that a report must be of."""

_METRICS = (
    Field("clicks", values.integer, CLICKS, is_needed=True, filled=True),
    Field("impressions", values.integer, IMPRESSIONS, is_needed=True, filled=True),
    Field("position", "number", POSITION),
)
PERFORMANCE_FORM = Form(
    part="search_console_performance",
    label="Search Console, performance by day",
    table=PERFORMANCE,
    left_aside=CTR,
    fields=(
        Field("day", "day", DATE, is_needed=True, filled=True),
        Field("page_url", values.url, PAGE),
        Field("query", values.text, QUERY),
        Field("country", places.search_console_country, COUNTRY),
        Field("device", places.search_console_device, DEVICE),
        *_METRICS,
    ),
)
LATEST_LINKS = Form(
    part="search_console_latest_links",
    label="Search Console, latest links",
    table=BACKLINK,
    fields=(
        Field("source_url", values.url, ("Linking page",), is_needed=True, filled=True),
        Field("last_seen", "day", ("Last crawled",), is_needed=True),
    ),
)
TOTALS = Form(
    part="search_console_zip",
    label="Search Console, performance: dates",
    table=SEARCH_TOTAL,
    left_aside=CTR,
    fields=(Field("day", "day", DATE, is_needed=True, filled=True), *_METRICS),
)


def _summary(dimension: str, kind: values.Convert, names: tuple[str, ...]) -> Form:
    return Form(
        part="search_console_zip",
        label=f"Search Console, performance: {dimension}",
        table=SEARCH_SUMMARY,
        left_aside=CTR,
        fields=(Field("value", kind, names, is_needed=True, filled=True), *_METRICS),
    )


SUMMARIES = {
    "query": _summary("query", values.text, QUERY),
    "page": _summary("page", values.url, PAGE),
    "country": _summary("country", places.search_console_country, COUNTRY),
    "device": _summary("device", places.search_console_device, DEVICE),
}
DIMENSIONS = ("page_url", "query", "country", "device")
_METRIC_WORDS = tuple(plain(word) for word in (*CLICKS, *IMPRESSIONS))


def compares(row: list[str]) -> bool:
    """Whether headings are those of a comparison of two ranges: "Last 3 months Clicks", "Previous 3 months Clicks"."""
    return sum(plain(heading).endswith(_METRIC_WORDS) for heading in row) > 2
