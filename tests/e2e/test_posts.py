"""The demo posts by the clock, by an event and by hand, each once.

A post takes its time: it is fetched, and asked for after some seconds. So the tests that look at
what is on the grid come after all others, and those that plan it before them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.beside import catalogue, operate
from tests.e2e.conftest import Pair
from tests.e2e.service import Service, wait_for

LINE = "Teksti kirjutas tehisaru."
#: The caption of the one post that a person plans.
BY_HAND = "Avasime täna."
#: The pictures that the demo's schedule has to take, and the rule of its event: by their tags.
SCHEDULED, OPENING = "where-to-find-us", "opening-hours"


@dataclass(frozen=True, slots=True)
class Fired:
    """The event of one pair's demo, handed in while its scheduler was dead."""

    killed: int
    #: What the command said each time.
    told: tuple[object, object]


@dataclass(frozen=True, slots=True)
class ByHand:
    """A post that somebody planned, twice."""

    pictures: tuple[dict[str, Any], dict[str, Any]]
    ids: tuple[str, str]


@pytest.fixture(scope="session")
def fired(demo: Service, pair: Pair) -> Fired:
    """Return the event of this pair's demo."""
    killed = demo.kill("ray::SchedulerActor")
    return Fired(killed, (fire(pair), fire(pair)))


@pytest.fixture(scope="session")
def by_hand(demo: Service, pair: Pair) -> ByHand:
    """Return the post that somebody planned on this pair's demo."""
    bank = catalogue(pair)
    first, second = [one for one in bank.values() if one["in_posts"] and one["alt"]][:2]
    wish = ["posts", "publish-now", "--account", demo.account, "--key", "avamine", "--json"]
    wish += ["--picture", first["id"], "--picture", second["id"], "--caption", BY_HAND]
    planned = [str(json.loads(operate(pair, *wish))["id"]) for _ in range(2)]
    return ByHand((first, second), (planned[0], planned[1]))


def test_an_event_that_is_told_twice_is_one_also_after_kill_9_of_the_scheduler(
    service: Service, fired: Fired
) -> None:
    assert fired.told[0] == fired.told[1]


def test_a_post_that_is_planned_twice_by_hand_is_one(service: Service, by_hand: ByHand) -> None:
    assert by_hand.ids[0] == by_hand.ids[1]


def test_a_scheduled_post_and_one_of_an_event_are_on_the_grid_also_after_kill_9_of_the_scheduler(
    service: Service, pair: Pair, fired: Fired, in_the_end: None
) -> None:
    bank = catalogue(pair)
    wait_for("the scheduled post is out", lambda: with_only(service, bank[SCHEDULED]), seconds=120)
    wait_for("the event's post is out", lambda: with_only(service, bank[OPENING]), seconds=120)
    assert fire(pair) == fired.told[0]
    assert len(with_only(service, bank[OPENING])) == 1
    for post in grid(service):
        assert LINE in post["caption"]
        assert post["is_ai_generated"]
        assert all(picture["alt"] for picture in post["pictures"])
    assert fired.killed not in service.processes("ray::SchedulerActor")


def test_a_post_by_hand_is_on_the_grid_once_with_its_alternative_text(
    service: Service, pair: Pair, by_hand: ByHand, in_the_end: None
) -> None:
    def out() -> list[dict[str, Any]]:
        posts = service.control(f"grid?account={service.account}")["posts"]
        return [post for post in posts if post["caption"] == BY_HAND]

    wait_for("the post to be out", out, seconds=90)

    def known() -> bool:
        shown = operate(pair, "posts", "show", by_hand.ids[0], "--json")
        return bool(json.loads(shown)["state"] == "published")

    wait_for("the post to be known as published", known, seconds=30)
    (post,) = out()
    assert post["kind"] == "CAROUSEL"
    assert [one["alt"] for one in post["pictures"]] == [one["alt"] for one in by_hand.pictures]
    assert [one["sha256"] for one in post["pictures"]] == [sha256(one) for one in by_hand.pictures]


def grid(service: Service) -> list[dict[str, Any]]:
    """What the demo has posted, and no person."""
    posts: list[dict[str, Any]] = service.control(f"grid?account={service.account}")["posts"]
    return [post for post in posts if post["caption"] != BY_HAND]


def with_only(service: Service, picture: dict[str, Any]) -> list[dict[str, Any]]:
    """What the demo has posted with this one picture of its bank."""
    return [
        post
        for post in grid(service)
        if [one["sha256"] for one in post["pictures"]] == [sha256(picture)]
    ]


def sha256(picture: dict[str, Any]) -> str:
    """Of what is posted of a picture of the bank."""
    return str(picture["post_file"]).partition(".")[0]


def fire(pair: Pair) -> object:
    """Hands in the demo's event by the command; what the command printed."""
    data = ("--data", '{"until": "21.00"}')
    return json.loads(operate(pair, "events", "fire", "opening", *data, "--key", "once", "--json"))
