"""What dbt cannot say in SQL about waits: curves of how long pages wait, and whether a link shortens the wait.

Waits, gaps between looks and all counts come from the models `int_discovery__*`; docs/discovery.md has the method.
"""
