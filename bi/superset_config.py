"""Superset's settings, as `make bi` serves it: its own small database in the state folder, and no call to the internet.

https://superset.apache.org/docs/configuration/configuring-superset
"""

import json
import os
from pathlib import Path

_FOLDER = Path(os.environ["SEO_WAREHOUSE_BI"])
_KEPT = json.loads((_FOLDER / "kept.json").read_text(encoding="utf-8"))

SECRET_KEY = _KEPT["secret_key"]
SQLALCHEMY_DATABASE_URI = f"sqlite:///{_FOLDER / 'superset.db'}"
# The pixel of a statistics company, the fonts of another and the tiles of maps stand in its pages: what a browser may
# not load by this it does not ask for.
TALISMAN_CONFIG = {
    "content_security_policy": {
        "default-src": ["'self'"],
        "base-uri": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        "font-src": ["'self'", "data:"],
        "script-src": ["'self'", "'strict-dynamic'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": False,
}
THEME_FONT_URL_ALLOWED_DOMAINS: list[str] = []
ENABLE_UI_THEME_ADMINISTRATION = False
# Cookies are told apart by name, not by port: Airflow's may be in the same browser.
SESSION_COOKIE_NAME = "seo_warehouse_bi"
SQLLAB_TIMEOUT = 60
