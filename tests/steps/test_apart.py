"""Who is to blame where a build fails: properties are built by halves, until those are alone whose days fail."""

from __future__ import annotations

from collections.abc import Collection
from math import ceil, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seo_warehouse.errors import BuildError
from seo_warehouse.steps.apart import find_culprits

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
