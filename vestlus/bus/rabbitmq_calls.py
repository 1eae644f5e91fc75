"""Calls to the RabbitMQ client library, with its failures made plain.

The connections and channels are those of aiormq, the layer that aio-pika is built on. aio-pika's
own add reconnecting behind their user's back, which :mod:`vestlus.bus.rabbitmq_link` does in the
open, and finalizers that start tasks whenever memory is collected.

When a connection breaks, the library cancels what waits on it: a caller then sees a
``CancelledError`` although nobody cancelled it. So every call runs in a task of its own, and
what that task ended with is translated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

import aiormq
import structlog
from aio_pika.exceptions import CONNECTION_EXCEPTIONS
from aiormq.abc import AbstractChannel, AbstractConnection

from vestlus.errors import BusUnavailable
from vestlus.finishing import to_its_end
from vestlus.log_errors import error_fields

log = structlog.get_logger(__name__)

T = TypeVar("T")

#: What the library raises when the broker or the way to it is at fault. ``RuntimeError`` is in
#: it: the library raises it for channels and connections that are closed already.
BROKER_ERRORS = (*CONNECTION_EXCEPTIONS, TimeoutError)


async def call_broker(what: str, waiting: Awaitable[T], timeout: float) -> T:  # noqa: ASYNC109 - the task must outlive neither the deadline nor the caller
    """Awaits one call for at most ``timeout`` seconds.

    ``what`` says in a few words what was tried. Raises BusUnavailable for every failure of the
    broker or the connection, with the library's error as its cause.
    """
    task = asyncio.ensure_future(waiting)
    try:
        await asyncio.wait({task}, timeout=timeout)
    finally:
        if not task.done():
            task.add_done_callback(_forget)
            task.cancel()
    if not task.done():
        message = f"{what}: no answer within {timeout:g} s"
        raise BusUnavailable(message)
    if task.cancelled():
        message = f"{what}: the connection went away"
        raise BusUnavailable(message)
    error = task.exception()
    if isinstance(error, BROKER_ERRORS):
        message = f"{what}: {type(error).__name__}"
        raise BusUnavailable(message) from error
    return task.result()


async def connect(url: str, timeout: float) -> AbstractConnection:  # noqa: ASYNC109 - as above
    """Connects within ``timeout`` seconds. Raises BusUnavailable."""
    return await call_broker("connect", aiormq.connect(url), timeout)


async def open_channel(connection: AbstractConnection, timeout: float) -> AbstractChannel:  # noqa: ASYNC109 - as above
    """Opens a channel on which an unroutable publish raises. Raises BusUnavailable."""
    opening = connection.channel(on_return_raises=True)
    return await call_broker("open a channel", opening, timeout)


async def close_channel(what: str, channel: AbstractChannel, timeout: float) -> None:  # noqa: ASYNC109 - as above
    """Closes a channel that may be broken already, whoever gives up waiting for it.

    One that is not closed keeps its consumer at the broker, which goes on giving it what nobody
    takes. The library sends a second Close when it is cancelled after the first, for which the
    broker ends the whole connection: so what takes too long is left to end with the connection.
    """
    await to_its_end(close_quietly(what, to_its_end(channel.close()), timeout))


async def close_quietly(what: str, closing: Awaitable[None], timeout: float) -> None:  # noqa: ASYNC109 - as above
    """Closes what may be broken already; that it could not be closed is only logged.

    The broker closes it when it notices that the connection is gone.
    """
    try:
        await call_broker(f"close {what}", closing, timeout)
    except BusUnavailable as error:
        log.info("bus_not_closed", what=what, **error_fields(error))


def _forget(task: asyncio.Future[Any]) -> None:
    """Reads the end of a task that nobody waits for, so that asyncio does not report it."""
    if not task.cancelled():
        task.exception()
