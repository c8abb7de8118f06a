"""Dashboards beside the warehouse (`make bi`): no part of the package, and nothing in it knows of them."""
