from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seo_warehouse.crawl.packing import unpack, unpacked


@pytest.mark.parametrize("wbits", [31, 15, -15])
def test_unpacking_stops_at_the_limit(wbits: int) -> None:
    packer = zlib.compressobj(wbits=wbits)
    packed = packer.compress(b"x" * 1_000_000) + packer.flush()
    content, is_more = unpack(packed, 1_000)
    assert (len(content), is_more) == (1_000, True)
    content, is_more = unpack(packed, 1_000_000)
    assert (len(content), is_more) == (1_000_000, False)


def test_what_is_not_packed_is_said_to_be_so() -> None:
    with pytest.raises(ValueError, match="gzip"):
        unpack(b"<html>", 1_000)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.binary(max_size=3_000), min_size=1, max_size=5),
    st.sampled_from([b"", b"\x00" * 9, b"\n", b"<!-- x -->"]),
)
def test_members_are_one_file_whatever_follows_them(members: list[bytes], garbage: bytes) -> None:
    body = b"".join(map(gzip.compress, members)) + garbage
    assert unpack(body, 20_000) == (b"".join(members), False)


def test_many_small_members_take_no_quadratic_time_and_large_ones_come_in_pieces() -> None:
    small = gzip.compress(b"a") * 100_000
    assert unpack(small, 200_000) == (b"a" * 100_000, False)
    pieces = list(unpacked(gzip.compress(b"a" * 10_000_000)))
    assert max(map(len, pieces)) <= 262_144
    assert sum(map(len, pieces)) == 10_000_000


def test_a_member_that_breaks_off_gives_what_there_is_and_a_damaged_one_is_refused() -> None:
    body = b"".join(b"%d" % n for n in range(10_000))
    packed = gzip.compress(body)
    content, is_more = unpack(packed + packed[: len(packed) // 2], 1_000_000)
    assert content.startswith(body)
    assert (len(body) < len(content) < 2 * len(body), is_more) == (True, False)
    with pytest.raises(EOFError):
        list(unpacked(packed[:-1]))
    with pytest.raises(ValueError, match="damaged"):
        unpack(packed + packed[:10] + b"\x07" * 500, 1_000_000)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.binary(max_size=20), st.integers(0, 300))
def test_nothing_but_data_or_a_value_error_comes_out(content: bytes, noise: bytes, at: int) -> None:
    packed = gzip.compress(content)
    try:
        found, _ = unpack(packed[:at] + noise + packed[at:], 1_000)
    except ValueError:
        return
    assert len(found) <= 1_000
