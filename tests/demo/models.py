"""Answers held against the vendor's own pydantic models."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


def assert_fits(model: Any, answer: dict[str, Any]) -> None:
    """The answer is one of `model` and has no member that the model does not know, at any depth."""
    _assert_known(model.from_dict(answer), model.__name__)


def _assert_known(value: object, where: str) -> None:
    if isinstance(value, BaseModel):
        extra = getattr(value, "additional_properties", {})
        assert not extra, f"{where} has unknown members: {sorted(extra)}"
        # Not by getattr: deprecated members warn.
        for name, each in vars(value).items():
            if name != "additional_properties":
                _assert_known(each, f"{where}.{name}")
    elif isinstance(value, list):
        for each in value:
            _assert_known(each, f"{where}[]")
