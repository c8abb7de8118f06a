"""What is known: loads, nights, builds, files, holes, completeness, decisions, grants, migrations."""
