"""What dbt cannot say in SQL about the effect of links: intervals, tests, and checks of the method.

The estimates, and the sums that they are made of, come from the models `int_effect__*`; docs/link-effect.md has the
method.
"""
