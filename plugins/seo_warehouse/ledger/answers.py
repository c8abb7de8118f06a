"""What a person may answer about a held load. Imports nothing: DAG files are made of it."""

from __future__ import annotations

from typing import Literal, get_args

Option = Literal["approve", "reject", "read again", "leave it"]
OPTIONS: tuple[Option, ...] = get_args(Option)
UNANSWERED: Option = "leave it"
"""What counts as the answer when none comes: it decides nothing."""
