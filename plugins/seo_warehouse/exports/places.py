"""Countries, languages, devices and search engines, as exports name them.

Names of countries and languages are those of Unicode's CLDR (https://cldr.unicode.org), which vendors and Google use
too, in the languages that headings are known in; what they call otherwise is in `_OTHER_NAMES`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import cast

from babel import Locale
from babel.core import get_global

from seo_warehouse.exports.values import CellError, shown, text

LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt")
UNKNOWN_COUNTRY = "zzz"
"""Search Console's code where it does not know the country."""

_OTHER_NAMES = {
    "czech republic": "CZ",
    "hong kong": "HK",
    "holland": "NL",
    "ivory coast": "CI",
    "macao": "MO",
    "macau": "MO",
    "republic of korea": "KR",
    "russian federation": "RU",
    "swaziland": "SZ",
    "the netherlands": "NL",
    "turkey": "TR",
    "u.s.": "US",
    "uk": "GB",
    "united states of america": "US",
    "usa": "US",
    "viet nam": "VN",
}
_NO_COUNTRY = frozenset("BUR DDR FXX TMP YMD ZAR QUU XAA XBB ZZZ".split())
"""Codes of three letters that stood for countries which have another now, or never stood for one."""
_UNKNOWN_NAMES = frozenset(("zzz", "zz", "unknown region", "unknown"))
_LANGUAGE = re.compile(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z0-9]{2,8}))*")
_ENGINE = re.compile(r"(?:https?://)?(?:www\.)?([a-z]+)\.[a-z.]{2,6}/?")

_DEVICES = {
    "desktop": "desktop",
    "computer": "desktop",
    "pc": "desktop",
    "mobile": "mobile",
    "smartphone": "mobile",
    "phone": "mobile",
    "tablet": "tablet",
    # German, French, Spanish, Italian, Portuguese
    "mobil": "mobile",
    "ordinateur": "desktop",
    "ordenador": "desktop",
    "móvil": "mobile",
    "computador": "desktop",
    "dispositivos móveis": "mobile",
    "tablette": "tablet",
    "tableta": "tablet",
}


def country(cell: str) -> str | None:
    """ISO 3166-1 alpha-2 of a country's code or name; None where it is unknown."""
    value = text(cell)
    if value is None or value.lower() in _UNKNOWN_NAMES or value == "-":
        return None
    found = _countries().get(value.casefold())
    if found is None:
        raise CellError(f"is {shown(value)}, no country's code or name that is known: write its ISO code, as in DE")
    return found


def search_console_country(cell: str) -> str | None:
    """The code that Search Console's API gives: ISO 3166-1 alpha-3 in lower case, zzz where it knows none."""
    value = text(cell)
    if value is None:
        return None
    if value.casefold() in _unknown_regions():
        return UNKNOWN_COUNTRY
    found = country(cell)
    if found is None:
        raise CellError(f"is {shown(value)}, no country's code or name that is known")
    return _three_letters()[found]


def country_of_number(code: int) -> str | None:
    """ISO 3166-1 alpha-2 of the numeric code."""
    aliases = get_global("territory_aliases").get(f"{code:03d}")
    return aliases[0] if aliases and len(aliases) == 1 else None


def language(cell: str) -> str | None:
    """BCP 47 of a language's code or English name: de, pt-BR."""
    value = text(cell)
    if value is None or value == "-":
        return None
    if value.casefold() in _language_names():
        return _language_names()[value.casefold()]
    if not _LANGUAGE.fullmatch(value) or value[:3].rstrip("-_").lower() not in _language_codes():
        raise CellError(f"is {shown(value)}, no language that is known: write its code, as in de or pt-BR")
    first, *rest = re.split(r"[-_]", value)
    return "-".join((first.lower(), *(part.upper() if len(part) == 2 else part.title() for part in rest)))


def device(cell: str) -> str | None:
    """desktop, mobile or tablet."""
    value = text(cell)
    if value is None or value == "-":
        return None
    found = _DEVICES.get(value.lower())
    if found is None:
        raise CellError(f"is {shown(value)}, expected desktop, mobile or tablet")
    return found


def search_console_device(cell: str) -> str | None:
    """The word of Search Console's API."""
    found = device(cell)
    return None if found is None else found.upper()


def engine(cell: str) -> str | None:
    """Name of a search engine in lower case; of a host like google.de its first label."""
    value = text(cell)
    if value is None or value == "-":
        return None
    host = _ENGINE.fullmatch(value.lower())
    return host[1] if host else value.lower()


@cache
def _countries() -> dict[str, str]:
    """Alpha-2 by case-folded name or code. No name means two countries in the languages read here."""
    codes = set(_three_letters())
    found: dict[str, str] = {}
    for name in LANGUAGES:
        territories = _names(name)
        found.update((territories[code].casefold(), code) for code in codes if code in territories)
    found.update((code.casefold(), code) for code in codes)
    found.update((three, two) for two, three in _three_letters().items())
    return found | _OTHER_NAMES


@cache
def _three_letters() -> dict[str, str]:
    """Alpha-3 in lower case by alpha-2."""
    aliases = get_global("territory_aliases")
    found = {
        two[0]: three.lower()
        for three, two in sorted(aliases.items())
        if len(three) == 3 and three.isalpha() and len(two) == 1 and two[0] in _names("en") and three not in _NO_COUNTRY
    }
    return found | {"XK": "xkk"}


@cache
def _unknown_regions() -> frozenset[str]:
    return _UNKNOWN_NAMES | {_names(name)["ZZ"].casefold() for name in LANGUAGES}


@cache
def _language_codes() -> frozenset[str]:
    return frozenset(code for code in _english_languages() if "_" not in code)


@cache
def _language_names() -> dict[str, str]:
    return {name.casefold(): code.replace("_", "-") for code, name in _english_languages().items()}


def _names(language: str) -> Mapping[str, str]:
    """Names of countries by alpha-2."""
    return cast(Mapping[str, str], Locale(language).territories)


def _english_languages() -> Mapping[str, str]:
    return cast(Mapping[str, str], Locale("en").languages)
