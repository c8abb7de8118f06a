"""Where Airflow finds its home in tests. Imported before anything imports Airflow, which makes a folder there."""

from __future__ import annotations

import os
import tempfile

os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="seo-warehouse-airflow-home-"))
