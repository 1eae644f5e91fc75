"""What about a set-up is unsafe, though it works: short secrets, open ports, plain connections."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from vestlus.doctor.findings import Finding, Level
from vestlus.settings import Settings
from vestlus.settings_events import event_source
from vestlus.settings_secrets import SHORTEST_KEY, SHORTEST_TOKEN

#: Different characters in a random secret of that length; fewer look typed.
_LEAST_DIFFERENT: Final = 8

#: Ports on which the control of the service listens, none of which knows a password; Ray's own
#: pages: "Configuring Ray", "Serve: HAProxy".
CONTROL_PORTS: Final[Mapping[int, str]] = {
    6379: "Ray's control store",
    8265: "Ray's dashboard and jobs",
    10001: "Ray's client server",
    8404: "HAProxy's statistics",
    9101: "HAProxy's measures",
}

#: How long one port of this machine is waited for.
_CONNECT_SECONDS: Final = 1.0

_MAKE_ONE: Final = "make one: `python3 -c 'import secrets; print(secrets.token_urlsafe(32))'`"

#: Whether something listens at that address and port.
Listens = Callable[[str, int], Awaitable[bool]]


async def check_safety(
    settings: Settings,
    *,
    listens: Listens | None = None,
    own_address: Callable[[], str | None] | None = None,
) -> list[Finding]:
    """What should not stay as it is; one finding that says so where nothing is found."""
    address = (own_address or outward_address)()
    ports = await _open_ports(address, listens or _listens) if address else []
    findings = [*_secrets(settings), *_connections(settings), *_files(settings), *ports]
    return findings or [Finding("safety", Level.OK, "nothing unsafe was found")]


def _warn(said: str, mend: str) -> Finding:
    return Finding("safety", Level.WARN, said, mend)


def _secrets(settings: Settings) -> Iterator[Finding]:
    """Never tells any of them."""
    key = settings.encryption_key.get_secret_value() if settings.encryption_key else ""
    # That it is missing, the settings' own finding says.
    if key and (len(key) < SHORTEST_KEY or _looks_typed(key)):
        yield _warn("VESTLUS_ENCRYPTION_KEY is short or easily guessed", _MAKE_ONE)
    shown: dict[str, str] = {}
    for name, secret in _incoming(settings):
        if len(secret) < SHORTEST_TOKEN or _looks_typed(secret):
            said = f"{name} is short or easily guessed; it has {len(secret)} characters"
            yield _warn(said, _MAKE_ONE)
        elif secret in shown:
            yield _warn(f"{name} is the same as {shown[secret]}", "give each its own")
        shown.setdefault(secret, name)


def _incoming(settings: Settings) -> Iterator[tuple[str, str]]:
    """Secrets with which others are let in. Meta makes the app's."""
    if settings.operator_token:
        yield "VESTLUS_OPERATOR_TOKEN", settings.operator_token.get_secret_value()
    for entry in settings.event_tokens:
        source, token = event_source(entry)
        yield f"the token of {source} in VESTLUS_EVENT_TOKENS", token


def _looks_typed(secret: str) -> bool:
    return len(set(secret)) < _LEAST_DIFFERENT


def _connections(settings: Settings) -> Iterator[Finding]:
    for name, url, encrypted in (
        # Of the public address the check that asks there says it.
        ("VESTLUS_GRAPH_URL", settings.graph_url, {"https"}),
        ("OPENAI_BASE_URL", settings.openai_base_url, {"https"}),
        ("VESTLUS_MEDIA_URL", settings.media_url, {"https", "file"}),
        ("VESTLUS_BUS_URL", settings.bus_url, {"amqps", "sqlite"}),
    ):
        parts = urlsplit(url or "")
        if url and parts.scheme not in encrypted and not _is_near(parts):
            mend = f"use {' or '.join(sorted(encrypted - {'file', 'sqlite'}))}://"
            yield _warn(f"{name} is not encrypted on its way ({parts.scheme}://)", mend)
    database = urlsplit(settings.database_url or "")
    if database.scheme == "postgresql" and not _is_near(database) and "ssl" not in database.query:
        said = "VESTLUS_DATABASE_URL does not ask for an encrypted connection"
        yield _warn(said, "add ?sslmode=verify-full, or ?sslmode=require at least")
    for name, url in (
        ("VESTLUS_BUS_URL", settings.bus_url),
        ("VESTLUS_DATABASE_URL", settings.database_url),
    ):
        parts = urlsplit(url or "")
        known = {("guest", "guest"), ("postgres", "postgres")}
        if (parts.username, parts.password) in known and not _is_near(parts):
            yield _warn(f"{name} has the password that everybody knows", "set another one")


def _is_near(parts: SplitResult) -> bool:
    """Whether it does not leave this machine."""
    host = parts.hostname or "localhost"
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _files(settings: Settings) -> Iterator[Finding]:
    """Embedded stores hold what users wrote."""
    folder = Path(settings.data_dir)
    for one in (folder, folder / "store.sqlite", folder / "bus.sqlite"):
        with suppress(OSError):
            if one.stat().st_mode & 0o007 and not _is_closed(folder):
                name = "VESTLUS_DATA_DIR" if one == folder else f"{one.name} in VESTLUS_DATA_DIR"
                said = f"{name} may be read by everybody on this machine"
                yield _warn(said, f"`chmod -R o-rwx {settings.data_dir}`")
                return


def _is_closed(folder: Path) -> bool:
    return not folder.stat().st_mode & 0o007


async def _open_ports(address: str, listens: Listens) -> list[Finding]:
    seen = await asyncio.gather(*(listens(address, port) for port in CONTROL_PORTS))
    open_ = [port for port, is_open in zip(CONTROL_PORTS, seen, strict=True) if is_open]
    if not open_:
        return []
    names = ", ".join(f"{port} ({CONTROL_PORTS[port]})" for port in open_)
    said = f"these listen on this machine's address for others: {names}"
    mend = "let a firewall or network policy close them to all but this cluster: docs/security.md"
    return [_warn(said, mend)]


async def _listens(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


def outward_address() -> str | None:
    """This machine's address as others see it, where it has one. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # An address kept for documentation (RFC 5737): only the way to it is looked up.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address: str = probe.getsockname()[0]
    return None if ipaddress.ip_address(address).is_loopback else address
