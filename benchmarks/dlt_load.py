"""dlt takes Search Console's rows from an address into PostgreSQL; run by load_path.py with dlt's own Python.

`python dlt_load.py ADDRESS DSN FIRST DAYS FORMAT WORKERS` prints rows and seconds as JSON, start and imports left out.
FORMAT is one of dlt's for PostgreSQL, or `arrow`: rows become Arrow tables here and go as parquet.
dlt is spared what costs it time: rows come flat, of declared types, a page of 25,000 at once; buffers and files are
large; rows are appended, under no key; and nothing is told to anybody.
"""

import json
import os
import sys
import tempfile
import time
from datetime import date, timedelta

address, dsn, first, days, form, workers = sys.argv[1:]
PAGE_ROWS = 25_000
SETTINGS = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "ERROR",
    "DESTINATION__POSTGRES__CREDENTIALS": dsn,
    "EXTRACT__WORKERS": workers,
    "NORMALIZE__WORKERS": workers,
    "LOAD__WORKERS": workers,
    "DATA_WRITER__BUFFER_MAX_ITEMS": str(PAGE_ROWS),
    # Files are what its workers share among themselves.
    "DATA_WRITER__FILE_MAX_ITEMS": str(2 * PAGE_ROWS),
    "DATA_WRITER__DISABLE_COMPRESSION": "true",
}
COLUMNS = {
    **dict.fromkeys(("page_url", "query", "country", "device"), "text"),
    "day": "date",
    **dict.fromkeys(("clicks", "impressions", "ctr", "position"), "double"),
}
PATH = "/webmasters/v3/sites/shop/searchAnalytics/query"


def tables():
    """Each page's rows as an Arrow table."""
    import pyarrow

    for rows in filter(None, pages()):
        table = pyarrow.Table.from_pylist(rows)
        day = table["day"].cast(pyarrow.date32())
        yield table.set_column(table.schema.get_field_index("day"), "day", day)


def pages():
    """Each page's rows."""
    import orjson
    import requests

    with requests.Session() as session:
        for number in range(int(days)):
            day = str(date.fromisoformat(first) + timedelta(days=number))
            start, count = 0, PAGE_ROWS
            while count == PAGE_ROWS:
                body = {"startDate": day, "endDate": day, "dimensions": ["DATE", "PAGE", "QUERY", "COUNTRY", "DEVICE"],
                        "rowLimit": PAGE_ROWS, "startRow": start}  # fmt: skip
                rows = orjson.loads(session.post(address + PATH, json=body).content)["rows"]
                yield [
                    {"day": row["keys"][0], "page_url": row["keys"][1], "query": row["keys"][2],
                     "country": row["keys"][3], "device": row["keys"][4], "clicks": row["clicks"],
                     "impressions": row["impressions"], "ctr": row["ctr"], "position": row["position"]}
                    for row in rows
                ]  # fmt: skip
                count = len(rows)
                start += count


if __name__ == "__main__":
    os.environ.update(SETTINGS)
    import dlt

    with tempfile.TemporaryDirectory() as folder:
        columns = [{"name": name, "data_type": kind} for name, kind in COLUMNS.items()]
        rows = dlt.resource(
            tables if form == "arrow" else pages, name="performance", columns=columns, write_disposition="append",
            max_table_nesting=0, file_format="parquet" if form == "arrow" else form,
        )  # fmt: skip
        schema = f"dlt_{form}_{workers}_{days}"
        pipeline = dlt.pipeline("bench", destination="postgres", dataset_name=schema, pipelines_dir=folder)
        began = time.monotonic()
        pipeline.run(rows)
        seconds = time.monotonic() - began
        with pipeline.sql_client() as client:
            count = client.execute_sql("select count(*) from performance")[0][0]
    sys.stdout.write(json.dumps({"rows": count, "seconds": round(seconds, 2)}) + "\n")
