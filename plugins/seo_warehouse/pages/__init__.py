"""Pages for operators inside Airflow: what came tonight, what is missing, what is held, what it costs."""
