"""From where users' pictures are fetched: Meta's hosts, and nothing of our own network."""

from __future__ import annotations

import socket
from dataclasses import dataclass

import aiohttp
import pytest
from aiohttp.abc import ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from vestlus.instagram.media import allowed
from vestlus.instagram.public_addresses import PublicResolver, is_public


@pytest.mark.parametrize(
    "url",
    [
        "https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=9&signature=Ab%2Bc",
        "https://LOOKASIDE.fbsbx.com/x",
        "https://lookaside.fbsbx.com:443/x",
        "https://scontent-arn2-1.xx.fbcdn.net/v/t1/1.jpg?oh=1&oe=2",
        "https://scontent.cdninstagram.com/v/1.jpg",
    ],
)
def test_meta_s_own_media_hosts_are_fetched_from(url: str) -> None:
    assert str(allowed(url)).lower() == url.lower().replace(":443", "")


@pytest.mark.parametrize(
    "url",
    [
        "http://lookaside.fbsbx.com/x",
        "https://lookaside.fbsbx.com:8443/x",
        "https://lookaside.fbsbx.com./x",
        "https://user@lookaside.fbsbx.com/x",
        "https://user:word@lookaside.fbsbx.com/x",
        "https://@lookaside.fbsbx.com/x",
        "https://evil.com/lookaside.fbsbx.com",
        "https://evil.com#@lookaside.fbsbx.com/x",
        "https://evil.com?lookaside.fbsbx.com",
        "https://evil.com\\@lookaside.fbsbx.com/x",
        "https://lookaside.fbsbx.com\\.evil.com/x",
        "https://lookaside.fbsbx.com.evil.com/x",
        "https://evillookaside.fbsbx.com/x",
        "https://fbsbx.com/x",
        "https://fbcdn.net/x",
        "https://.fbcdn.net/x",
        "https://evilfbcdn.net/x",
        "https://a.fbcdn.net.evil.com/x",
        "https://a.fbcdn。net/x",
        "https://аpi.fbcdn.net/x",  # noqa: RUF001 - a Cyrillic letter
        "https://a%2efbcdn.net/x",
        "https://evil.com%2f.fbcdn.net/x",
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://[::1].fbcdn.net/x",
        "https://2130706433/x",
        "https://localhost/x",
        "https://169.254.169.254/latest/meta-data",
        "//lookaside.fbsbx.com/x",
        "lookaside.fbsbx.com/x",
        "file:///etc/passwd",
        "ftp://a.fbcdn.net/x",
        "data:image/png;base64,AAAA",
        "https:///x",
        "https://a.fbcdn.net/x\r\nHost: evil.com",
        " https://a.fbcdn.net/x",
        "https://a.fbcdn.net:x/",
        "https://a.fbcdn.net:99999/",
        "https://a.fbcdn.net/" + "x" * 5_000,
        "",
    ],
)
def test_nothing_else_is_fetched_from(url: str) -> None:
    assert allowed(url) is None


def test_the_simulator_s_host_is_one_only_where_it_is_named_with_its_port() -> None:
    hosts = ("127.0.0.1:8001",)
    assert allowed("http://127.0.0.1:8001/media/1", hosts) is not None
    assert allowed("http://127.0.0.1:8002/media/1", hosts) is None
    assert allowed("http://127.0.0.1/media/1", hosts) is None
    assert allowed("http://user@127.0.0.1:8001/media/1", hosts) is None
    assert allowed("http://127.0.0.1:8001@evil.com/media/1", hosts) is None
    assert allowed("http://127.0.0.1:8001/media/1") is None


@given(st.text(max_size=40), st.text(alphabet="abc./@:\\#?%[]", max_size=40))
def test_whatever_passes_is_connected_to_at_a_host_of_meta_s(start: str, rest: str) -> None:
    for url in (f"https://{start}{rest}", f"https://{rest}.fbcdn.net/{start}"):
        address = allowed(url)
        if address is not None:
            assert address.scheme == "https"
            assert address.port == 443
            assert address.raw_user is None
            assert (address.raw_host or "").endswith((".fbcdn.net", ".cdninstagram.com"))


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("157.240.0.1", True),
        ("2a03:2880:f003::1", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("192.168.1.1", False),
        ("172.16.0.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False),  # noqa: S104 - an address that must not be connected to
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:157.240.0.1", True),
        ("2002:7f00:1::", False),
        ("not an address", False),
    ],
)
def test_addresses_of_our_own_network_are_not_public(address: str, *, public: bool) -> None:
    assert is_public(address) is public


@dataclass
class Names(aiohttp.abc.AbstractResolver):
    """Resolves every name to these addresses."""

    addresses: tuple[str, ...]

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=one, port=port, family=family, proto=0, flags=0)
            for one in self.addresses
        ]

    async def close(self) -> None:
        """Nothing to close."""


async def test_a_name_that_leads_into_our_own_network_is_not_followed() -> None:
    resolver = PublicResolver(frozenset({"simulator:8001"}))
    resolver._resolver = Names(("157.240.0.1",))  # type: ignore[assignment]
    assert len(await resolver.resolve("a.fbcdn.net", 443)) == 1
    for addresses in (("10.0.0.1",), ("157.240.0.1", "10.0.0.1")):
        resolver._resolver = Names(addresses)  # type: ignore[assignment]
        with pytest.raises(OSError, match="not public"):
            await resolver.resolve("a.fbcdn.net", 443)
    assert len(await resolver.resolve("simulator", 8001)) == 2
