"""Countries, languages, devices and search engines, as exports name them.

Names of countries are those of Unicode's CLDR (https://cldr.unicode.org) in the languages of Search Console, and
Google's own where it calls a country otherwise: each of `_OTHER_NAMES` was seen in an export or in a program that reads
them. Names of languages are CLDR's English ones.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from itertools import product
from typing import cast

from babel import Locale
from babel.core import get_global

from seo_warehouse.exports.languages import FREQUENT, LANGUAGES
from seo_warehouse.exports.values import BearableError, CellError, shown, text

UNKNOWN_COUNTRY = "zzz"
"""Search Console's code where it does not know the country."""

_OTHER_NAMES = {
    "BB": ("Barbade (La)",),
    "CD": ("République démocratique du Congo",),
    "CI": ("Côte d'Ivoire", "Ivory Coast"),
    "CK": ("Cook (Îles)",),
    "CW": ("Curaçao (Nederlandse Antillen)",),
    "CZ": ("Czech Republic", "República Tcheca", "République tchèque"),
    "EH": ("Sahara oriental",),
    "FK": ("Ilhas Malvinas (Ilhas Falkland)", "Îles Falkland (Malouines)"),
    "FO": ("Faroe (Îles)",),
    "GB": ("UK",),
    "GY": ("Guyane",),
    "HK": ("Hong Kong",),
    "IM": ("Man (Île)",),
    "IN": ("La India",),
    "IO": ("Territoires britanniques de l'Océan Indien",),
    "KM": ("Comores (Archipel)", "Ilhas Comores"),
    "KR": ("Republic of Korea",),
    "KY": ("Caïmans (Îles)",),
    "MH": ("Marshall (Îles)",),
    "MK": ("Macedonia", "Macedônia", "Macédoine"),
    "MO": ("Macao", "Macau"),
    "MP": ("Mariannes du Nord (Commonwealth des îles)",),
    "MU": ("Ilhas Maurício", "Maurice (Île)"),
    "MW": ("Malauí",),
    "NF": ("Norfolk (Île de)",),
    "NL": ("Holland", "The Netherlands"),
    "PM": ("São Pedro e Miquelon",),
    "PS": ("Palestina", "Palestine"),
    "RE": ("Réunion (Île de la)",),
    "RU": ("Russian Federation",),
    "SA": ("Saudi-Arabië",),
    "SB": ("Solomon (Îles)",),
    "SC": ("Seichelles",),
    "SJ": ("Ilhas Svalbard e Jan Mayen",),
    "SZ": ("Suazilândia", "Swaziland"),
    "TC": ("Ilhas Turks e Caicos", "Îles Turks-et-Caïcos"),
    "TJ": ("Tajiquistão",),
    "TR": ("Turkey",),
    "US": ("U.S.", "USA", "United States of America"),
    "VC": ("Saint-Vincent-et-les-Grenadines",),
    "VI": ("US Virgin Islands", "Îles Vierges américaines"),
    "VN": ("Viet Nam",),
    "YT": ("Ilha Mayotte",),
}
_NO_COUNTRY = frozenset("BUR DDR FXX TMP YMD ZAR QUU XAA XBB ZZZ".split())
"""Codes of three letters that stood for countries which have another now, or never stood for one."""
_UNKNOWN_NAMES = frozenset(("zzz", "zz", "unknown region", "unknown", "région inconnue"))
LONGEST_CODE = 3
STATES_NAMED_LIKE_COUNTRIES = frozenset(("Georgia",))
_MARKS = re.compile(r"[\s'\u2019\u2010-\u2015-]+")
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
    # German, Dutch, French, Spanish, Portuguese, Japanese, Chinese
    "mobil": "mobile",
    "mobiel": "mobile",
    "ordinateur": "desktop",
    "ordenador": "desktop",
    "móvil": "mobile",
    "móviles": "mobile",
    "celular": "mobile",
    "computador": "desktop",
    "dispositivos móveis": "mobile",
    "tablette": "tablet",
    "tableta": "tablet",
    "モバイル": "mobile",
    "タブレット": "tablet",
    "移动设备": "mobile",
    "桌面": "desktop",
    "平板电脑": "tablet",
}


def country(cell: str) -> str | None:
    """ISO 3166-1 alpha-2 of a country's code or name; None where it is unknown."""
    value = text(cell)
    if value is None or value.lower() in _UNKNOWN_NAMES or value == "-":
        return None
    found = _found_country(value)
    if found is None:
        raise CellError(f"is {shown(value)}, no country's code or name that is known: write its ISO code, as in DE")
    return found


def country_of_location(cell: str) -> str | None:
    """ISO 3166-1 alpha-2 of a place as trackers name them, the country last: `Munich,Bavaria,Germany`.

    None where the last name is no country's for certain: `Atlanta, Georgia` is in the United States, and so is
    `Los Angeles, CA`.
    """
    value = text(cell)
    if value is None or value == "-":
        return None
    *finer, last = (part.strip() for part in value.split(","))
    if finer and (len(last) <= LONGEST_CODE or last in STATES_NAMED_LIKE_COUNTRIES):
        return None
    return _found_country(last)


def search_console_country(cell: str) -> str | None:
    """The code that Search Console's API gives: ISO 3166-1 alpha-3 in lower case, zzz where it knows none."""
    value = text(cell)
    if value is None:
        return None
    if value.casefold() in _unknown_regions():
        return UNKNOWN_COUNTRY
    found = _found_country(value)
    if found is None:
        raise BearableError(f"is {shown(value)}, no country's code or name that is known")
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
    value = text(cell)
    if value is None:
        return None
    found = _DEVICES.get(value.lower())
    if found is None:
        raise BearableError(f"is {shown(value)}, no name of a kind of device that is known")
    return found.upper()


def engine(cell: str) -> str | None:
    """Name of a search engine in lower case; of a host like google.de its first label."""
    value = text(cell)
    if value is None or value == "-":
        return None
    host = _ENGINE.fullmatch(value.lower())
    return host[1] if host else value.lower()


def _found_country(value: str) -> str | None:
    # Half a second goes into reading the names of all languages.
    for languages in (FREQUENT, LANGUAGES):
        names = _countries(languages)
        if found := names.get(value.casefold()) or names.get(_bare(value)):
            return found
    return None


@cache
def _countries(languages: tuple[str, ...]) -> dict[str, str]:
    """Alpha-2 by case-folded name or code, and by bare name, of those that mean one country in all the languages."""
    meant: dict[str, set[str]] = defaultdict(set)
    for language, code in product(languages, _three_letters()):
        if name := _names(language).get(code):
            meant[name.casefold()].add(code)
            meant[_bare(name)].add(code)
    found = {name: next(iter(codes)) for name, codes in meant.items() if name and len(codes) == 1}
    found.update((code.casefold(), code) for code in _three_letters())
    found.update((three, two) for two, three in _three_letters().items())
    for code, names in _OTHER_NAMES.items():
        for name in names:
            found[name.casefold()] = found[_bare(name)] = code
    return found


def _bare(name: str) -> str:
    """A name without accents, hyphens and apostrophes, which not everybody writes."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    return _MARKS.sub(" ", "".join(letter for letter in letters if not unicodedata.combining(letter))).strip()


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
    return cast(Mapping[str, str], Locale.parse(language).territories)


def _english_languages() -> Mapping[str, str]:
    return cast(Mapping[str, str], Locale("en").languages)
