"""`python -m vestlus.simulator.load`: the writing users as a process of their own.

The first line of standard input is the plan (JSON); `go` on the second starts it, `stop` ends it
early, and so does the end of standard input. Standard output has a JSON object a line, told apart
by `kind`: `ready` or `refused` (`problem`) first; then `started`, a `second` each second, and
`ended`; or `refused` where the service does not answer.
"""

import asyncio
import json
import sys
import threading

import uvloop

from vestlus.simulator.jsontypes import BadInputError, JsonObject, parse_object
from vestlus.simulator.load.plan import Plan, read_plan
from vestlus.simulator.load.run import Load
from vestlus.simulator.load.warming import NotAnsweredError

REFUSED = 2


def emit(line: JsonObject) -> None:
    """Write one line."""
    print(json.dumps(line, separators=(",", ":")), flush=True)  # noqa: T201 - the protocol


async def run(plan: Plan) -> int:
    """Wait for `go`, run the plan and return the exit status."""
    loop = asyncio.get_running_loop()
    go, stop = asyncio.Event(), asyncio.Event()

    def listen() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe((go if line.strip() == "go" else stop).set)
        loop.call_soon_threadsafe(stop.set)

    # It is not waited for: a thread that reads cannot be ended.
    threading.Thread(target=listen, daemon=True).start()
    waits = {asyncio.create_task(each.wait(), name="told") for each in (go, stop)}
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for task in waits:
        task.cancel()
    if stop.is_set():
        return 0
    try:
        await Load(plan, emit, stop).run()
    except NotAnsweredError as error:
        emit({"kind": "refused", "problem": str(error)})
        return REFUSED
    return 0


def main() -> int:
    """Read the plan and run it."""
    try:
        plan = read_plan(parse_object(sys.stdin.readline()))
    except BadInputError as error:
        emit({"kind": "refused", "problem": str(error)})
        return REFUSED
    emit({"kind": "ready"})
    return uvloop.run(run(plan))


if __name__ == "__main__":
    sys.exit(main())
