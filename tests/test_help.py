"""The command line's own help."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from seo_warehouse.cli import main


def test_every_command_is_told_whole() -> None:
    told = " ".join(CliRunner().invoke(main, ["--help"]).output.split())
    for name, command in main.commands.items():
        paragraph = " ".join((command.help or "").split("\n\n")[0].split())
        # Where a line ends within a word with a hyphen, it ends behind it.
        assert paragraph.replace("- ", "-") in told.replace("- ", "-"), name


@pytest.mark.parametrize("command", main.commands.values(), ids=lambda command: str(command.name))
def test_every_option_says_what_it_is(command: click.Command) -> None:
    assert [p.name for p in command.params if isinstance(p, click.Option) and not p.help] == []


def test_a_step_that_has_nothing_to_judge_imports_no_gate() -> None:
    """Great Expectations takes seconds of CPU to import."""
    code = "import sys; from seo_warehouse.steps import nightly; print('great_expectations' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
