"""Doorbells between processes on one machine: datagrams on local sockets.

A ring is a hint and may be lost; whoever waits for one also looks from time to time. It carries
the name of the queue that has something new, or nothing. A full bell takes no more rings: whoever
answers one that may have been full looks at all queues.
"""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

#: Bytes that a local socket's address may have: 104 on macOS, 108 on Linux, with a final zero.
ADDRESS_BYTES = 100


#: Rings that a bell surely holds: Linux keeps 10 by default, macOS 4 KiB.
SURELY_HELD = 8

#: Bytes of a ring: a queue's name.
RING_BYTES = 256


class Doorbell:
    """One socket to listen on and to ring others from."""

    def __init__(
        self, folder: Path, token: str, on_ring: Callable[[Collection[str]], None]
    ) -> None:
        """Nothing is opened yet; ``on_ring`` will be called in the event loop, with the names of
        the queues that were rung for; with none of them when it may have been any.

        The socket lies in ``folder`` or, where that makes its address too long, in the folder
        for temporary files.
        """
        self._path = folder.absolute() / f"{token}.bell"
        if len(os.fsencode(self._path)) > ADDRESS_BYTES:
            self._path = Path(tempfile.gettempdir()) / f"vestlus-{token}.bell"
        self._on_ring = on_ring
        self._socket: socket.socket | None = None
        self._listening = False

    @property
    def address(self) -> str:
        """What others ring, empty when this process cannot be rung."""
        return str(self._path) if self._listening else ""

    def open(self) -> None:
        """Listens, where the system lets us; otherwise this process can only ring others."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            self._socket.bind(str(self._path))
        except OSError as error:
            log.warning("bus_doorbell_not_opened", error=type(error).__name__)
            return
        self._listening = True
        asyncio.get_running_loop().add_reader(self._socket, self._answer)

    def close(self) -> None:
        """Stops listening. Safe to call twice."""
        bell, self._socket = self._socket, None
        if bell is None:
            return
        if self._listening:
            self._listening = False
            asyncio.get_running_loop().remove_reader(bell)
            self._path.unlink(missing_ok=True)
        bell.close()

    def ring(self, address: str, queue: str = "") -> None:
        """Rings another process, or this one; ``queue`` has something new."""
        if self._socket is None or not address:
            return
        # The bell is full, or its owner has gone, perhaps a second ago, at every publish. Either
        # way nobody waits for this ring, and whoever comes next looks first.
        with suppress(OSError):
            self._socket.sendto(queue.encode(), address)

    def _answer(self) -> None:
        if self._socket is None:
            return
        rings: list[bytes] = []
        try:
            while True:
                rings.append(self._socket.recv(RING_BYTES))
        except BlockingIOError:
            which = {ring.decode(errors="replace") for ring in rings}
            # Others may have rung while it was full, and one without a name means any.
            self._on_ring(() if len(rings) >= SURELY_HELD or "" in which else which)
