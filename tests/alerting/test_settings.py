"""Channels as properties.yml states them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from seo_warehouse.alerting.settings import AT_ONCE, KINDS, Channel
from seo_warehouse.config import load_properties
from seo_warehouse.errors import ConfigError

ROOT = Path(__file__).parents[2]
ONE = "properties:\n  - {key: 1, name: shop, domain: shop.example, history_start: 2026-05-01}\n"


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ("{name: a, to: mail, connection: c}", "mail needs recipients"),
        ("{name: a, to: slack, connection: c, recipients: [a@b.example]}", "recipients are of mail, not of slack"),
        ("{name: a, to: webhook, connection: c, kinds: [hold]}", "there is no kind 'hold'"),
        ("{name: a, to: webhook, connection: c, properties: [shoe]}", "channel a names no property: shoe"),
        ("{name: a, to: webhook, connection: c, quiet_hours: 25:00-06:00}", "quiet_hours"),
        ("{name: a, to: mail, connection: c, recipients: ['a@b.example, c@d.example']}", "recipients"),
        ("{name: a, to: webhook, connection: c, conection: d}", "did you mean connection"),
        ("{name: a, to: webhook, connection: c}, {name: a, to: webhook, connection: c}", "share a name"),
    ],
)
def test_a_channel_that_cannot_be_is_a_sentence(tmp_path: Path, stated: str, said: str) -> None:
    path = tmp_path / "properties.yml"
    path.write_text(f"{ONE}alerts: [{stated}]\n")
    with pytest.raises(ConfigError, match=said):
        load_properties(path)


@pytest.mark.parametrize(
    ("hours", "quiet", "loud"),
    [("22:00-06:30", (23, 5), (7, 21)), ("12:00-13:00", (12,), (11, 13, 0)), (None, (), (0, 12))],
)
def test_quiet_hours_may_span_midnight(hours: str | None, quiet: tuple[int, ...], loud: tuple[int, ...]) -> None:
    channel = Channel(name="a", to="webhook", connection="c", quiet_hours=hours)
    assert all(channel.is_quiet(datetime(2026, 5, 1, hour, tzinfo=UTC)) for hour in quiet)
    assert not any(channel.is_quiet(datetime(2026, 5, 1, hour, tzinfo=UTC)) for hour in loud)


def test_each_kind_has_an_entry_in_the_documentation_and_no_other() -> None:
    text = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    section = text.partition("\n## Alerts\n")[2].partition("\n## ")[0]
    entries = [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")]
    assert entries == list(KINDS)
    assert KINDS.keys() > AT_ONCE
