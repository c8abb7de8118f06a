"""The life of a load, history, back-fill, build and report: what tasks and commands call."""
