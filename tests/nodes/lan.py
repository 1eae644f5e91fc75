"""Where nodes run: each in network, process and mount namespaces of its own, or all on 127.0.0.1.

With namespaces every node has its own address and its own process ids, as hosts have: what a
process of another node knows of it, it knows over the network. They need Linux and root. Without
them nodes are processes of this machine that share its address.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self
from uuid import uuid4

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Place:
    """Where one node runs."""

    name: str
    address: str
    #: What stands before its command.
    prefix: tuple[str, ...] = ()
    #: The end of its cable at the switch; empty where it has none.
    cable: str = ""


class Lan(Protocol):
    """A network of places. Used as a context; leaving takes the places away."""

    #: What was found of the platform, for people.
    told: str
    #: Where servers of this machine are reached from a place.
    gateway: str

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def place(self, name: str) -> Place:
        """A new place, or the one of that name."""

    def unplug(self, place: Place) -> None:
        """From now on no packet leaves or reaches it, as when its power is cut.

        Nothing happens where places have no cables.
        """


class OneAddress:
    """All on 127.0.0.1."""

    told = "nodes share one address and one process namespace"
    gateway = LOOPBACK

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return

    def place(self, name: str) -> Place:
        """As :class:`Lan` says."""
        return Place(name, LOOPBACK)

    def unplug(self, place: Place) -> None:
        """Has no cables."""


class Namespaces:
    """A bridge, and at it a namespace for each place."""

    told = "each node has network, process and mount namespaces of its own"

    def __init__(self) -> None:
        # A name of an interface has 15 letters at most.
        self._id = uuid4().hex[:5]
        self._net = f"10.{self._byte(0)}.{self._byte(1)}"
        self._bridge = f"v{self._id}"
        self._places: dict[str, Place] = {}
        self._stack = ExitStack()
        self.gateway = f"{self._net}.1"

    def _byte(self, at: int) -> int:
        return 16 + int(self._id[2 * at : 2 * at + 2], 16) % 200

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            _ip("link", "add", self._bridge, "type", "bridge")
            stack.callback(_ip, "link", "del", self._bridge)
            _ip("addr", "add", f"{self.gateway}/24", "dev", self._bridge)
            _ip("link", "set", self._bridge, "up")
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def place(self, name: str) -> Place:
        """As :class:`Lan` says."""
        if name in self._places:
            _ip("link", "set", self._places[name].cable, "up")
            return self._places[name]
        number = len(self._places) + 2
        space, cable, inside = (f"{word}{self._id}{number}" for word in ("vn", "vc", "vi"))
        address = f"{self._net}.{number}"
        _ip("netns", "add", space)
        # Its end of the cable goes with it, and the other end with that.
        self._stack.callback(_ip, "netns", "del", space)
        _ip("link", "add", cable, "type", "veth", "peer", "name", inside, "netns", space)
        _ip("link", "set", cable, "master", self._bridge, "up")
        _ip("-n", space, "addr", "add", f"{address}/24", "dev", inside)
        _ip("-n", space, "link", "set", inside, "up")
        _ip("-n", space, "link", "set", "lo", "up")
        _ip("-n", space, "route", "add", "default", "via", self.gateway)
        enter = ("ip", "netns", "exec", space)
        alone = ("unshare", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc")
        self._places[name] = Place(name, address, (*enter, *alone), cable)
        return self._places[name]

    def unplug(self, place: Place) -> None:
        """As :class:`Lan` says."""
        _ip("link", "set", place.cable, "down")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)  # noqa: S607 - words of this module


def lan(*, namespaces: bool | None = None) -> Lan:
    """Namespaces where the platform allows them; or what is asked for."""
    if namespaces is None:
        namespaces = allowed()
    return Namespaces() if namespaces else OneAddress()


def allowed() -> bool:
    """Whether this platform lets us make namespaces, which is tried."""
    tools = all(shutil.which(tool) for tool in ("ip", "unshare", "nsenter"))
    if sys.platform != "linux" or os.geteuid() != 0 or not tools:
        return False
    try:
        with Namespaces() as tried:
            place = tried.place("tried")
            subprocess.run([*place.prefix, "true"], check=True, capture_output=True)
    except subprocess.CalledProcessError:
        return False
    return True
