"""dbt as tests and nights run it does what it does to whoever types it."""

from __future__ import annotations

from types import SimpleNamespace

from dbt.adapters.base import BaseAdapter

from seo_warehouse.steps.dbt_commands import FLAGS_SOURCE


def test_flags_of_dbts_behaviour_come_from_where_it_would_find_that_they_do() -> None:
    adapter = SimpleNamespace(_behavior_flags=[], config=SimpleNamespace(flags={}))
    BaseAdapter.behavior.fset(adapter, [{"name": "a_flag", "default": False, "description": "a flag"}])
    (flag,) = adapter._behavior._flags
    assert flag._behavior_change_event.flag_source == FLAGS_SOURCE
