"""Where somebody may be led, and where a request came from."""

from __future__ import annotations

from urllib.parse import unquote, urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vestlus.console.addresses import local, source_of

PAGE = "https://console.example/console/sign-in"


@given(st.text() | st.text(alphabet="/\\.%2eE?#@:console[]\t\n\r htps"))
@example("//[")
@example("/console//elsewhere.example")
@example("/console/../webhook")
@example("/console/%2e%2E/webhook")
@example("/console/.%2e/webhook")
@example("/console\\@elsewhere.example")
@example("/console\t/x")
@example("/console?next=//elsewhere.example")
@example("\ud800")
def test_whatever_a_link_asks_for_leads_to_the_console(path: str) -> None:
    found = local(path)
    led = urlsplit(urljoin(PAGE, found))
    assert (led.scheme, led.netloc) == ("https", "console.example")
    assert led.path == "/console" or led.path.startswith("/console/")
    assert not {".", ".."} & {unquote(one) for one in led.path.split("/")}
    assert found.isprintable()


@pytest.mark.parametrize(
    "path",
    ["/console", "/console?x=1", "/console/posts/a%3Ab?day=2026-12-01#d", "/console/conversations"],
)
def test_pages_of_the_console_are_led_to(path: str) -> None:
    assert local(path) == path


ADDRESSES = st.ip_addresses().map(str)


@given(peer=ADDRESSES, forged=st.lists(st.text(), min_size=1))
def test_without_proxies_of_ours_nothing_that_was_forwarded_is_believed(
    peer: str, forged: list[str]
) -> None:
    assert source_of(peer, forged, 0) is None


@given(forged=st.lists(st.text()), client=ADDRESSES, proxies=st.lists(ADDRESSES, max_size=3))
def test_behind_proxies_what_the_outermost_of_them_saw_counts_whatever_was_forged(
    forged: list[str], client: str, proxies: list[str]
) -> None:
    seen = source_of("10.0.0.1", [*forged, client, *proxies], len(proxies) + 1)
    assert seen is not None
    assert seen == source_of(client, [], 0)


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "source"),
    [
        ("192.0.2.7", [], 0, "192.0.2.7"),
        ("::ffff:192.0.2.7", [], 0, "192.0.2.7"),
        ("2001:db8:1:2:3::4", [], 0, "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::4", [], 0, "2001:db8:1:2::/64"),
        ("10.0.0.1", ["192.0.2.7"], 2, None),
        ("10.0.0.1", [" [2001:db8::1] "], 1, "2001:db8::/64"),
        ("10.0.0.1", ["unknown"], 1, None),
        ("", [], 0, None),
    ],
)
def test_sources_are_told_apart(
    peer: str, forwarded: list[str], proxies: int, source: str | None
) -> None:
    assert source_of(peer, forwarded, proxies) == source
