"""Crawling: a property's own site."""
