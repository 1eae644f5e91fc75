"""The simulator as a process of its own, for commands that need one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from vestlus.errors import VestlusError

#: How long the simulator may take to end, seconds.
_PATIENCE: float = 20.0


class SimulatorDidNotStart(VestlusError):
    """The simulator ended before it listened; it has said why on standard error."""

    def __str__(self) -> str:
        return "the simulator did not start; its own words are above"


@contextmanager
def simulator_process(arguments: Sequence[str], environment: Mapping[str, str]) -> Iterator[str]:
    """Runs ``python -m vestlus.simulator`` and gives its address.

    ``environment`` is added to ours: secrets go there, where ``ps`` does not show them. It ends
    with the block, and with this process in whichever way that ends. Raises SimulatorDidNotStart.
    """
    process = subprocess.Popen(  # noqa: S603 - our own module, our own arguments
        [sys.executable, "-m", "vestlus.simulator", *arguments, "--until-stdin-closes"],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        # Held open and never written to: it closes when we end, in whichever way.
        stdin=subprocess.PIPE,
        text=True,
        # Ctrl-C reaches the whole group of the terminal; this one is ended last, by us.
        start_new_session=True,
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise SimulatorDidNotStart
        yield str(json.loads(line)["url"])
    finally:
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()
