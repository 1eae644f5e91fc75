"""Where a request came to, where it came from, and where somebody may be led."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final
from urllib.parse import unquote, urlsplit

from starlette.requests import Request

from vestlus.settings import Settings

HOME: Final = "/console"
_LONGEST: Final = 2_000
#: Whoever has one address of IPv6 has all of such a network (RFC 6177).
_IPV6_BITS: Final = 64


def local(path: str) -> str:
    """That path where it leads to a page of the console, else the overview: no address that
    somebody put into a link leads elsewhere.
    """
    ours = path == HOME or path.startswith((f"{HOME}/", f"{HOME}?"))
    # Browsers read a backslash as a slash: "/\\host" is another host.
    plain = "\\" not in path and path.isprintable() and len(path) <= _LONGEST
    if not (ours and plain):
        return HOME
    steps = path.partition("?")[0].partition("#")[0].split("/")
    return HOME if any(unquote(step) in {".", ".."} for step in steps) else path


def asked_for(request: Request) -> str:
    """The path and the query of a request, to come back to."""
    query = request.scope.get("query_string", b"").decode("latin-1")
    return f"{request.scope['path']}?{query}" if query else str(request.scope["path"])


def host_of(request: Request) -> str:
    """The name of the host that was asked, empty where none can be read."""
    try:
        return request.url.hostname or ""
    except ValueError:  # a Host header that is no host
        return ""


def is_loopback(request: Request) -> bool:
    """Whether the browser spoke plain HTTP to this very machine, as in the demo."""
    host = host_of(request)
    if request.scope.get("scheme") != "http":
        return False
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_https(request: Request, settings: Settings) -> bool:
    """Whether browsers reach that host by HTTPS, as far as can be told behind a proxy."""
    if request.scope.get("scheme") == "https":
        return True
    host = host_of(request)
    return any(
        parts.scheme == "https" and parts.hostname == host
        for parts in map(urlsplit, _published(settings))
    )


def is_own(request: Request, settings: Settings) -> bool:
    """Whether a page of ours sent it, as the browser says (the Fetch standard, "Origin")."""
    origin = request.headers.get("origin")
    if origin is None or origin == "null":
        return False
    try:
        sent_by = urlsplit(origin)
    except ValueError:  # no origin of a browser's
        return False
    if sent_by.netloc == request.headers.get("host"):
        return True
    # A proxy may have put another name into Host.
    return any(
        (sent_by.scheme, sent_by.netloc) == (parts.scheme, parts.netloc)
        for parts in map(urlsplit, _published(settings))
    )


def console_address(request: Request, settings: Settings) -> str:
    """Scheme and host by which browsers reach the console."""
    for address in _published(settings):
        parts = urlsplit(address)
        return f"{parts.scheme}://{parts.netloc}"
    scheme = "http" if is_loopback(request) else "https"
    return f"{scheme}://{request.headers.get('host', '')}"


def _published(settings: Settings) -> tuple[str, ...]:
    found = (settings.sign_in.console_url, settings.public_url)
    return tuple(address for address in found if address)


def source_of(peer: str, forwarded: Sequence[str], proxies: int) -> str | None:
    """The address that a request came from, where it can be told.

    ``peer`` is whoever opened the connection, ``forwarded`` the entries of ``X-Forwarded-For``.
    Each of our ``proxies`` added one on the right; what stands further left anybody may have
    written. Without proxies of ours, a request that was forwarded may be from anywhere.
    """
    if proxies == 0:
        found = None if forwarded else peer
    else:
        found = forwarded[-proxies] if len(forwarded) >= proxies else None
    try:
        address = ip_address((found or "").strip().strip("[]"))
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(ip_network((address, _IPV6_BITS), strict=False))
    return str(getattr(address, "ipv4_mapped", None) or address)


def source(request: Request, settings: Settings) -> str | None:
    """See :func:`source_of`.

    Ray's HAProxy opens the connections to us itself and adds no ``X-Forwarded-For`` (Ray 2.60,
    ``serve/_private/haproxy_templates.py``): behind it nothing tells where a request came from,
    unless a proxy of ours before it does.
    """
    proxies = settings.sign_in.proxies
    if proxies == 0 and settings.ingress == "haproxy":
        return None
    entries = ",".join(request.headers.getlist("x-forwarded-for"))
    forwarded = [one for one in entries.split(",") if one.strip()]
    return source_of(request.client.host if request.client else "", forwarded, proxies)
