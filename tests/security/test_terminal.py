"""What files, providers and pages say is shown, and no terminal obeys it."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from click.testing import CliRunner

from seo_warehouse import cli
from seo_warehouse.terminal import harmless, one_line, say_table

COMMANDS = {
    "a title": "\x1b]0;owned\x07",
    "a clipboard": "\x1b]52;c;cm0gLXJm\x1b\\\\",
    "a cleared screen": "\x1b[2J\x1b[H",
    "hidden letters": "\x1b[8mseen by nobody\x1b[0m",
    "black on black": "\x1b[30;40m",
    "C1": "\x9b2J",
    "a line written over": "all is well\r",
    "a bell and a rubout": "\x07\x08\x7f",
    "letters turned round": "gpj.\u202eexe",
    "a line of its own": "\u2028",
    "a NUL": "\x00",
    "half a letter": "\ud800",
}


@pytest.mark.parametrize("text", COMMANDS.values(), ids=COMMANDS)
def test_no_command_to_a_terminal_is_left_of_a_text(text: str) -> None:
    for shown in (harmless(text), one_line(text)):
        left = shown.replace("\x1b[0m", "") if shown is not one_line(text) else shown
        assert left.isprintable()
        left.encode()


def test_our_own_colours_and_lines_are_left() -> None:
    text = "\n\x1b[31mred\x1b[0m \x1b[90mdim\x1b[0m\tend, ж and 語"
    assert harmless(text) == text
    assert one_line(text) == r"\x0a\x1b[31mred\x1b[0m \x1b[90mdim\x1b[0m\x09end, ж and 語"


def test_a_cell_is_no_line_of_its_own_and_takes_no_more_room_than_it_shows() -> None:
    said: list[str] = []
    say_table(("file", "reason"), [("a\nb\x1b[2J.csv", "x"), ("c", None)], said.append)
    assert said == [r"file               reason", r"a\x0ab\x1b[2J.csv  x", "c"]


def test_an_error_and_a_line_of_the_log_are_harmless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEO_WAREHOUSE_HOME", str(tmp_path))
    monkeypatch.setenv("SEO_WAREHOUSE_PROPERTIES", str(tmp_path / "a\x1b[2J.yml"))
    done = CliRunner().invoke(cli.main, ["ingest", "--source", "exports", "--property", "shop"])
    assert done.exit_code == 1
    assert r"a\x1b[2J.yml does not exist" in done.output
    assert "\x1b[2J" not in done.output
    formatter = cli._Harmless("%(message)s")
    record = logging.LogRecord("x", logging.INFO, "x", 1, "read %s", ("a\x1b[2J.csv",), None)
    assert formatter.format(record) == r"read a\x1b[2J.csv"
