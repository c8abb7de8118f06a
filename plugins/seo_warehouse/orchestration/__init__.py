"""The life of a load as steps, and Airflow's tasks, assets and connections around them."""
