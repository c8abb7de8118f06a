"""Dropped files: opened, recognised by their headings, read as rows of source `exports`."""
