from __future__ import annotations

import asyncio
from collections.abc import Collection

from seo_warehouse.crawl.turns import Turns


async def _run(turns: Turns, all_names: Collection[set[str]], work: float = 0.01) -> tuple[list[tuple[int, str]], int]:
    """What began and ended, in order, and how many went at once at most."""
    told: list[tuple[int, str]] = []
    going = most = 0

    async def go(number: int, names: set[str]) -> None:
        nonlocal going, most
        async with turns.turn(names):
            going += 1
            most = max(most, going)
            told.append((number, "begins"))
            await asyncio.sleep(work)
            told.append((number, "ends"))
            going -= 1

    await asyncio.gather(*(go(number, names) for number, names in enumerate(all_names)))
    return told, most


def test_those_with_a_name_in_common_go_one_after_the_other() -> None:
    told, most = asyncio.run(_run(Turns(pause=0, at_once=9), [{"a", "1"}, {"b", "1"}, {"b", "2"}, {"a", "2"}]))
    assert most == 2
    for one, other in ((0, 1), (1, 2), (2, 3), (0, 3)):
        first, second = sorted((one, other), key=lambda number: told.index((number, "begins")))
        assert told.index((first, "ends")) < told.index((second, "begins"))


def test_no_more_go_at_once_than_there_is_room_for() -> None:
    told, most = asyncio.run(_run(Turns(pause=0, at_once=3), [{str(n)} for n in range(12)]))
    assert (most, len(told)) == (3, 24)


def test_who_goes_next_waits_for_the_pause_of_every_name() -> None:
    async def waits() -> list[float]:
        turns = Turns(pause=0.05, at_once=9)
        loop = asyncio.get_running_loop()
        begun: list[float] = []
        for names, pause in (({"a"}, 0.2), ({"b"}, 0.0), ({"a", "b"}, 0.0), ({"c"}, 0.0)):
            async with turns.turn(names, pause=pause):
                begun.append(loop.time())
        return begun

    first, second, third, fourth = asyncio.run(waits())
    assert third - first >= 0.2 > second - first
    assert fourth >= third


def test_a_turn_that_fails_is_given_back() -> None:
    async def again() -> str:
        turns = Turns(pause=0, at_once=1)
        try:
            async with turns.turn({"a"}):
                raise ValueError("no")
        except ValueError:
            async with turns.turn({"a"}):
                return "went"

    assert asyncio.run(again()) == "went"
