"""What dbt cannot say in SQL of partners: what one more attempt at each is worth (docs/relationships.md)."""
