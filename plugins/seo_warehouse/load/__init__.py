"""Batches into PostgreSQL: aside into `audit`, then into `raw` in one transaction."""
