"""The demo posts by the clock and by an event: with captions of the model, each once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from tests.e2e.conftest import BY_HAND, Pair
from tests.e2e.service import Service, wait_for

LINE = "Teksti kirjutas tehisaru."


def test_a_scheduled_post_and_one_of_an_event_are_on_the_grid_also_after_kill_9_of_the_scheduler(
    service: Service, pair: Pair
) -> None:
    wait_for("the scheduled post is on the grid", lambda: grid(service), seconds=120)
    before = grid(service)
    killed = service.kill("ray::SchedulerActor")
    told = [fire(pair, '{"until": "21.00"}', key="once") for _ in range(2)]
    assert told[0] == told[1]
    wait_for("the event's post is there", lambda: len(grid(service)) > len(before), seconds=120)
    assert fire(pair, '{"until": "21.00"}', key="once") == told[0]
    assert len(grid(service)) == len(before) + 1
    for post in grid(service):
        assert LINE in post["caption"]
        assert post["is_ai_generated"]
        assert all(picture["alt"] for picture in post["pictures"])
    assert killed not in service.processes("ray::SchedulerActor")


def grid(service: Service) -> list[dict[str, Any]]:
    """What the demo has posted, and no person."""
    posts: list[dict[str, Any]] = service.control(f"grid?account={service.account}")["posts"]
    return [post for post in posts if post["caption"] != BY_HAND]


def fire(pair: Pair, data: str, *, key: str) -> object:
    """Hands in the demo's event by the command; what the command printed."""
    command = [sys.executable, "-m", "vestlus.cli.main", "events", "fire", "opening"]
    done = subprocess.run(
        [*command, "--data", data, "--key", key, "--json"],
        env=os.environ | {"VESTLUS_DATA_DIR": str(pair.folder)} | pair.settings,
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return json.loads(done.stdout)
