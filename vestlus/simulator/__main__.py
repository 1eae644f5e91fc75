"""`python -m vestlus.simulator`: the simulator as a process of its own."""

import argparse
import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import structlog
import uvloop

from vestlus.simulator.config import (
    ACCESS_TOKEN_VARIABLE,
    APP_SECRET_VARIABLE,
    DEFAULT_MODEL_LABEL,
    Half,
    SimulatorConfig,
)
from vestlus.simulator.server import Simulator


def parse_arguments(arguments: Sequence[str]) -> SimulatorConfig:
    """Read the command line; secrets may come from the environment.

    Raises:
        SystemExit: If something is missing or wrong, after saying what.

    """
    parser = argparse.ArgumentParser(
        prog="python -m vestlus.simulator",
        description="A pretend Instagram and a pretend model.",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001, help="0 takes a free port")
    parser.add_argument("--data", type=Path, required=True, help="SQLite file; made if missing")
    parser.add_argument("--webhook-url", default="")
    parser.add_argument("--account-id", action="append", default=[], dest="account_ids")
    parser.add_argument(
        "--app-secret",
        default=os.environ.get(APP_SECRET_VARIABLE, ""),
        help=f"or {APP_SECRET_VARIABLE}",
    )
    parser.add_argument(
        "--access-token",
        default=os.environ.get(ACCESS_TOKEN_VARIABLE, ""),
        help=f"or {ACCESS_TOKEN_VARIABLE}",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model-label", default=DEFAULT_MODEL_LABEL)
    parser.add_argument(
        "--only",
        choices=get_args(Half),
        help="be only one half; the model needs no webhook address, account and secrets",
    )
    parser.add_argument("--run", default="", help="sets ids apart from other runs of this seed")
    parser.add_argument(
        "--until-stdin-closes",
        action="store_true",
        help="end when standard input does, as when whoever started it is gone",
    )
    given = parser.parse_args(arguments)
    if given.only != "model" and not (given.webhook_url and given.account_ids):
        parser.error("--webhook-url and --account-id are needed")
    try:
        return SimulatorConfig(
            data=given.data,
            webhook_url=given.webhook_url,
            app_secret=given.app_secret,
            access_token=given.access_token,
            account_ids=tuple(given.account_ids),
            host=given.host,
            port=given.port,
            seed=given.seed,
            model_label=given.model_label,
            only=given.only,
            run=given.run,
            until_stdin_closes=given.until_stdin_closes,
        )
    except ValueError as error:
        parser.error(str(error))


async def run(config: SimulatorConfig) -> None:
    """Run until SIGTERM or SIGINT, or the end of standard input where that is asked for.

    Raises:
        Exception: What made the simulator unable to go on.

    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if config.until_stdin_closes:
        # A thread of its own, which the end of the process does not wait for. asyncio could
        # watch a pipe, but no file and not /dev/null.
        watcher = threading.Thread(target=_watch_stdin, args=(loop, stop), daemon=True)
        watcher.start()
    async with Simulator(config) as simulator:
        print(json.dumps({"url": simulator.url}), flush=True)  # noqa: T201  (the promised line)
        waits = {
            asyncio.create_task(stop.wait(), name="stop"),
            asyncio.create_task(simulator.wait_failed(), name="failure"),
        }
        done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        for task in done:
            task.result()


def _watch_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    # Not through sys.stdin, whose lock would be held when the interpreter ends.
    with contextlib.suppress(OSError):  # it is closed already
        while os.read(0, 4096):
            pass
    with contextlib.suppress(RuntimeError):  # the loop has ended first
        loop.call_soon_threadsafe(stop.set)


def main() -> None:
    """Start from the command line."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    config = parse_arguments(sys.argv[1:])
    # Graph's half notes when each packet arrived, on sockets that uvloop does not read from.
    start = uvloop.run if config.only == "model" else asyncio.run
    start(run(config))


if __name__ == "__main__":
    main()
