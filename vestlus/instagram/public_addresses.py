"""Keeps what is fetched out of our own network."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult


class PublicResolver(AbstractResolver):
    """Gives no address inside our own network, whatever a name server says.

    ``exempt``: what is let through all the same, each ``host:port``.
    """

    def __init__(self, exempt: Collection[str]) -> None:
        self._exempt = exempt
        self._resolver = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a host. Raises OSError when one of them is not a public one."""
        found = await self._resolver.resolve(host, port, family)
        exempt = f"{host.lower()}:{port}" in self._exempt
        if not exempt and not all(is_public(one["host"]) for one in found):
            raise OSError("the name has an address that is not public")
        return found

    async def close(self) -> None:
        """See AbstractResolver."""
        await self._resolver.close()


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, and of a single host."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast
