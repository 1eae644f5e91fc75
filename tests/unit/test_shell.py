"""The shell of an actor: a service that is told to stop ends, whatever it is doing."""

from __future__ import annotations

import asyncio
import threading

import pytest

from actors.shell import Controls, Shell


def test_a_service_that_has_not_begun_to_serve_is_broken_off() -> None:
    opening, closed = threading.Event(), threading.Event()

    async def service(controls: Controls) -> None:
        controls.opening = True
        opening.set()
        try:
            await asyncio.Event().wait()
        finally:
            closed.set()

    shell = Shell("opening", service, "INFO")
    assert opening.wait(10)
    shell.drain(30.0)
    assert closed.is_set()


def test_a_service_that_serves_is_let_end_in_its_time() -> None:
    done: list[float] = []

    async def service(controls: Controls) -> None:
        await controls.stop.wait()
        await asyncio.sleep(0.05)
        done.append(controls.deadline_seconds)

    shell = Shell("serving", service, "INFO")
    shell.drain(7.0)
    shell.drain(7.0)
    assert done == [7.0]


def test_a_service_that_does_not_end_is_told_of() -> None:
    go = threading.Event()

    async def service(controls: Controls) -> None:
        await controls.stop.wait()
        await asyncio.to_thread(go.wait)

    shell = Shell("stuck", service, "INFO")
    with pytest.raises(TimeoutError):
        shell.drain(0.1, patience=0.1)
    go.set()
    shell.drain(10.0)
