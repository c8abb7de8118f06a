"""Exit code 0 where a health page answers, and says of a part of Airflow that it is healthy: healthy.py URL [PART]."""

from __future__ import annotations

import json
import sys
from urllib.request import ProxyHandler, build_opener

url, *parts = sys.argv[1:]
with build_opener(ProxyHandler({})).open(url, timeout=10) as answer:
    # The scheduler's own page is nothing but its status.
    document = json.load(answer) if parts else {}
sys.exit(any(document[part]["status"] != "healthy" for part in parts))
