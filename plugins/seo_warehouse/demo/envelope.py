"""DataForSEO's envelope: every answer is HTTP 200 with a status of its own, and so is every task in it.

https://docs.dataforseo.com/v3/appendix/errors/
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

Json = dict[str, Any]

VERSION = "0.1.20260717"
OK = (20000, "Ok.")
CREATED = (20100, "Task Created.")
UNAUTHORIZED = (40100, "You are not authorized to access this resource.")
SE_ERROR = (40101, "Internal SE Server Error.")
NOT_FOUND = (40400, "Not Found.")
TASK_NOT_FOUND = (40401, "Task Not Found.")
IN_QUEUE = (40602, "Task In Queue.")
Status = tuple[int, str]


def invalid(field: str) -> Status:
    """A field of the request is wrong."""
    return 40501, f"Invalid Field: '{field}'."


def stamp(at: datetime) -> str:
    """An instant as the vendor writes it."""
    return f"{at:%Y-%m-%d %H:%M:%S} +00:00"


def task_id(at: datetime, number: int) -> str:
    """The vendor's form of an identifier: month, day, hour, minute, then the account and a unique tail."""
    return f"{at:%m%d%H%M}-7700-0066-0000-{number:012x}"


def task(id: str, status: Status, path: str, data: Json, *, cost: float = 0, result: list[Json] | None = None) -> Json:
    """One task of an answer."""
    return {
        "id": id,
        "status_code": status[0],
        "status_message": status[1],
        "time": "0.0412 sec.",
        "cost": cost,
        "result_count": len(result) if result else 0,
        "path": path.strip("/").split("/"),
        "data": data,
        "result": result,
    }


def envelope(tasks: list[Json], *, status: Status = OK) -> Json:
    """The whole answer. `tasks_error` counts refused tasks; the vendor does not count 40101 there."""
    refused = sum(t["status_code"] >= 40000 and t["status_code"] != SE_ERROR[0] for t in tasks)
    return {
        "version": VERSION,
        "status_code": status[0],
        "status_message": status[1],
        "time": "0.0782 sec.",
        "cost": round(sum(t["cost"] for t in tasks), 6),
        "tasks_count": len(tasks),
        "tasks_error": refused,
        "tasks": tasks,
    }
