"""Which site a property's key stands for: what was loaded and granted under a key is that site's."""

from __future__ import annotations

from dataclasses import dataclass

from seo_warehouse.config import Properties
from seo_warehouse.errors import ConfigError
from seo_warehouse.ledger.session import Connection


@dataclass(frozen=True)
class Rekeying:
    """A person's word that the sites of these keys have moved to the domains that properties.yml states now."""

    keys: tuple[int, ...]
    why: str
    who: str


@dataclass(frozen=True)
class _Change:
    key: int
    old_name: str
    old_domain: str
    new_name: str
    new_domain: str


def expect_same_sites(conn: Connection, properties: Properties) -> None:
    """Raises ConfigError where a key, also one that was removed, stood for another domain until now."""
    changes = _find_changes(conn, properties)
    if not changes:
        return
    said = "; ".join(
        f"key {change.key} stood for {change.old_domain} ({change.old_name}),"
        f" and properties.yml gives it to {change.new_domain} ({change.new_name})"
        for change in changes
    )
    options = " ".join(f"--rekey {change.key}" for change in changes)
    raise ConfigError(
        f"{said}. Another site needs a key of its own: the history and the grants of a key are its site's."
        f' If it is the same site at another address: `seo-warehouse migrate {options} --why "..."`'
    )


def rekey(conn: Connection, properties: Properties, said: Rekeying) -> list[str]:
    """Have the keys stand for the domains that are stated now; what was granted of them ends.

    In the caller's transaction, as the owner. Returns the analysts that were granted one. A key whose site did not
    change stays as it is. Raises ConfigError for a key that properties.yml does not state.
    """
    stated = {prop.key for prop in properties.properties}
    if unknown := sorted(set(said.keys) - stated):
        raise ConfigError(f"properties.yml states no key {', '.join(map(str, unknown))}")
    ended: set[str] = set()
    for change in _find_changes(conn, properties):
        if change.key not in said.keys:
            continue
        rows = conn.execute("delete from ops.grant where property_key = %s returning analyst", (change.key,)).fetchall()
        analysts = [analyst for (analyst,) in rows]
        conn.execute(
            "insert into ops.rekey (property_key, old_domain, new_domain, why, who, ended_grants)"
            " values (%s, %s, %s, %s, %s, %s)",
            (change.key, change.old_domain, change.new_domain, said.why, said.who, sorted(analysts)),
        )
        conn.execute("update ops.property set domain = %s where property_key = %s", (change.new_domain, change.key))
        ended |= set(analysts)
    return sorted(ended)


def _find_changes(conn: Connection, properties: Properties) -> list[_Change]:
    known = {
        key: (name, domain)
        for key, name, domain in conn.execute("select property_key, property_name, domain from ops.property")
    }
    return [
        _Change(prop.key, *known[prop.key], prop.name, prop.domain)
        for prop in properties.properties
        if prop.key in known and known[prop.key][1] != prop.domain
    ]
