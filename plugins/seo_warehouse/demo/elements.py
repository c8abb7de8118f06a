"""What stands on the demo's result pages beside results, as the vendor's advanced answer tells it.

https://docs.dataforseo.com/v3/serp/google/organic/task_get/advanced/

Whoever ranks high is shown: an AI overview cites the first eight results, questions are answered by the second and the
third, images are of the first four. Videos and offers are of others' sites.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from seo_warehouse.demo.chance import number
from seo_warehouse.demo.envelope import Json

FEATURES = ("people_also_ask", "images", "video", "shopping", "local_pack", "related_searches")
PAGE_ITEMS = 10
CITED = 8
"""Results that an AI overview cites: enough that a tracked keyword is among them on some days, and on others not."""


def slots(keyword: str, device: str) -> dict[int, str]:
    """Absolute places that no result takes, and the kind of element that stands there."""
    seed = number("features", keyword, device)
    first = "ai_overview" if seed // 144 % 3 == 0 else FEATURES[seed % 6]
    second = FEATURES[seed // 6 % 6]
    return {3 + seed % 3: first, 8 + seed // 3 % 6: second, 17 + seed // 18 % 8: second}


def elements(
    keyword: str, places: Mapping[int, str], results: Sequence[Json], *, is_overview_loaded: bool
) -> list[tuple[int, Json]]:
    """The elements at these places of a page, by their absolute place; `results` are its organic ones in order."""
    built: list[tuple[int, Json]] = []
    for absolute, kind in sorted(places.items()):
        content = _MADE_OF[kind](keyword, results)
        if kind == "ai_overview":
            hidden = dict.fromkeys(content) if not is_overview_loaded else {}
            content = {"asynchronous_ai_overview": True, **content, **hidden}
        head = {
            "type": kind,
            "rank_group": 1 + sum(item["type"] == kind for _, item in built),
            "rank_absolute": absolute,
            "page": 1 + (absolute - 1) // PAGE_ITEMS,
            "position": "left",
            "xpath": f"/html[1]/body[1]/div[{absolute}]",
        }
        built.append((absolute, {**head, **content, "rectangle": None}))
    return built


def _ai_overview(keyword: str, results: Sequence[Json]) -> Json:
    references = [
        {"type": "ai_overview_reference", "source": result["domain"]}
        | {name: result[name] for name in ("domain", "url", "title")}
        | {"text": result["description"]}
        for result in results[:CITED]
    ]
    text = f"What to know of {keyword}."
    section = {"type": "ai_overview_element", "title": None, "text": text, "markdown": text, "references": references}
    return {"markdown": text, "items": [section], "references": references}


def _people_also_ask(keyword: str, results: Sequence[Json]) -> Json:
    questions = (f"What is the best {keyword}?", f"How much does a {keyword} cost?")
    return {
        "items": [
            {
                "type": "people_also_ask_element",
                "title": question,
                "seed_question": None,
                "expanded_element": [
                    {"type": "people_also_ask_expanded_element"}
                    | {name: result[name] for name in ("url", "domain", "title", "description")}
                ],
            }
            for question, result in zip(questions, results[1:3], strict=False)
        ]
    }


def _images(keyword: str, results: Sequence[Json]) -> Json:
    return {
        "title": f"Images for {keyword}",
        "items": [
            {"type": "images_element", "alt": each["title"], "url": each["url"], "image_url": f"{each['url']}.jpg"}
            for each in results[:4]
        ],
    }


def _video(keyword: str, results: Sequence[Json]) -> Json:
    url = f"https://www.videos.example/watch?v={number('video', keyword) % 10**8}"
    return {"items": [{"type": "video_element", "source": "Videos", "title": keyword.title(), "url": url}]}


def _shopping(keyword: str, results: Sequence[Json]) -> Json:
    url = f"https://www.offers.example/{number('offer', keyword) % 10**6}"
    offer = {"type": "shopping_element", "title": keyword.title(), "source": "Offers", "url": url}
    return {"title": f"Offers of {keyword}", "items": [offer]}


def _local_pack(keyword: str, results: Sequence[Json]) -> Json:
    nearest = results[number("nearest", keyword) % len(results)] if results else {"domain": None, "url": None}
    shop = {"title": keyword.title(), "domain": nearest["domain"], "url": nearest["url"]}
    return {**shop, "is_paid": False, "cid": str(number("cid", keyword) % 10**12)}


def _related_searches(keyword: str, results: Sequence[Json]) -> Json:
    return {"items": [f"{keyword} sale", f"cheap {keyword}", f"{keyword} near me"]}


_MADE_OF: Mapping[str, Callable[[str, Sequence[Json]], Json]] = {
    "ai_overview": _ai_overview,
    "people_also_ask": _people_also_ask,
    "images": _images,
    "video": _video,
    "shopping": _shopping,
    "local_pack": _local_pack,
    "related_searches": _related_searches,
}
