"""A seeded simulated web behind vendor-shaped HTTP endpoints, with its truth beside it.

Served by `python -m seo_warehouse.demo --port P --folder F`. In the folder:

    world.json                  seed, first day and knobs: everything follows from them
    truth/*.jsonl               links and their pages, positions, edits, index, ranks, outreach, visits ... as they are
    disclosed/*.jsonl           what each witness was shown, with the demo's clock at the answer
    orders.jsonl, clock.json    rank checks ordered and collected; the instant somebody set
"""

from seo_warehouse.demo.catalogue import ALL_PROPERTIES, DEMO_PROPERTIES, PANEL_DEPTH
from seo_warehouse.demo.exports import write_exports
from seo_warehouse.demo.knobs import Knobs
from seo_warehouse.demo.records import disclosed
from seo_warehouse.demo.serving import connections, running, serve, stored_world
from seo_warehouse.demo.settings import write_properties
from seo_warehouse.demo.truth import effects

__all__ = [
    "ALL_PROPERTIES",
    "DEMO_PROPERTIES",
    "PANEL_DEPTH",
    "Knobs",
    "connections",
    "disclosed",
    "effects",
    "running",
    "serve",
    "stored_world",
    "write_exports",
    "write_properties",
]
