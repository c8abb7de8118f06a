"""Airflow: tasks, assets and retries around the steps."""
