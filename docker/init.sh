#!/bin/bash
# Before the services start: the administrator's password, Airflow's database and the warehouse's, brought to this release.
set -euo pipefail

(umask 077 && python -c 'import json, os; print(json.dumps({"admin": os.environ["AIRFLOW_ADMIN_PASSWORD"]}))' \
  > "$AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE")
airflow db migrate
seo-warehouse migrate
