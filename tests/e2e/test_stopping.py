"""Told to stop at bad moments: while it drains already, and while it starts. And it does not
outlive its Ray: somebody has to notice, and start it again.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from tests.e2e.conftest import EMBEDDED, Pair
from tests.e2e.service import (
    START_SECONDS,
    Process,
    Service,
    everybody,
    family,
    start_again,
    starting_demo,
    wait_for,
)

#: Far less than the 30 s that turns under way may take.
AT_ONCE_SECONDS = 20.0

#: What a shell says of a program that Ctrl-C ended: 130. Python ends by the signal itself where the
#: interruption met a text that was being executed, and a shell says 130 of that too.
INTERRUPTED = (130, -signal.SIGINT)


def left_of(before: list[Process]) -> list[str]:
    """Which of these processes still live."""
    now = {one.pid: one.arguments for one in everybody()}
    return [one.arguments for one in before if now.get(one.pid) == one.arguments]


def ended(process: subprocess.Popen[bytes], before: list[Process], said: Callable[[], str]) -> None:
    """Waits for the end, which must be soon, and leave nothing."""
    assert process.wait(AT_ONCE_SECONDS) in INTERRUPTED, said()
    wait_for("no process is left behind", lambda: not left_of(before), seconds=10)


@pytest.mark.parametrize("pair", [EMBEDDED], indirect=True)
def test_a_second_start_keeps_the_history_and_answers_what_a_second_signal_broke_off(
    service: Service, pair: Pair, say: Callable[[str], None]
) -> None:
    first = service.ask("mart", "Mis aadress teil on? #mart-1")
    service.control("model", {"latency_seconds": 600})
    users = ["mart", *(f"stopped-{number}" for number in range(20))]
    sent = {user: service.write(user, f"Ja telefon? #{user}-2")["seq"] for user in users}
    # Its own posts ask the model too.
    wait_for(
        "the model is asked for all",
        lambda: len(service.model_requests("Ja telefon?")) == len(users),
        seconds=30,
    )
    before, length = family(service.process.pid), service.log.stat().st_size
    service.process.send_signal(signal.SIGTERM)
    wait_for("it drains", lambda: "Stopping" in service.printed(length), seconds=10)
    began = time.monotonic()
    service.process.send_signal(signal.SIGTERM)
    ended(service.process, before, service.tail)
    say(f"a second signal ended everything in {time.monotonic() - began:.1f} s")
    _a_signal_at_the_start_ends_it_at_once(service, pair, say)

    start_again(service, pair.folder, pair.settings)

    answers = {user: service.answers(user, int(sent[user])) for user in users}
    assert [len(found) for found in answers.values()] == [1] * len(users)
    # The simulator that was asked before is gone too.
    (request,) = service.model_requests("Ja telefon? #mart-2")
    said = [item["content"] for item in request["input"]]
    assert "Mis aadress teil on? #mart-1" in said
    assert first in said
    page = service.control("conversation?user=mart")["messages"]
    texts = [one["text"] for one in page if one["direction"] == "out"]
    assert texts == [first, *answers["mart"]]


def _a_signal_at_the_start_ends_it_at_once(
    service: Service, pair: Pair, say: Callable[[str], None]
) -> None:
    length = service.log.stat().st_size
    with starting_demo(pair.folder, pair.settings) as (process, _):
        # Ray's processes are there, the service is not yet.
        wait_for(
            "the actors start",
            lambda: "Serve and the actors start" in service.printed(length),
            seconds=START_SECONDS,
        )
        before, began = family(process.pid), time.monotonic()
        process.send_signal(signal.SIGTERM)
        ended(process, before, service.tail)
    say(f"a signal at the start ended everything in {time.monotonic() - began:.1f} s")


@pytest.mark.parametrize("pair", [EMBEDDED], indirect=True)
def test_when_its_raylet_dies_it_says_so_and_ends_and_leaves_nothing(
    service_to_end: Service,
) -> None:
    service = service_to_end
    before = family(service.process.pid)
    service.kill("raylet/raylet")
    assert service.process.wait(30) == 1
    assert "Ray has ended: its raylet is gone." in service.tail()
    # Where there is no /proc workers end in their own time, which may be minutes.
    if sys.platform == "linux":
        wait_for("nothing of it is left", lambda: not left_of(before), seconds=10)
