"""What `make run` starts: PostgreSQL 18 and Airflow, as processes of this machine."""
