"""The demo's harmless credentials and the Airflow connections that carry them."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from seo_warehouse.demo.catalogue import ALL_PROPERTIES
from seo_warehouse.demo.crm import TOKEN

LOGIN_DOMAIN = "seo-warehouse.example"
ACCOUNTS = ("demo", *(prop.name for prop in ALL_PROPERTIES))
"""Of the demo's DataForSEO: one for anybody, and one for each property, by which its clock is known."""
PASSWORD = "demo-password"  # noqa: S105 - opens nothing but the demo
EMAIL = "demo-reader@seo-warehouse-demo.iam.gserviceaccount.example"


def login(account: str) -> str:
    """The login of an account."""
    return f"{account}@{LOGIN_DOMAIN}"


def account_of(authorization: str | None) -> str | None:
    """The account that a request's Authorization header opens; None where it opens none."""
    return _ACCOUNT_BY_HEADER.get(authorization or "")


_ACCOUNT_BY_HEADER = {
    "Basic " + base64.b64encode(f"{login(account)}:{PASSWORD}".encode()).decode(): account for account in ACCOUNTS
}


def service_account(folder: Path, base_url: str) -> dict[str, Any]:
    """The demo's service account, with a key pair made once for this folder."""
    path = folder / "service-account.pem"
    if not path.exists():
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        aside = path.with_suffix(".part")
        aside.touch(mode=0o600)
        aside.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        aside.replace(path)
    return {
        "type": "service_account",
        "project_id": "seo-warehouse-demo",
        "private_key_id": "demo",
        "private_key": path.read_text(encoding="ascii"),
        "client_email": EMAIL,
        "client_id": "100000000000000000001",
        "token_uri": f"{base_url}/token",
    }


def public_key(private_key: str) -> str:
    """The public half of a PEM key."""
    key = serialization.load_pem_private_key(private_key.encode(), password=None)
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def airflow_connections(account: dict[str, Any], base_url: str) -> dict[str, str]:
    """AIRFLOW_CONN_* variables that lead to the demo."""
    # A server of our own on loopback: nobody there asks for patience.
    pace = {"calls_per_minute": None}
    dataforseo = {
        name: {"conn_type": "http", "host": base_url, "login": login(name), "password": PASSWORD, "extra": pace}
        for name in ACCOUNTS
    }
    google = {"conn_type": "google_cloud_platform", "host": base_url, "extra": {"keyfile_dict": account, **pace}}
    return {
        "AIRFLOW_CONN_DATAFORSEO": json.dumps(dataforseo.pop("demo")),
        **{f"AIRFLOW_CONN_DATAFORSEO_{name.upper()}": json.dumps(each) for name, each in dataforseo.items()},
        "AIRFLOW_CONN_GOOGLE_SEARCH_CONSOLE": json.dumps(google),
        "AIRFLOW_CONN_GOOGLE_ANALYTICS": json.dumps(google),
        "AIRFLOW_CONN_HUBSPOT": json.dumps({"conn_type": "http", "host": base_url, "password": TOKEN, "extra": pace}),
    }
