"""The gate: no load reaches `raw` that has not passed its expectations."""
