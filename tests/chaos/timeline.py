"""What happened to a user who was let down, and what was done to the service around it."""

from __future__ import annotations

from typing import Any

from tests.chaos.journal import Journal
from tests.chaos.report import BREACHES, Report
from tests.chaos.steps import AWAY
from tests.chaos.world import World
from tests.e2e.traffic import Traffic

#: Users whose story is told.
MOST_USERS = 3
#: How long before and after a user's messages faults are told, seconds.
AROUND_SECONDS = 30.0


async def timelines(report: Report, world: World, traffic: Traffic, journal: Journal) -> list[str]:
    """The stories of the first users who were let down, none when nobody was."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for name in BREACHES:
        for breach in report.verdict[name]:
            if breach.get("user"):
                found.setdefault((breach["account"], breach["user"]), breach | {"breach": name})
    stories = []
    for (account, user), breach in list(found.items())[:MOST_USERS]:
        query = f"conversation?account={account}&user={user}"
        messages = (await traffic.call(query))["messages"]
        told = [_line(breach)]
        try:
            steps = [(step.at, str(step)) for step in await world.steps.of_user(user)]
        except AWAY as error:
            told.append(f"    the ledger cannot be read: {type(error).__name__}")
            steps = []
        told += story(messages, steps, breach, journal)
        stories.append("\n".join(told))
    return stories


def story(
    messages: list[dict[str, Any]],
    steps: list[tuple[float, str]],
    breach: dict[str, Any],
    journal: Journal,
) -> list[str]:
    """What a user wrote and got around a breach, the steps of the answers, and the faults."""
    at = next((one["created_at"] for one in messages if one["seq"] == breach.get("seq")), None)
    middle = at if at is not None else journal.began
    begin, end = middle - AROUND_SECONDS, middle + 2 * AROUND_SECONDS
    lines: list[tuple[float, str]] = []
    for one in messages:
        who = "writes" if one["direction"] == "in" else "receives"
        lines.append((one["created_at"], f"{who} {_markers(one)} ({one['mid'][-8:]})"))
        if one["accepted_at"]:
            lines.append((one["accepted_at"], f"  200 for {_markers(one)}"))
        if one["echoed_at"]:
            lines.append((one["echoed_at"], f"  200 for the echo of {_markers(one)}"))
    lines += [(when, f"  ledger {what}") for when, what in steps]
    for entry in journal.around(begin, end):
        lines.append((entry.at, f"! {entry.what} begins"))
        lines.append((entry.until, f"! {entry.what} is over"))
    chosen = sorted(line for line in lines if begin <= line[0] <= end)
    return [f"    {when - journal.began:8.2f} s  {what}" for when, what in chosen]


def _markers(message: dict[str, Any]) -> str:
    words = [word for word in (message["text"] or "").split() if word.startswith("#")]
    return " ".join(words) or ("a picture" if message["attachments"] else "no marker")


def _line(breach: dict[str, Any]) -> str:
    return f"  {breach['breach']}: {breach['user']} {breach.get('marker') or ''}"
