from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import pytest

from seo_warehouse.client.addresses import Guard, endpoint, is_public
from seo_warehouse.errors import SourceError, TerminalSourceError
from tests.crawl.site import HOST, archive_in, by_path, crawl, html, redirect, serve


@pytest.mark.parametrize(
    "address",
    """
        127.0.0.1 127.9.9.9 10.1.2.3 172.16.0.1 192.168.1.1 0.0.0.0 169.254.169.254 100.64.0.1
        100.100.100.200 168.63.129.16 192.0.0.192 192.88.99.1 198.18.0.1 224.0.0.1 240.0.0.1
        255.255.255.255 ::1 :: fe80::1 fc00::1 fd00:ec2::254 ff02::1 ::ffff:127.0.0.1
        ::ffff:10.0.0.1 64:ff9b::7f00:1 64:ff9b:1::a00:1 2002:7f00:1:: 2002:a9fe:a9fe::1
        2001:0:4136:e378:8000:63bf:80ff:fffe 2001:db8::1 3fff::1 fec0::1
        ::127.0.0.1 ::10.0.0.1 ::a9fe:a9fe ::ffff:0:127.0.0.1 ::ffff:0:a00:1 64:ff9b:1:7f00:0:100:808:808
        64:ff9b:1::808:808 64:ff9b::169.254.169.254 2002:0a00:0001::808:808 2606:4700::5efe:10.0.0.1
        2606:4700::200:5efe:7f00:1 2606:4700::5efe:a9fe:a9fe 100::1 1::1 4000::1 9000::1 fe80::5efe:8.8.8.8
        fe80::1%lo ff0e::1 0:0:0:0:0:ffff:7f00:1
    """.split(),
)
def test_addresses_that_not_everyone_reaches_are_refused(address: str) -> None:
    assert not is_public(ip_address(address))
    assert not Guard().allows(address)


@pytest.mark.parametrize(
    "address",
    "1.1.1.1 93.184.215.14 2606:4700::1111 2a00::1 ::ffff:1.1.1.1 64:ff9b::101:101 2606:4700::5efe:101:101".split(),
)
def test_public_addresses_are_allowed(address: str) -> None:
    assert Guard().allows(address)


def test_stated_networks_are_open_and_only_they() -> None:
    guard = Guard(("10.1.0.0/16", "fd00::/8"))
    assert guard.allows("10.1.2.3")
    assert guard.allows("::ffff:10.1.2.3")
    assert guard.allows("fd00::7")
    assert not guard.allows("10.2.0.1")
    assert not guard.allows("fe80::1%eth0")
    assert not guard.allows("no address")


def test_a_stated_address_stands_in_for_dns() -> None:
    guard = Guard(resolve={"Shop.Example": "127.0.0.1:8080", "six.example": "[::1]:81"})
    assert guard.pinned("shop.example.") == ("127.0.0.1", 8080)
    assert guard.pinned("six.example") == ("::1", 81)
    assert guard.pinned("other.example") is None


@pytest.mark.parametrize("text", ["", "127.0.0.1", "shop.example:80", "127.0.0.1:0", "127.0.0.1:70000", "127.0.0.1:x"])
def test_what_is_no_address_and_port_is_refused(text: str) -> None:
    with pytest.raises(TerminalSourceError, match="resolve"):
        endpoint(text)


@pytest.mark.slow
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "[::ffff:7f00:1]"])
def test_a_start_url_on_loopback_is_refused_unless_opened(tmp_path: Path, host: str) -> None:
    with serve({"/": html()}) as site:
        start = (f"http://{host}:{site.port}/",)
        with pytest.raises(TerminalSourceError, match="allowed_networks"):
            crawl(site.settings(start_urls=start, resolve={}), archive_in(tmp_path))
        assert site.asked == []


@pytest.mark.slow
def test_a_start_url_on_loopback_is_crawled_where_its_network_is_opened(tmp_path: Path) -> None:
    with serve({"/": html("/a"), "/a": html()}) as site:
        start = (f"http://127.0.0.1:{site.port}/",)
        settings = site.settings(start_urls=start, resolve={}, allowed_networks=("127.0.0.0/8",))
        assert list(by_path(crawl(settings, archive_in(tmp_path)))) == ["/", "/a"]


@pytest.mark.slow
def test_a_host_that_turns_inward_is_refused_after_dns_and_after_redirects(tmp_path: Path) -> None:
    """`localhost` is what DNS could say of any name; here it is one of the crawl's own hosts, and a sitemap's."""
    with serve({}) as inner, serve({}) as site:
        site.pages |= {
            "/robots.txt": redirect(f"http://localhost:{inner.port}/robots.txt"),
            "/": html(f"http://localhost:{inner.port}/secret", "/hop"),
            "/hop": redirect(f"http://localhost:{inner.port}/latest/meta-data/"),
        }
        start = (f"http://{HOST}/", f"http://localhost:{inner.port}/")
        with pytest.raises(SourceError, match=r"robots\.txt"):
            crawl(site.settings(start_urls=start), archive_in(tmp_path / "robots"))
        del site.pages["/robots.txt"]
        site.pages["/sitemap.xml"] = redirect(f"http://localhost:{inner.port}/sitemap.xml")
        found = by_path(crawl(site.settings(), archive_in(tmp_path / "pages")))
        assert found["/hop"].location == f"http://localhost:{inner.port}/latest/meta-data/"
        assert inner.asked == []
