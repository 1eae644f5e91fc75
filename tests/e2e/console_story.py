"""What happens in a demo until every page of its console has something to show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx

from tests.e2e.conftest import EVENT_TOKEN, OPERATOR_TOKEN
from tests.e2e.service import Service, wait_for
from vestlus.conversation.identity import conversation_id

#: Users, by numbers as Instagram has them. Nobody's name is in the console.
ANNA, BERT, CARL, DORA, EVA, FRED, GERT = (
    f"1792500000000{tail}" for tail in (1204, 3317, 4471, 5068, 6692, 7125, 8840)
)
SCHEDULE: Final = "lugemissoovitus"

#: What an operator writes to the user who asked for a person, and what that user says to it.
BY_HAND: Final = (
    "Tere, siin Mari raamatukogust. Terveks päevaks leiame teile suurema ruumi. Mis päev sobiks?"
)
THEN: Final = "Aitäh! Neljapäev sobiks väga hästi."

#: Instagram's words, by the codes of ``vestlus/instagram/graph_table.py``.
_PERSON_GONE: Final = {"kind": "error", "op": "send", "code": 551, "subcode": 1545041}
_BAD_RATIO: Final = {"kind": "error", "op": "container", "code": 36003, "subcode": 2207009}


def tell(service: Service) -> dict[str, str]:
    """Users write, somebody answers, posts are planned, and some things fail. What pages show of
    it, by the names in :data:`tests.e2e.console_views.VIEWS`.
    """
    headers = {"authorization": f"Bearer {OPERATOR_TOKEN}"}
    with httpx.Client(base_url=f"{service.address}/api/v1", headers=headers, timeout=60) as api:
        # By itself a demo posts once, and once for the event.
        out = max(2, 1 + _out(service))
        fired = _posts(service, api)
        _talks(service, api)
        _erased(service, api)
        wait_for("what it posts by itself", lambda: _out(service) == out, seconds=180)
        failed = _failed_post(service, api)
        return {
            "anna": conversation_id(service.account, ANNA),
            "bert": conversation_id(service.account, BERT),
            "schedule": SCHEDULE,
            "event": _all(api, "/events", "events")[0]["id"],
            "letter": _all(api, "/dead-letters", "letters")[0]["letter"],
            "failed": failed,
            "post": fired,
        }


def _talks(service: Service, api: httpx.Client) -> None:
    service.ask(ANNA, "Tere! Mis kell te homme avate?")
    asked = service.write(ANNA, "Aitäh! Palun saatke pilt asukohast.")
    # The picture is a message of its own.
    service.answers(ANNA, int(asked["seq"]), count=2)
    pictured = _said_to(service, ANNA)[-1]
    service.control("react", {"mid": pictured["mid"]})
    service.ask(DORA, "Hello! What are your opening hours?")
    service.ask(EVA, "Здравствуйте! Какие часы работы?")
    service.ask(BERT, "Kas ruumi saab broneerida terveks päevaks?")
    service.ask(BERT, "Sooviksin sellest rääkida inimesega.")
    service.ask(CARL, "Tere! Palju maksab printimine?")
    service.ask(CARL, "Aga värviliselt? Palun andke mulle päris inimene.")
    gone = service.write(CARL, "Vabandust, leidsin juba hinnakirja!")
    service.control("unsend", {"mid": gone["mid"]})
    service.control("faults", {"rules": [_PERSON_GONE | {"user": FRED, "next": 1}]})
    service.write(FRED, "Kas lugejaks saab registreerida ka veebis?")
    wait_for("a dead letter", lambda: _all(api, "/dead-letters", "letters"), seconds=60)
    taken = f"/conversations/{conversation_id(service.account, BERT)}"
    kept = {"reason": "Ruumi broneering 2026/117", "until": f"{_days(180):%Y-%m-%d}"}
    _done(api.put(f"{taken}/preservation", json=kept))


def _erased(service: Service, api: httpx.Client) -> None:
    service.ask(GERT, "Mis on raamatu laenutähtaeg?")
    _done(api.post("/erasures", json={"account": service.account, "user": GERT}))


def _posts(service: Service, api: httpx.Client) -> str:
    """A post for each state; the id of the one that comes next."""
    sender = {"authorization": f"Bearer {EVENT_TOKEN}"}
    event = f"{service.address}/events/opening"
    _done(httpx.post(event, headers=sender, json={"until": "21.00"}, timeout=60))
    weekly = {
        "name": SCHEDULE,
        "account": service.account,
        "cron": "0 9 * * 1,4",
        "tags": ["uudis"],
        "prompt": "Soovita nädala raamatut ja kutsu lugema.",
        "approve": True,
    }
    _done(api.post("/schedules", json=weekly))
    soon = (datetime.now(UTC) + timedelta(minutes=20)).replace(second=0, microsecond=0)
    once = weekly | {
        "name": "ruumid",
        "tags": ["broneerimine"],
        "timezone": "UTC",
        "at": soon.replace(tzinfo=None).isoformat(),
        "prompt": "Ütle, et ruumi saab broneerida kuni kaheks tunniks korraga.",
    }
    del once["cron"]
    _done(api.post("/schedules", json=once))
    carousel = {
        "account": service.account,
        "pictures": ["opening-hours", "where-to-find-us", "parking"],
        "caption": "Homme oleme avatud kella üheksast.\n\nTule lugema! #raamatukogu #lugemine",
        "at": _days(1).replace(hour=7, minute=30).isoformat(timespec="minutes"),
        "key": "homme",
    }
    planned = _done(api.post("/posts", json=carousel))
    thanks = {
        "account": service.account,
        "pictures": ["thank-you"],
        "caption": "Aitäh kõigile lugejatele selle nädala eest!",
        "at": _days(4).replace(hour=14, minute=0).isoformat(timespec="minutes"),
    }
    _done(api.post("/posts", json=thanks))
    return str(planned["post"]["id"])


def _failed_post(service: Service, api: httpx.Client) -> str:
    """The id of a post that Instagram refused. No other is under way meanwhile."""
    service.control("faults", {"rules": [_BAD_RATIO | {"next": 1}]})
    wish = {
        "account": service.account,
        "pictures": ["price-list"],
        "caption": "Uus hinnakiri kehtib esmaspäevast.",
    }
    post = str(_done(api.post("/posts", json=wish))["post"]["id"])

    def failed() -> bool:
        return bool(_done(api.get(f"/posts/{post}"))["state"] == "dead")

    wait_for("the post that is refused", failed, seconds=60)
    drafts = lambda: _all(api, "/posts/drafts", "posts")  # noqa: E731
    wait_for("the draft of a schedule", drafts, seconds=90)
    return post


def _out(service: Service) -> int:
    return len(service.control(f"grid?account={service.account}")["posts"])


def _said_to(service: Service, user: str) -> list[dict[str, Any]]:
    query = f"conversation?account={service.account}&user={user}"
    found: list[dict[str, Any]] = service.control(query)["messages"]
    return [one for one in found if one["direction"] == "out"]


def _days(ahead: int) -> datetime:
    """That time so many days ahead."""
    return datetime.now(UTC) + timedelta(days=ahead)


def _all(api: httpx.Client, path: str, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _done(api.get(path))[name]
    return found


def _done(answer: httpx.Response) -> Any:  # noqa: ANN401 - any JSON
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None
