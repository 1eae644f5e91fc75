"""When a request arrived at this process's socket, and not when its turn came to be read.

A process that shares its processors with others reads in bunches what came evenly. Linux notes for
each packet when it came in (SO_TIMESTAMPNS, socket(7)); elsewhere the moment of reading has to do.
"""

import socket
import struct
import sys
import time
from typing import Self
from weakref import WeakValueDictionary

from aiohttp import web

# Linux's number of the option and of the message that bears the time, asm-generic/socket.h.
SO_TIMESTAMPNS = 35
TIMESPEC = struct.Struct("@ll")
ANCILLARY_BYTES = 64


class _Timed(socket.socket):
    """A connection, or the socket that accepts connections, that notes when its data came in."""

    arrivals: "Arrivals"
    #: By `time.time()`.
    arrived: float = 0.0

    @classmethod
    def of(cls, plain: socket.socket, arrivals: "Arrivals") -> Self:
        """Take over a socket, whose own object is void from then on."""
        family, kind, protocol = plain.family, plain.type, plain.proto
        timed = cls(family, kind, protocol, fileno=plain.detach())
        timed.arrivals = arrivals
        return timed

    def accept(self) -> tuple[socket.socket, object]:
        """Accept a connection and have its data's times noted."""
        plain, address = super().accept()
        connection = type(self).of(plain, self.arrivals)
        connection.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.arrivals.connections[connection.fileno()] = connection
        return connection, address

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Receive, and note when the newest of it came in."""
        data, notes, _, _ = self.recvmsg(size, ANCILLARY_BYTES, flags)
        self.arrived = time.time()
        for level, kind, value in notes:
            if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                seconds, nanoseconds = TIMESPEC.unpack_from(value)
                self.arrived = min(self.arrived, seconds + nanoseconds / 1e9)
        return data


class Arrivals:
    """Tells when requests arrived."""

    def __init__(self) -> None:
        # By the number of the file.
        self.connections: WeakValueDictionary[int, _Timed] = WeakValueDictionary()

    def listening(self, plain: socket.socket) -> socket.socket:
        """Return the socket to listen on in place of the given one."""
        return _Timed.of(plain, self) if sys.platform == "linux" else plain

    def seconds_ago(self, request: web.Request) -> float:
        """Return how long ago the last byte read of a request came in."""
        transport = request.transport
        handle = None if transport is None else transport.get_extra_info("socket")
        timed = None if handle is None else self.connections.get(handle.fileno())
        return max(0.0, time.time() - timed.arrived) if timed and timed.arrived else 0.0
