"""What dbt cannot say in SQL of visitors who come through links: which of several sent them (docs/referral.md)."""
