"""The forms of outreach: partners, campaigns, touches and placements, as people keep them, and who is named in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from seo_warehouse.exports import places, values
from seo_warehouse.exports.layout import Field, Form
from seo_warehouse.exports.values import BLANKS, CellError, shown
from seo_warehouse.sources.outreach import CAMPAIGN, CURRENCIES, PARTNER, PLACEMENT, TOUCH


def free(cell: str) -> str | None:
    """Any text: what begins as a formula is none here, for it goes into no sheet unquoted."""
    value = cell.strip(BLANKS)
    if "\0" in value:
        raise CellError("holds a NUL byte: export the file again")
    return value or None


def kind(cell: str) -> str | None:
    """A text in small letters."""
    value = free(cell)
    return None if value is None else " ".join(value.lower().split())


def address(cell: str) -> str | None:
    """A URL, or a host, which stands for its front page."""
    value = free(cell)
    if value is None or value in values.UNKNOWN:
        return None
    return values.url(value if "://" in value else f"https://{value}/" if "/" not in value else f"https://{value}")


def currency(cell: str) -> str | None:
    """The code of a currency with a rate."""
    value = free(cell)
    if value is None or value.lower() in values.UNKNOWN:
        return None
    if value.upper() not in CURRENCIES:
        raise CellError(f"is {shown(value)}, and there are rates of {', '.join(CURRENCIES)} alone")
    return value.upper()


@dataclass(frozen=True)
class Named:
    """A form that may name people.

    `people`: its columns that do, by heading: what they hold (id, email, phone, name). Of them only the one in
    `id_column` is left, with a random id in it. `form`: how the rest is read; None where nothing but people is told,
    and then `about` are the columns that go to them. `numbered`: the columns by which rows without `number` are
    counted.
    """

    label: str
    form: Form | None
    people: Mapping[str, str] = field(default_factory=dict)
    id_column: str | None = None
    about: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    numbered: tuple[str, ...] = ()
    number: str | None = None

    @property
    def kept(self) -> tuple[str, ...]:
        """Headings of what is no person's."""
        return self.about if self.form is None else tuple(f.label for f in self.form.fields)

    @property
    def required(self) -> tuple[str, ...]:
        """Headings without which a file is not of this form."""
        if self.form is None:
            return self.needed
        return tuple(f.label for f in self.form.fields if f.is_needed and f.label != self.number)


PARTNERS = Form(
    part="outreach_partners",
    label="partners*.csv",
    table=PARTNER,
    is_strict=True,
    fields=(
        Field("partner", free, ("partner",), is_needed=True, filled=True),
        Field("site", address, ("site",), is_needed=True, filled=True),
        Field("kind", kind, ("kind",)),
        Field("owner_since", "day", ("owner_since",)),
        Field("owner_until", "ahead", ("owner_until",)),
        Field("country", places.country, ("country",)),
        Field("language", places.language, ("language",)),
        Field("topic", free, ("topic",)),
        Field("price", "number", ("price",)),
        Field("currency", currency, ("currency",)),
    ),
)
CAMPAIGNS = Form(
    part="outreach_campaigns",
    label="campaigns*.csv",
    table=CAMPAIGN,
    is_strict=True,
    fields=(
        Field("campaign", free, ("campaign",), is_needed=True, filled=True),
        Field("kind", kind, ("kind",)),
        Field("begins_on", "ahead", ("begins_on",)),
        Field("ends_on", "ahead", ("ends_on",)),
        Field("target_url", values.url, ("target_url",)),
        Field("budget", "number", ("budget",)),
        Field("currency", currency, ("currency",)),
    ),
)
TOUCHES = Form(
    part="outreach_touches",
    label="touches*.csv",
    table=TOUCH,
    is_strict=True,
    fields=(
        Field("partner", free, ("partner",), is_needed=True, filled=True),
        Field("campaign", free, ("campaign",), is_needed=True, filled=True),
        Field("day", "ahead", ("at",), is_needed=True, filled=True),
        Field("kind", kind, ("kind",), is_needed=True, filled=True),
        Field("direction", kind, ("direction",), is_needed=True, filled=True),
        Field("outcome", kind, ("outcome",)),
        Field("contact", free, ("contact",)),
        Field("minutes", "number", ("minutes",)),
        Field("cost", "number", ("cost",)),
        Field("currency", currency, ("currency",)),
        Field("touch_id", free, ("touch_id",), is_needed=True, filled=True),
    ),
)
PLACEMENTS = Form(
    part="outreach_placements",
    label="placements*.csv",
    table=PLACEMENT,
    is_strict=True,
    fields=(
        Field("partner", free, ("partner",), is_needed=True, filled=True),
        Field("campaign", free, ("campaign",), is_needed=True, filled=True),
        Field("day", "day", ("agreed_on",), is_needed=True, filled=True),
        Field("kind", kind, ("kind",)),
        Field("source_url", address, ("source_url",)),
        Field("target_url", values.url, ("target_url",)),
        Field("anchor", free, ("anchor",)),
        Field("rel", values.rel, ("rel",)),
        Field("placed_on", "day", ("placed_on",)),
        Field("until", "ahead", ("until",)),
        Field("price", "number", ("price",)),
        Field("currency", currency, ("currency",)),
        Field("payment", kind, ("payment",)),
        Field("paid_from", "ahead", ("paid_from",)),
        Field("paid_until", "ahead", ("paid_until",)),
        Field("invoice", free, ("invoice",)),
        Field("placement_id", free, ("placement_id",)),
    ),
)
NAMED = (
    Named("partners*.csv", PARTNERS),
    Named("campaigns*.csv", CAMPAIGNS),
    Named(
        "contacts*.csv",
        None,
        people={"contact": "id", "name": "name", "email": "email", "phone": "phone"},
        id_column="contact",
        about=("partner", "role", "basis", "last_consented_on"),
        needed=("partner", "contact"),
    ),
    Named(
        "touches*.csv",
        TOUCHES,
        people={"contact": "id"},
        id_column="contact",
        numbered=("partner", "campaign", "at", "kind", "direction"),
        number="touch_id",
    ),
    Named("placements*.csv", PLACEMENTS),
)
