"""The demo properties: their pages, topics and tracked keywords. All hosts are under the reserved `.example`."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from seo_warehouse.demo.chance import draw


@dataclass(frozen=True)
class Page:
    """One page of a demo site. `pull` is how much new links are drawn to it (0: none)."""

    path: str
    topic: str
    subject: str
    kind: str
    pull: float


@dataclass(frozen=True)
class Tracked:
    """A tracked keyword, the page meant to rank for it, its position on the first day, daily searches."""

    keyword: str
    path: str
    position: float
    searches: float
    is_brand: bool = False


@dataclass(frozen=True)
class DemoProperty:
    """One demo site and what is tracked of it. URLs are http: the demo serves no TLS.

    `is_panel`: only its links and weekly positions are told, of many pages that get a link now and then: enough of them
    stand alone for an effect to be seen. Others get theirs as shops do, on the same few pages.
    `is_read_whole`: its result pages are asked for with all that stands on them.
    `is_visited`: pages that link to it are visited, so that their URLs are http, too.
    `viral_path`: a page that many sites link to in one week, once its first 26 weeks are over.
    """

    key: int
    name: str
    brand: str
    domain: str
    search_console_site: str
    pages: tuple[Page, ...]
    tracked: tuple[Tracked, ...]
    niche_keyword: str
    is_crawled: bool
    is_panel: bool = False
    is_read_whole: bool = False
    is_visited: bool = False
    viral_path: str | None = None

    @property
    def host(self) -> str:
        """The canonical host."""
        return f"www.{self.domain}"

    @property
    def root(self) -> str:
        """Address of the site without a trailing slash."""
        return f"http://{self.host}"

    def url(self, path: str) -> str:
        """Absolute address of a path."""
        return self.root + path


def _pages(sections: dict[str, tuple[str, ...]], kinds: dict[str, str], pulls: dict[str, float]) -> tuple[Page, ...]:
    pages = [
        Page("/", "home", "home", "home", 5.0),
        Page("/about/", "about", "about us", "about", 0.5),
        Page("/contact/", "contact", "contact", "about", 0.0),
    ]
    for topic, subjects in sections.items():
        pages.append(Page(f"/{topic}/", topic, topic.replace("-", " "), "hub", 1.0))
        for subject in subjects:
            path = f"/{topic}/{subject.replace(' ', '-')}"
            pages.append(Page(path, topic, subject, kinds.get(topic, "product"), pulls.get(path, 1.0)))
    pages.append(Page("/guides/archive", "guides", "archive of old guides", "archive", 0.0))
    return tuple(pages)


ALDERWOOD = DemoProperty(
    key=1,
    name="alderwood",
    brand="Alderwood",
    domain="alderwood.example",
    search_console_site="sc-domain:alderwood.example",
    pages=_pages(
        {
            "benches": (
                "oak garden bench",
                "teak garden bench",
                "curved tree bench",
                "memorial bench",
                "folding garden bench",
                "storage bench",
            ),
            "tables": (
                "round garden table",
                "picnic table for eight",
                "extending patio table",
                "folding balcony table",
                "oak potting table",
            ),
            "planters": ("cedar raised bed", "trellis planter", "herb planter", "balcony planter box"),
            "guides": (
                "how to oil teak",
                "oak or teak",
                "winter care for wooden furniture",
                "how to level a patio",
                "choosing exterior wood stain",
            ),
        },
        {"guides": "guide"},
        {
            "/benches/oak-garden-bench": 1.6,
            "/benches/teak-garden-bench": 1.2,
            "/benches/curved-tree-bench": 0.9,
            "/benches/memorial-bench": 0.0,
            "/benches/folding-garden-bench": 0.0,
            "/tables/round-garden-table": 1.4,
            "/tables/picnic-table-for-eight": 1.0,
            "/tables/extending-patio-table": 0.0,
            "/tables/folding-balcony-table": 0.0,
        },
    ),
    tracked=(
        Tracked("alderwood garden furniture", "/", 1.1, 60, is_brand=True),
        Tracked("oak garden bench", "/benches/oak-garden-bench", 8, 320),
        Tracked("teak garden bench", "/benches/teak-garden-bench", 12, 260),
        Tracked("curved tree bench", "/benches/curved-tree-bench", 6, 90),
        Tracked("memorial bench", "/benches/memorial-bench", 17, 210),
        Tracked("folding garden bench", "/benches/folding-garden-bench", 14, 140),
        Tracked("round wooden garden table", "/tables/round-garden-table", 11, 180),
        Tracked("picnic table for 8", "/tables/picnic-table-for-eight", 21, 240),
        Tracked("extending patio table", "/tables/extending-patio-table", 16, 150),
        Tracked("folding balcony table", "/tables/folding-balcony-table", 58, 170),
    ),
    niche_keyword="",
    is_crawled=True,
    is_read_whole=True,
    viral_path="/guides/oak-or-teak",
)

TEAHARBOUR = DemoProperty(
    key=2,
    name="teaharbour",
    brand="Tea Harbour",
    domain="teaharbour.example",
    search_console_site="http://www.teaharbour.example/",
    pages=_pages(
        {
            "green-tea": (
                "japanese sencha",
                "ceremonial matcha",
                "gyokuro",
                "dragon well",
                "genmaicha",
                "hojicha",
            ),
            "teaware": (
                "cast iron teapot",
                "glass teapot with infuser",
                "gaiwan",
                "matcha whisk",
                "travel tea infuser",
            ),
            "black-tea": ("second flush darjeeling", "assam breakfast", "lapsang souchong", "earl grey"),
            "guides": (
                "how to brew sencha",
                "matcha grades explained",
                "water temperature for tea",
                "how to store tea",
            ),
        },
        {"guides": "guide"},
        {
            "/green-tea/japanese-sencha": 1.5,
            "/green-tea/ceremonial-matcha": 1.4,
            "/green-tea/gyokuro": 0.8,
            "/green-tea/dragon-well": 0.0,
            "/green-tea/genmaicha": 0.0,
            "/teaware/cast-iron-teapot": 1.2,
            "/teaware/glass-teapot-with-infuser": 0.9,
            "/teaware/gaiwan": 0.0,
            "/teaware/matcha-whisk": 0.0,
        },
    ),
    tracked=(
        Tracked("tea harbour", "/", 1.0, 80, is_brand=True),
        Tracked("japanese sencha", "/green-tea/japanese-sencha", 9, 280),
        Tracked("ceremonial matcha", "/green-tea/ceremonial-matcha", 24, 900),
        Tracked("gyokuro", "/green-tea/gyokuro", 13, 150),
        Tracked("dragon well tea", "/green-tea/dragon-well", 7, 120),
        Tracked("genmaicha", "/green-tea/genmaicha", 19, 200),
        Tracked("cast iron teapot", "/teaware/cast-iron-teapot", 15, 410),
        Tracked("glass teapot with infuser", "/teaware/glass-teapot-with-infuser", 10, 230),
        Tracked("gaiwan", "/teaware/gaiwan", 44, 190),
        Tracked("hand tied bamboo matcha whisk 120 prongs", "/teaware/matcha-whisk", 3, 8),
    ),
    niche_keyword="hand tied bamboo matcha whisk 120 prongs",
    is_crawled=False,
    is_visited=True,
)


def _panel(key: int, name: str, brand: str, makes: tuple[str, ...], things: dict[str, tuple[str, ...]]) -> DemoProperty:
    """A property with a page and a keyword for each make of each thing, ranking from 4 to 14 on the first day."""
    sections = {
        topic: tuple(f"{make} {noun}" for make, noun in product(makes, nouns)) for topic, nouns in things.items()
    }
    domain = f"{name}.example"
    pages = _pages(sections, {}, {})
    tracked = tuple(
        Tracked(page.subject, page.path, 4 + 10 * draw("position", page.path), 50 + 350 * draw("searches", page.path))
        for page in pages
        if page.kind == "product"
    )
    return DemoProperty(key, name, brand, domain, f"sc-domain:{domain}", pages, tracked, "", False, is_panel=True)


QUILLMARK = _panel(
    3,
    "quillmark",
    "Quillmark",
    ("pocket", "dotted", "ruled", "recycled", "travel", "desk", "leather", "linen", "weekly"),
    {
        "notebooks": ("notebook", "journal", "sketchbook"),
        "planners": ("planner", "diary", "calendar"),
        "cases": ("pencil case", "pen roll", "folder"),
        "cards": ("postcard", "gift tag", "envelope"),
    },
)

FERNLIGHT = _panel(
    4,
    "fernlight",
    "Fernlight",
    ("brass", "rattan", "ceramic", "glass", "oak", "paper"),
    {"lamps": ("table lamp", "floor lamp", "reading lamp"), "shades": ("lampshade", "pendant shade", "wall shade")},
)

DEMO_PROPERTIES: tuple[DemoProperty, ...] = (ALDERWOOD, TEAHARBOUR)
"""Those of which everything is told; the first one is crawled."""

PANELS: tuple[DemoProperty, ...] = (QUILLMARK, FERNLIGHT)
"""Those of which links and positions are told: of the first enough for an estimate, of the second for an interval."""

ALL_PROPERTIES = (*DEMO_PROPERTIES, *PANELS)

PANEL_DEPTH = 30
"""Results that the demo's panel asks for: enough for a story, cheap enough for a first run."""

DEVICES = ("desktop", "mobile")
