"""dbt does the same with shortcuts as without them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from dbt.clients.jinja import MacroGenerator
from dbt.context.manifest import ManifestContext
from dbt_common.clients.jinja import BaseMacroGenerator
from dbt_common.events.base_types import BaseEvent, EventLevel
from dbt_common.events.event_manager import EventManager
from dbt_common.events.functions import fire_event, get_event_manager
from dbt_common.events.types import Formatting, Note

from seo_warehouse.steps.dbt_shortcuts import shortcuts

COUNTED = "{% macro counted(n) %}{{ range(n) | list | length }} {{ unit }}{{ kind is defined }}{% endmacro %}"


def _macro(context: dict[str, Any]) -> MacroGenerator:
    told = SimpleNamespace(name="counted", macro_sql=COUNTED, unique_id="macro.counted", resource_type="macro")
    return MacroGenerator(told, context)


def _heard(*events: tuple[BaseEvent, EventLevel | None]) -> list[str]:
    found: list[str] = []
    manager = get_event_manager()
    manager.add_callback(lambda event: found.append(f"{event.info.name} {event.info.level} {event.info.msg}"))
    try:
        for event, level in events:
            fire_event(event, level=level)
    finally:
        manager.callbacks.pop()
    return found


@pytest.mark.parametrize("is_quick", [False, True])
def test_a_macro_sees_what_its_context_says_when_it_is_called(is_quick: bool) -> None:
    context: dict[str, Any] = {"unit": "days"}
    macro = _macro(context)

    def calls() -> list[str]:
        said = [str(macro(2))]
        context.update(unit="weeks", kind="any")
        return [*said, str(macro(3)), str(_macro({"unit": "nights"})(4))]

    if is_quick:
        with shortcuts():
            said = calls()
    else:
        said = calls()

    assert said == ["2 daysFalse", "3 weeksTrue", "4 nightsFalse"]


def test_of_the_debug_level_nothing_is_told_but_what_somebody_hears() -> None:
    with shortcuts(heard=("Note",)):
        found = _heard(
            (Note(msg="wanted"), EventLevel.DEBUG),
            (Formatting(msg="unwanted"), EventLevel.DEBUG),
            (Formatting(msg="of a higher level"), EventLevel.WARN),
        )

    assert found == ["Note debug wanted", "Formatting warn of a higher level"]


def test_where_all_is_wanted_all_is_told() -> None:
    with shortcuts():
        assert _heard((Formatting(msg="some"), EventLevel.DEBUG)) == ["Formatting debug some"]


def test_dbt_is_left_as_it_was() -> None:
    before = [BaseMacroGenerator.get_macro, ManifestContext.to_dict, BaseEvent.__init__, EventManager.fire_event]

    with pytest.raises(ValueError, match="meanwhile"), shortcuts(heard=()):
        raise ValueError("meanwhile")

    after = [BaseMacroGenerator.get_macro, ManifestContext.to_dict, BaseEvent.__init__, EventManager.fire_event]
    assert after == before
