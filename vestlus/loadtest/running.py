"""One load test from start to end: everything is started, watched and ended here."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vestlus.cli.stopping import Stop
from vestlus.loadtest.children import Child, helper, wait_until_ready
from vestlus.loadtest.files import Files
from vestlus.loadtest.machine import machine
from vestlus.loadtest.options import LoadTestError, Options
from vestlus.loadtest.parts import Parts, living_processes
from vestlus.loadtest.places import Local, Remote
from vestlus.loadtest.progress import shown
from vestlus.loadtest.recording import Recording
from vestlus.loadtest.result import result

Say = Callable[[str], None]

#: How long a helper may take to say that it is there, and a service to answer first messages.
HELPER_SECONDS = 60.0
PATIENCE_SECONDS = 120.0
#: The generator says something every second while it writes.
SILENCE_SECONDS = 60.0


def run_load_test(options: Options, stop: Stop, say: Say) -> dict[str, Any]:
    """Runs it and returns the result, also of a run that was ended early.

    Raises LoadTestError when it cannot be run, and KeyboardInterrupt when told to stop before the
    first message. Nothing is left running.
    """
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(
                tempfile.TemporaryDirectory(prefix="vestlus-loadtest-", ignore_cleanup_errors=True)
            )
        )
        place = Remote(options) if options.target else Local(options)
        place.prepare(folder)
        facts = machine() | asyncio.run(place.versions())
        # What users' ids and messages' ids are made of: other ones each time.
        run = f"9{secrets.randbelow(10**8):08}"
        graph, model = stack.enter_context(_simulator(options, place, run, folder))
        generator = stack.enter_context(
            helper("generator", ["vestlus.simulator.load"], os.environ, folder)
        )
        generator.say(json.dumps(_plan(options, place, run)))
        _expect(generator, "ready", HELPER_SECONDS)
        roots = {
            "generator": generator.pid,
            "pretend Graph": graph.pid,
            "pretend model": model.pid,
            **dict(options.watch),
        }
        child = place.start(stack, folder)
        say(place.announcement(options))
        wait_until_ready(child, place.address, stop.check)
        say("The first messages …")
        parts = Parts(roots, service=None if child is None else child.pid, read=living_processes)
        generator.say("go")
        recording = Recording(place.burst_wait_seconds)
        files = Files(place.data_folder)
        watched = _Watched(generator, child, recording, parts, files)
        started, ended, broken = _follow(watched, stop, options.seconds, say)
        found = result(
            options,
            recording,
            parts,
            files,
            ended=ended,
            started_at=started,
            machine=facts,
            burst_wait_seconds=place.burst_wait_seconds,
            broken=broken,
        )
        say("Ending what was started …")
    return found


@dataclass(frozen=True, slots=True)
class _Watched:
    """What is followed through a run; ``service`` is None where it is somewhere else."""

    generator: Child
    service: Child | None
    recording: Recording
    parts: Parts
    files: Files


def _follow(
    watched: _Watched, stop: Stop, seconds: float, say: Say
) -> tuple[float, dict[str, Any] | None, str]:
    """Reads the generator's lines to the end; when it started, its last line, what broke."""
    generator, child = watched.generator, watched.service
    recording, parts = watched.recording, watched.parts
    first = _expect(generator, "started", PATIENCE_SECONDS + 60, stop)
    parts.look(time.monotonic())
    told = False
    with shown(say, seconds) as show:
        heard = time.monotonic()
        while True:
            if stop.heard and not told:
                generator.say("stop")
                told = True
            line = generator.line(0.25)
            if child is not None and child.process.poll() is not None:
                return first["at"], None, f"the service ended by itself:\n{child.tail()}"
            if line is None:
                if time.monotonic() - heard > SILENCE_SECONDS:
                    raise LoadTestError(f"the generator says nothing:\n{generator.tail()}")
                continue
            heard = time.monotonic()
            if line["kind"] == "ended":
                return first["at"], line, ""
            if line["kind"] == "refused":
                raise LoadTestError(str(line["problem"]))
            recording.add(line)
            parts.look(time.monotonic())
            watched.files.look()
            show(recording, parts)


def _expect(child: Child, kind: str, seconds: float, stop: Stop | None = None) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if stop is not None:
            stop.check()
        line = child.line(0.25)
        if line is None:
            continue
        if line.get("kind", kind) == kind:
            return line
        raise LoadTestError(str(line.get("problem", line)))
    raise LoadTestError(f"{child.log.stem} said nothing within {seconds:.0f} s:\n{child.tail()}")


@contextmanager
def _simulator(
    options: Options, place: Local | Remote, run: str, folder: Path
) -> Iterator[tuple[Child, Child]]:
    """Pretend Graph and pretend model, each in a process of its own."""
    secret: Mapping[str, str] = {
        "VESTLUS_SIMULATOR_APP_SECRET": place.known.app_secret,
        "VESTLUS_SIMULATOR_ACCESS_TOKEN": place.known.access_token,
    }
    common = ["vestlus.simulator", "--host", options.listen, "--until-stdin-closes"]
    with ExitStack() as stack:
        found = [
            stack.enter_context(
                helper(
                    half,
                    [
                        *common,
                        *("--only", half, "--port", str(port), "--seed", str(options.seed)),
                        *("--run", run, "--data", str(folder / f"{half}.sqlite")),
                        *arguments,
                    ],
                    {**os.environ, **secret},
                    folder,
                )
            )
            for half, port, arguments in (
                (
                    "graph",
                    place.graph_port,
                    [
                        *("--webhook-url", f"{place.address}/webhook"),
                        *(word for one in place.accounts for word in ("--account-id", one)),
                    ],
                ),
                ("model", place.model_port, []),
            )
        ]
        for child in found:
            _expect(child, "", HELPER_SECONDS)
        graph, model = found
        yield graph, model


def _plan(options: Options, place: Local | Remote, run: str) -> dict[str, Any]:
    here = "127.0.0.1" if options.listen in {"0.0.0.0", "::"} else options.listen  # noqa: S104
    return {
        "run": run,
        "webhook_url": f"{place.address}/webhook",
        "graph_url": f"http://{here}:{place.graph_port}",
        "model_url": f"http://{here}:{place.model_port}",
        "app_secret": place.known.app_secret,
        "accounts": list(place.accounts),
        "users": options.users,
        "rate": options.rate,
        "seconds": options.seconds,
        "seed": options.seed,
        "spread": options.spread,
        "burst_size": options.burst_size,
        "burst_every": options.burst_every,
        "pictures": options.pictures,
        "per_post": options.per_post,
        "drain": options.drain,
        "patience": PATIENCE_SECONDS,
        "model_latency": options.model_latency.to_control(),
        "faults": list(options.faults),
    }
