"""Told to stop: what the signals of a terminal, of systemd and of Kubernetes mean."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Stop:
    """Set by SIGINT, SIGTERM and SIGHUP. A second SIGINT or SIGTERM raises KeyboardInterrupt: it
    ends at once what the first one ends in good order.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._interrupts = False
        #: What is looked at while one waits. May raise, which ends the waiting.
        self.watch: Callable[[], None] = _nothing_to_watch

    def listen(self) -> None:
        """Takes the signals over; again after Ray has taken them."""
        signal.signal(signal.SIGINT, self._heard)
        signal.signal(signal.SIGTERM, self._heard)
        # Under nohup it is ignored, and stays so.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self._heard)

    def _heard(self, number: int, _: FrameType | None) -> None:
        # A terminal that is closed says so twice: the kernel does, and the shell.
        again = self._event.is_set() and number != signal.SIGHUP
        interrupts = again or (self._interrupts and not self._event.is_set())
        self._event.set()
        if interrupts:
            raise KeyboardInterrupt

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Meanwhile the first signal raises KeyboardInterrupt too: for calls that take long."""
        self.check()
        self._interrupts = True
        try:
            yield
        finally:
            self._interrupts = False

    @staticmethod
    def deafen() -> None:
        """No signal that can be ignored interrupts any more: for an end that is short."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)

    @property
    def heard(self) -> bool:
        """Whether to stop."""
        return self._event.is_set()

    def check(self) -> None:
        """Raises KeyboardInterrupt when told to stop: for before there is anything to drain.

        Raises what :attr:`watch` raises, too.
        """
        if self.heard:
            raise KeyboardInterrupt
        self.watch()

    def wait(self) -> None:
        """Waits for a signal. Raises what :attr:`watch` raises."""
        # In slices: a wait without end would keep Python from running the signal handler.
        while not self._event.wait(0.5):
            self.watch()


def _nothing_to_watch() -> None:
    """Before there is anything."""
