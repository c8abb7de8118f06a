"""The one HTTP door."""

from __future__ import annotations

from seo_warehouse.landing import Answer

__all__ = ["Answer", "Api"]


class Api:
    """Surface only; see contract."""
