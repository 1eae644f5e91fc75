"""Where the service listens: hosts and ports of this machine."""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping
from contextlib import ExitStack

from vestlus.cli.not_started import HostUnknownError, NotStartedError

#: What is listened on beside the service's port where HAProxy is: by itself on every address of
#: the machine, and by the proxy that it falls back to. Ray's variables for them and its defaults.
HAPROXY_PORTS = {
    "RAY_SERVE_HAPROXY_STATS_PORT": 8404,
    "RAY_SERVE_HAPROXY_METRICS_PORT": 9101,
    "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": 8500,
}
#: A Ray head that does not take a connection for so long is away.
HEAD_SECONDS = 10.0
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - what Ray's HAProxy and the default of `serve` bind
#: What binding says of an address that is not one of this machine's.
_NOT_OURS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)

_Address = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]


def port_is_free(host: str, port: int) -> bool:
    """Whether one could listen there now, on every address that the host has on this machine.

    Raises HostUnknownError, and NotStartedError where this user may not use the port.
    """
    ours = 0
    for family, address in _addresses(host, port):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
        except PermissionError as error:
            raise NotStartedError(f"this user may not listen on port {port}") from error
        except OSError as error:
            if error.errno not in _NOT_OURS:
                return False
        else:
            ours += 1
    if not ours:
        raise HostUnknownError(f"one cannot listen on {host}: it is no address of this machine")
    return True


def free_port(host: str) -> int:
    """A port that nothing listens on now. Raises HostUnknownError."""
    (family, address), *_ = _addresses(host, 0)
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind(address)
            return int(probe.getsockname()[1])
    except OSError as error:
        raise HostUnknownError(f"one cannot listen on {host}: {error.strerror}") from error


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, _Address]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:  # no such name; no name at all
        raise HostUnknownError(
            f"one cannot listen on {host}: there is no such host; VESTLUS_HTTP_HOST names it"
        ) from error
    return [(family, address) for family, _, _, _, address in found]


def haproxy_ports(http_port: int, environ: Mapping[str, str]) -> dict[str, str]:
    """Those of HAProxy's other ports that Ray would take and that are not free, replaced.

    What the environment says stays as it is.
    """
    used = {str(http_port), *(environ[name] for name in HAPROXY_PORTS if name in environ)}
    ports: dict[str, str] = {}
    with ExitStack() as held:
        for name, port in HAPROXY_PORTS.items():
            if name in environ or (str(port) not in used and port_is_free(EVERY_ADDRESS, port)):
                continue
            while (chosen := _held_port(held)) in used:
                pass
            ports[name] = chosen
    return ports


def _held_port(held: ExitStack) -> str:
    """A free port, which stays taken until the stack ends: so the next one differs."""
    probe = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
    probe.bind((EVERY_ADDRESS, 0))
    return str(probe.getsockname()[1])


def check_head(address: str) -> None:
    """Raises OSError where nothing listens at a Ray head's ``host:port``. Ray itself tries for
    minutes. Of addresses of another form, such as ``auto``, nothing is known before.
    """
    host, _, port = address.rpartition(":")
    if host and port.isdecimal() and "/" not in host:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=HEAD_SECONDS):
            return


def reachable(host: str) -> str:
    """The host in an address, for one on this machine."""
    here = {EVERY_ADDRESS: "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{here}]" if ":" in here else here
