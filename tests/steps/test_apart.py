"""Who is to blame where a build fails: properties are built by halves, until those are alone whose days fail."""

from __future__ import annotations

from collections.abc import Collection
from math import ceil, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seo_warehouse.errors import BuildError
from seo_warehouse.steps.apart import find_culprits, find_sound, is_nobodys

KEYS = st.sets(st.integers(0, 40), min_size=1, max_size=20)


class Builds:
    """Builds that fail where they see the days of any property that is to blame."""

    def __init__(self, culprits: Collection[int], *, is_broken: bool = False) -> None:
        self.culprits = set(culprits)
        self.is_broken = is_broken
        self.built: set[int] = set()
        self.count = 0

    def __call__(self, keys: Collection[int]) -> BuildError | None:
        self.count += 1
        if failing := self.culprits & set(keys):
            return BuildError(f"of {sorted(failing)}")
        if self.is_broken:
            return BuildError("of all")
        self.built |= set(keys)
        return None


@given(KEYS, st.data())
def test_whoever_fails_alone_is_found_and_all_others_are_built(keys: set[int], data: st.DataObject) -> None:
    culprits = data.draw(st.sets(st.sampled_from(sorted(keys)), min_size=1))
    builds = Builds(culprits)
    found = dict(find_culprits(sorted(keys), BuildError(f"of {sorted(culprits)}"), builds))
    assert found.keys() == culprits
    assert {str(why) for why in found.values()} == {f"of [{key}]" for key in culprits}
    assert builds.built == keys - culprits


@pytest.mark.parametrize("count", [2, 3, 50])
def test_one_among_many_is_found_by_two_builds_a_halving(count: int) -> None:
    builds = Builds({count // 3})
    assert dict(find_culprits(range(count), BuildError("all"), builds)).keys() == builds.culprits
    assert builds.count <= 2 * ceil(log2(count))


def test_where_nothing_can_be_built_nobody_is_to_blame() -> None:
    builds = Builds((), is_broken=True)
    with pytest.raises(BuildError, match="of all"):
        list(find_culprits(range(50), BuildError("at first"), builds))
    assert builds.count == 3


def test_who_fails_only_together_with_another_is_built_after_it() -> None:
    builds = Builds(())
    assert list(find_culprits([1, 2], BuildError("together"), builds)) == []
    assert builds.built == {1, 2}


@pytest.mark.parametrize(
    ("culprits", "is_found", "count"), [({7}, True, 2), ({6, 7}, True, 4), ({0, 1, 2, 3}, False, 6)]
)
def test_a_part_that_can_be_built_is_looked_for_in_halves_and_quarters(
    culprits: set[int], is_found: bool, count: int
) -> None:
    builds = Builds(culprits)
    assert find_sound(range(8), range(8), builds) is is_found
    assert builds.count <= count


@pytest.mark.parametrize(("keys", "active"), [([], []), ([1], [1]), ([1, 2], [2])])
def test_never_is_the_only_active_property_emptied(keys: list[int], active: list[int]) -> None:
    builds = Builds({2})
    assert not find_sound(keys, active, builds)
    assert builds.built == set()


@pytest.mark.parametrize(
    ("message", "is_so"),
    [
        ('could not extend file "base/1/2": No space left on device', True),
        ("server closed the connection unexpectedly", True),
        ('column "clicks" does not exist', True),
        ("numeric field overflow", False),
        ('could not create unique index "dim_page_key"', False),
        ('invalid input syntax for type integer: "could not extend file"', False),
    ],
)
def test_what_no_row_can_cause_is_nobodys_fault(message: str, is_so: bool) -> None:
    failed = f"Database Error in model fct_x (models/marts/fct_x.sql) {message}"
    of_build = f"build 3: 2 nodes did not pass: model.seo_warehouse.fct_x: error: {failed}"
    assert is_nobodys(BuildError(failed)) is is_nobodys(BuildError(of_build)) is is_so
    assert not is_nobodys(BuildError(f"another: {of_build}"))


def test_a_session_that_was_not_had_is_nobodys_fault() -> None:
    assert is_nobodys(BuildError("build 3: 0 nodes did not pass: Database Error\n  connection to server failed"))
