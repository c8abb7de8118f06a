"""Ids of tags are found where pages write them, and nowhere else."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from seo_warehouse.linkcheck.tags import MAX_TAGS, tag_ids


def hashed(*ids: str) -> list[str]:
    return sorted(sha256(one.encode()).hexdigest()[:16] for one in ids)


def test_ids_of_analytics_and_ads_are_found_once() -> None:
    page = b"""<script async src="https://www.googletagmanager.com/gtag/js?id=G-ABCDEFGH12"></script>
    <script>gtag('config', 'G-ABCDEFGH12'); gtag("config", "AW-123456789"); ga('create', 'UA-1234567-3', 'auto');
    (function(w,d,s,l,i){})(window,document,'script','dataLayer','GTM-ABC123');</script>
    <ins class="adsbygoogle" data-ad-client="ca-pub-1234567890123456"></ins>"""
    known = hashed("G-ABCDEFGH12", "AW-123456789", "UA-1234567", "GTM-ABC123", "pub-1234567890123456")
    assert tag_ids(page) == known


def test_properties_of_one_account_are_one_owners() -> None:
    assert tag_ids(b"ga('create', 'UA-1234567-3')") == tag_ids(b"ga('create', 'UA-1234567-9')") == hashed("UA-1234567")


def test_what_only_looks_like_an_id_is_none() -> None:
    assert tag_ids(b"Model BIG-ABCDEFGH12, G-ABCDEFGH12 too; UA-12 of 2014, FLAW-123456789, pub-1234567890123456") == []


def test_a_page_of_ids_is_not_kept_whole() -> None:
    assert len(tag_ids(b" ".join(b"AW-%d" % (123456789 + n) for n in range(900)))) == MAX_TAGS

    many = [b"AW-%d" % (123456789 + n) for n in range(MAX_TAGS)]
    first = b" ".join([b"id=G-ABCDEFGH12", *many])
    assert tag_ids(first) == hashed("G-ABCDEFGH12", *(name.decode() for name in many[:-1]))


@given(st.binary(max_size=400))
def test_any_bytes_are_read(body: bytes) -> None:
    assert tag_ids(body) == sorted(set(tag_ids(body)))
