"""Batches into PostgreSQL: aside into `audit`, then into `raw` in one transaction, with every step in `ops`."""
