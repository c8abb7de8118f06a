"""What sources of links have in common that are read whole now and then, and by their changes in between."""

from __future__ import annotations

from seo_warehouse.spec import BatchRule


def keeps_its_size(source: str) -> BatchRule:
    """A rule of its table `backlink`, whose readers note `pulls` with the `rows` of each."""
    return BatchRule(
        name="full_pull_keeps_its_size",
        sql=f"""
            select own.day, own.facts -> 'pulls' -> 'full' as full_pull, earlier.rows as earlier_rows
            from ops.load_day own
            cross join lateral (
                select (p.facts -> 'pulls' -> 'full' ->> 'rows')::bigint as rows
                from ops.publication p
                where p.source = '{source}' and p.table_name = 'backlink' and p.is_current
                  and p.property_key = {{property_key}} and p.day < own.day and (p.facts ->> 'is_full')::boolean
                order by p.day desc
                limit 1
            ) earlier
            where own.load_id = {{load_id}} and (own.facts ->> 'is_full')::boolean
              and (own.facts -> 'pulls' -> 'full' ->> 'rows')::bigint < 0.5 * earlier.rows
        """,  # noqa: S608
        reason="A full pull is evidence of absence: one of half its earlier size or less would lose links by the"
        " hundred.",
    )
