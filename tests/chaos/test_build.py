"""A build killed again and again, its server too, and ended by two at once; builds that leave what nothing reaches."""

from __future__ import annotations

import random
import time

import pytest

from tests.chaos.child import Child
from tests.chaos.conftest import SOURCES, Base, Case, Undisturbed
from tests.chaos.state import read_marts, read_nodes, until
from tests.chaos.test_postgres import crash
from tests.production.marts import are_equal, marts_of, rows_of

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("case", ["night"], indirect=True)
@pytest.mark.parametrize("seed", [7])
def test_a_build_that_was_killed_ends_with_the_same_marts(
    base: Base, undisturbed: Undisturbed, case: Case, seed: int
) -> None:
    dice = random.Random(seed)
    for _ in range(2):
        build = _building(case, dice, undisturbed.nodes)
        assert build.is_running
        build.kill()
    build = _building(case, dice, undisturbed.nodes)
    crash(base.server, with_backends=True)
    assert build.end() != 0
    base.server.start()
    for twin in [case.build(), case.build()]:
        twin.succeed()
    with case.connect() as connection:
        marts = read_marts(connection)
        ended = connection.execute("select state, count(*) from ops.build group by state").fetchall()
        claims = connection.execute(
            """
            select publication_id, count(*) from ops.build_day as d join ops.build as b using (build_id)
            where b.state = 'finished' group by publication_id having count(*) > 1
            """
        ).fetchall()
    assert marts.keys() == undisturbed.marts.keys()
    for mart, rows in marts.items():
        assert rows == undisturbed.marts[mart], mart
    # The history's and the night's: whoever came second found nothing left to model.
    assert dict(ended)["finished"] == 2
    assert claims == []


def test_builds_of_one_source_each_leave_the_marts_of_a_full_one(case: Case) -> None:
    for source in SOURCES:
        case.ingest(source).succeed()
        case.build().succeed()
    with case.connect() as connection:
        found = {mart: rows_of(connection, mart) for mart in marts_of(connection)}
    case.command("-v", "build", "--full").succeed()
    with case.connect() as connection:
        assert [mart for mart, rows in found.items() if not are_equal(rows, rows_of(connection, mart))] == []
        counted = connection.execute(
            "select count(*) from ops.dbt_node_result"
            " where unique_id like 'model.%' group by build_id order by build_id"
        ).fetchall()
    *nights, full = (models for (models,) in counted[1:])
    assert len(nights) == len(SOURCES)
    assert max(nights) < full


def _building(case: Case, dice: random.Random, nodes: int) -> Child:
    """A build that has come as far as the dice say: so many nodes, and a little more."""
    attempts = "select sum(attempt) from ops.build"
    wanted = dice.randrange(nodes - 10)
    with case.connect() as connection:
        before = connection.execute(attempts).fetchone()
        build = case.build()
        until(lambda: connection.execute(attempts).fetchone() != before and read_nodes(connection) >= wanted)
    time.sleep(dice.uniform(0, 0.3))
    return build
