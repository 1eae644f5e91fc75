"""Pictures, bursts and people, through every process, on both pairs."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.beside import catalogue, operate
from tests.e2e.conftest import EMBEDDED, PRODUCTION, Pair
from tests.e2e.service import Service, wait_for
from vestlus.conversation.identity import conversation_id

QUESTION = "Kas saate saata pildi, kus on lahtiolekuajad?"
PNG = Path(__file__).parents[2] / "image_bank" / "starter" / "where-to-find-us.png"
#: Of each of 100 users: a thousand turns where it is for production.
ECHOED_TURNS = {EMBEDDED: 1, PRODUCTION: 10}
#: What neither bus nor store has a part in.
on_one_pair = pytest.mark.parametrize("pair", [PRODUCTION], indirect=True)
LONG = Path(__file__).parents[1] / "long_answer.txt"


def said_to(service: Service, user: str, after: int = 0) -> list[dict[str, Any]]:
    """The messages to a user with a higher number, oldest first."""
    query = f"account={service.account}&user={user}&after={after}"
    found = service.control(f"conversation?{query}")["messages"]
    return [one for one in found if one["direction"] == "out"]


@contextmanager
def slow_model(service: Service, seconds: float) -> Iterator[None]:
    service.control("model", {"latency_seconds": seconds})
    try:
        yield
    finally:
        service.control("model", {"latency_seconds": 0})


def test_a_picture_is_chosen_fetched_by_graph_shown_and_not_sent_twice(
    service: Service, pair: Pair
) -> None:
    bank = catalogue(pair)
    assert len(bank) >= 12
    first = picture_after(service, service.write("piia", QUESTION)["seq"])
    (request,) = service.model_requests(QUESTION)
    for name in bank:
        assert f"\n{name} | " in request["instructions"]
    files = {entry["file"].partition(".")[0]: name for name, entry in bank.items()}
    assert first["sha256"] in files
    address = f"{service.simulator}{media_path(first)}"
    with urllib.request.urlopen(address, timeout=10) as shown:  # noqa: S310 - this test's server
        assert shown.headers["Content-Type"].startswith("image/")
        assert len(shown.read()) > 1000
    again = service.write("piia", "Saatke palun veel üks pilt!")
    wait_for(
        "an answer to the second wish",
        lambda: said_to(service, "piia", again["seq"]),
        seconds=60,
    )
    time_for_more(service)
    sent = [
        picture["sha256"]
        for message in said_to(service, "piia")
        for picture in message["attachments"]
    ]
    assert len(sent) == len(set(sent))
    (second,) = service.model_requests("Saatke palun veel üks pilt!")
    assert files[first["sha256"]] in json.dumps(second["input"])


def picture_after(service: Service, after: int) -> dict[str, Any]:
    found: list[dict[str, Any]] = []

    def came() -> bool:
        found[:] = [
            picture
            for message in said_to(service, "piia", after)
            for picture in message["attachments"]
        ]
        return bool(found)

    wait_for("a picture", came, seconds=60)
    return found[0]


def media_path(picture: dict[str, Any]) -> str:
    path = str(picture["media"])
    return path.removeprefix("http://").partition("/")[2].join(["/", ""]) if "://" in path else path


def time_for_more(service: Service) -> None:
    """Lets everything come that is under way: somebody who writes now is answered last."""
    service.ask(f"marker-{time.monotonic_ns()}", "Mis kell te avate?")


def test_five_messages_within_two_seconds_get_one_answer_that_covers_them_all(
    service: Service,
) -> None:
    before = service.control("stats")["model"]["cancelled"]
    with slow_model(service, 4):
        # At once: on a busy machine they would come so far apart that each begins a turn anew.
        texts = ["Tere #burt-1", *(f"ja veel üks asi #burt-{n}" for n in (2, 3, 4))]
        wrote = [{"account": service.account, "user": "burt", "text": text} for text in texts]
        first, *_ = service.control("messages", wrote)
        wait_for("the model works", lambda: service.model_requests("#burt-4"), seconds=30)
        service.write("burt", "Mis aadress teil on? #burt-5")
        (answer,) = service.answers("burt", int(first["seq"]))
    time_for_more(service)
    assert all(f"#burt-{n}" in answer for n in range(1, 6))
    assert len(said_to(service, "burt", int(first["seq"]))) == 1
    assert service.control("stats")["model"]["cancelled"] > before


@pytest.mark.parametrize("mids", ["same", "different"])
def test_a_person_s_answer_in_the_middle_of_a_turn_silences_the_bot_until_it_is_handed_back(
    service: Service, pair: Pair, mids: str
) -> None:
    user = f"pia-{mids}"
    service.control("webhooks", {"echo_mids": mids})
    try:
        service.ask(user, "Tere!")
        with slow_model(service, 2.0):
            question = service.write(user, f"Kas teil on {mids} tube? #tuba-1")
            wait_for("the model works", lambda: service.model_requests(mids), seconds=30)
            said = f"Tere, siin Mari: tuba {mids} on vaba."
            service.control("personal-answer", {"user": user, "text": said})
            time_for_more(service)
        service.write(user, f"Aitäh {mids}! #tuba-2")
        time_for_more(service)
        after = said_to(service, user, int(question["seq"]))
        assert [one["author"] for one in after] == ["person"]
        service.control("handed-back", {"user": user})
        operate(pair, "conversations", "hand-back", conversation_id(service.account, user))
        service.answers(user, int(after[0]["seq"]))
        (request,) = service.model_requests(f"Aitäh {mids}! #tuba-2")
        assert f"[staff] {said}" in [item["content"] for item in request["input"]]
    finally:
        service.control("webhooks", {"echo_mids": "same"})
    assert service.control("check?wait=20")["after_person"] == []


def test_turn_after_turn_with_echoes_that_come_first_silences_nobody(
    service: Service, pair: Pair
) -> None:
    turns = ECHOED_TURNS[pair.name]
    before = service.control("info")["seq"]
    answers = Answers(service, before, "echo-")
    service.control("webhooks", {"echo_mids": "different", "echo_first": True})
    try:
        users = [f"echo-{n}" for n in range(100)]
        for turn in range(turns):
            service.control(
                "messages",
                [
                    {"user": user, "text": f"Mis kell te avate? #{user.replace('-', '')}-{turn}"}
                    for user in users
                ],
            )
            wait_for(
                f"turn {turn} is answered",
                lambda: answers.counted() >= (turn + 1) * len(users),  # noqa: B023
                seconds=90,
            )
    finally:
        service.control("webhooks", {"echo_mids": "same", "echo_first": False})
    verdict = service.control(f"check?after={before}&user_prefix=echo-&wait=60")
    assert verdict["ok"], verdict
    assert verdict["answered"] == turns * len(users)
    listed = json.loads(operate(pair, "conversations", "list", "--limit", "1000", "--json"))
    silent = [one["user"] for one in listed if one["user"].startswith("echo-") and one["silence"]]
    assert silent == []


class Answers:
    """Counts messages to users whose names begin alike, each read once."""

    def __init__(self, service: Service, after: int, prefix: str) -> None:
        self._service = service
        self._after = after
        self._prefix = prefix
        self._count = 0

    def counted(self) -> int:
        """How many there are; waits a moment for one more."""
        query = f"feed?after={self._after}&direction=out&limit=1000&timeout=1"
        for one in self._service.control(query)["messages"]:
            self._after = max(self._after, int(one["seq"]))
            self._count += one["user"].startswith(self._prefix)
        return self._count


def test_a_long_answer_in_three_scripts_arrives_whole_in_real_pieces(
    service: Service, pair: Pair
) -> None:
    text = LONG.read_text("utf-8").strip()
    persona = pair.folder / "persona.md"
    link = re.findall(r"https://\S+", text)[0]
    # Only links that the account gave may be sent.
    persona.write_text(f"{persona.read_text('utf-8')}\n- Ekskursioonid: {link}\n", "utf-8")
    wait_for(
        "the persona is read again",
        lambda: service.ask("lotta", "Tere #link-1") and service.model_requests(link),
        seconds=30,
    )
    reply = {
        "parts": [{"type": "text", "text": text}],
        "language": "et",
        "handover": False,
        "note": "",
    }
    service.ask("lota", "Tere!")
    rule = {"kind": "say", "text": json.dumps(reply), "next": 1, "contains": "#pikk-1"}
    service.control("model", {"faults": [rule]})
    question = service.write("lota", "Rääkige kõigest! #pikk-1")
    wait_for(
        "the whole answer",
        lambda: "".join(words_to(service, "lota", question["seq"])) == "".join(text.split()),
        seconds=60,
    )
    pieces = [one["text"] for one in said_to(service, "lota", int(question["seq"]))]
    assert len(pieces) > 1
    assert all(len(piece.encode()) <= 1000 for piece in pieces)
    for before, after in pairwise(pieces):
        assert f"{before[-20:]}" in text
        assert f"{after[:20]}" in text


def words_to(service: Service, user: str, after: int) -> list[str]:
    return [
        word for one in said_to(service, user, int(after)) for word in (one["text"] or "").split()
    ]


@on_one_pair
def test_a_user_s_picture_is_shown_to_the_model(service: Service) -> None:
    picture = PNG.read_bytes()
    upload = urllib.request.Request(  # noqa: S310 - this test's server
        f"{service.simulator}/control/media", data=picture, headers={"Content-Type": "image/png"}
    )
    with urllib.request.urlopen(upload, timeout=10) as answer:  # noqa: S310
        url = json.load(answer)["url"]
    service.ask("vera", "Tere!")
    image = {"type": "image", "url": url}
    sent = service.control("messages", {"user": "vera", "attachments": [image]})
    service.answers("vera", int(sent["seq"]))
    (request,) = [
        one for one in service.model_requests("input_image") if "vera" not in json.dumps(one)
    ]
    shown = [part for item in request["input"] for part in picture_parts(item)]
    assert len(shown) == 1


def picture_parts(item: dict[str, Any]) -> list[dict[str, Any]]:
    content = item["content"]
    if isinstance(content, str):
        return []
    return [part for part in content if part["type"] == "input_image"]


@on_one_pair
def test_who_waits_for_an_answer_sees_that_it_was_seen_and_is_being_written(
    service: Service,
) -> None:
    service.ask("tiia", "Tere!")
    query = f"conversation?account={service.account}&user=tiia"
    with slow_model(service, 4.0):
        question = service.write("tiia", "Mis aadress teil on?")
        wait_for("typing", lambda: service.control(query)["typing"], seconds=20)
        assert service.control(query)["seen_seq"] >= question["seq"]
        assert service.answers("tiia", int(question["seq"]))


@on_one_pair
def test_who_asks_for_a_person_gets_one_and_is_listed_until_handed_back(
    service: Service, pair: Pair
) -> None:
    first = service.ask("hanna", "Tere!")
    assert first
    answer = service.ask("hanna", "Soovin rääkida inimesega")
    assert answer
    conversation = conversation_id(service.account, "hanna")
    waiting = json.loads(operate(pair, "conversations", "list", "--waiting", "--json"))
    assert conversation in [one["conversation"] for one in waiting]
    operate(pair, "conversations", "reply", conversation, "Tere, siin Mari. Kuidas saan aidata?")
    wait_for(
        "the person's words arrive",
        lambda: "siin Mari" in str(said_to(service, "hanna")),
        seconds=30,
    )
    waiting = json.loads(operate(pair, "conversations", "list", "--waiting", "--json"))
    assert conversation not in [one["conversation"] for one in waiting]
    operate(pair, "conversations", "hand-back", conversation)
    assert "9–19" in service.ask("hanna", "Mis kell te avate?")


@on_one_pair
def test_the_first_answer_says_that_it_is_an_automated_one_and_the_second_does_not(
    service: Service,
) -> None:
    first = service.ask("dora", "Mis kell te avate?")
    second = service.ask("dora", "Mis kell te laupäeval avate?")
    assert len(first) > len(second)
    assert "automaat" in first.lower()
    assert "automaat" not in second.lower()


@on_one_pair
def test_a_user_who_says_stop_is_left_alone_until_start(service: Service) -> None:
    service.ask("stan", "Tere!")
    service.ask("stan", "STOP")
    ignored = service.write("stan", "Mis kell te avate?")
    time_for_more(service)
    assert said_to(service, "stan", int(ignored["seq"])) == []
    service.ask("stan", "START")
    assert "9–19" in service.ask("stan", "Mis kell te avate?")
