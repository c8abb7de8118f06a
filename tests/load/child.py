"""A writer and publisher in a process of its own, to be killed: `python -m tests.load.child DSN`.

Loads the same three days again and again, all rows of a round with the round's number, until it is killed.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from itertools import count

from seo_warehouse.load.publish import publish
from tests.load.loading import DAY, READ_AT, SOURCE, TABLE, make_row, open_warehouse, passed, write

DAYS = [DAY + timedelta(number) for number in range(3)]
ROWS_A_DAY = 150


def rounds(dsn: str) -> None:
    with open_warehouse(dsn) as connection:
        last = connection.execute("select coalesce(max(load_id), 0) from ops.load").fetchall()[0][0]
        for number in count(last + 1):
            clicks = 10.0 + number
            rows = (make_row(day, row, clicks=clicks) for day in DAYS for row in range(ROWS_A_DAY))
            load_id = write(connection, rows, days=DAYS, read_at=READ_AT + timedelta(seconds=number))
            passed(connection, load_id)
            publish(connection, SOURCE, TABLE, load_id)
            sys.stdout.write(f"{load_id}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    rounds(sys.argv[1])
