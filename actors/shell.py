"""Runs a service inside a Ray actor: on an event loop of its own, in a thread of its own.

Ray's own loop stays free for control calls, the service's loop is not cut into by them, and a
constructor that Ray runs again after a crash starts the service again by itself.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import Any
from uuid import uuid4

import ray
import structlog
import uvloop

from vestlus.hosting.predecessor import host_name
from vestlus.hosting.run import once_reachable
from vestlus.log_errors import place_of, reason_of
from vestlus.logs import configure_logs
from vestlus.store.rows import Member, MemberKind

_log = structlog.get_logger(__name__)

#: Exit status of an actor whose service failed; Ray starts it again.
FAILED_STATUS = 70


class Controls:
    """What a running service and its shell tell each other. Lives on the service's loop."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        #: Set by a service while it opens what it needs. It holds nothing then that would have to
        #: be ended in good order, and is broken off when told to stop.
        self.opening = False
        #: How long work under way may take after ``stop``, seconds.
        self.deadline_seconds = 0.0
        #: Fills in what there is to say about the service.
        self.describe: Callable[[], Mapping[str, Any]] = dict


Service = Callable[[Controls], Awaitable[None]]


class Shell:
    """Starts a service at once; ends the process when the service fails.

    Ending the process is the point: Ray then starts the actor anew, from the store. A service
    that returns without being told to stop counts as failed. One that finds bus or store away
    when it starts is begun again in the same process.
    """

    def __init__(
        self, name: str, service: Service, log_level: str, *, readable: bool = False
    ) -> None:
        configure_logs(log_level, readable=readable)
        self._name = name
        self._service = service
        self._loop: asyncio.AbstractEventLoop | None = None
        self._controls: Controls | None = None
        self._started = threading.Event()
        self._done: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def describe(self, timeout: float) -> dict[str, Any]:
        """What the service says of itself, through its loop: proof that it is not stuck. With the
        processor time that the process has used, and Ray's id of its node.

        Raises TimeoutError when the loop does not answer in that many seconds.
        """
        self._started.wait(timeout)
        if self._loop is None or self._controls is None:
            raise TimeoutError(self._name)
        controls = self._controls
        answer: Future[dict[str, Any]] = Future()
        self._loop.call_soon_threadsafe(lambda: answer.set_result(dict(controls.describe())))
        return {
            "pid": os.getpid(),
            "cpu_seconds": time.process_time(),
            "node": node_id(),
            **answer.result(timeout),
        }

    def drain(self, deadline_seconds: float, patience: float = 12.0) -> None:
        """Tells the service to stop and waits for it. Safe to call twice, and at any time.

        ``patience`` is what may come on top of the deadline, for closing, in seconds. Raises
        TimeoutError after that, and what the service failed with.
        """
        self._started.wait(deadline_seconds + patience)
        if self._loop is not None and self._controls is not None:
            controls = self._controls
            controls.deadline_seconds = deadline_seconds
            with suppress(RuntimeError):  # it has ended, and its loop is closed
                self._loop.call_soon_threadsafe(controls.stop.set)
        self._done.result(deadline_seconds + patience)

    def _run(self) -> None:
        try:
            uvloop.run(self._main())
        except BaseException as failure:  # noqa: BLE001 - whatever it is, the process must not live on
            error = failure
            while isinstance(error, BaseExceptionGroup):
                error = error.exceptions[0]
            _log.critical(
                "service_failed",
                service=self._name,
                error=type(error).__name__,
                place=place_of(error),
                reason=reason_of(error),
            )
            os._exit(FAILED_STATUS)
        self._done.set_result(None)

    async def _main(self) -> None:
        self._controls = Controls()
        self._loop = asyncio.get_running_loop()
        self._started.set()
        controls = self._controls
        service = asyncio.ensure_future(
            once_reachable(lambda: self._service(controls), controls.stop)
        )
        stop = asyncio.create_task(controls.stop.wait(), name="stop")
        await asyncio.wait({service, stop}, return_when=asyncio.FIRST_COMPLETED)
        if controls.opening and not service.done():
            service.cancel()
        await asyncio.wait({service})
        stop.cancel()
        if not service.cancelled():
            service.result()
        if not controls.stop.is_set():
            message = f"{self._name} ended by itself"
            raise RuntimeError(message)


def node_id() -> str:
    """Ray's id of the node on which this process runs; empty outside Ray."""
    return ray.get_runtime_context().get_node_id() if ray.is_initialized() else ""


def new_member(member_id: str, kind: MemberKind) -> Member:
    """This process as a member of the service, with a new incarnation."""
    incarnation = f"{time.time_ns():x}-{uuid4().hex[:8]}"
    return Member(member_id, kind, incarnation, host_name(), os.getpid())
