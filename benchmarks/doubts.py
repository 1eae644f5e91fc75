"""How long it takes to learn what became of sends that a killed publisher left behind.

::

    python -m benchmarks.doubts [--sends 500] [--undone 0.1] [--echoes]

Every send is ``sending`` in the ledger when the real publisher takes over. Instagram has all but
the part that ``--undone`` says. With ``--echoes`` their webhooks have come and are recorded, and
otherwise each conversation must be read, within 2 calls of the Conversations API a second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.sending import ACCOUNT, TOKEN, TOPOLOGY, Stage, stage
from publishers.rules import SendingRules
from vestlus.clock import system_clock
from vestlus.conversation.events import Event, EventKind, event_key
from vestlus.conversation.identity import conversation_id, outbox_partition_of, partition_of
from vestlus.store.ledger import SendState
from vestlus.store.names import inbox_lease, outbox_lease
from vestlus.store.rows import EventState, Member, MemberKind, NewEvent, Transition

#: Sends made at a time: the limit is 100 a second.
_AT_ONCE = 80


@dataclass(frozen=True)
class Resolved:
    """What came of it."""

    sends: int
    undone: int
    echoes: bool
    #: From the takeover until the last send was settled.
    seconds: float
    found: int
    resent: int
    #: Conversations read, of two calls each.
    looked: int
    throttled: int
    #: Users who did not receive exactly their answer, once.
    wrong: int
    #: Ledger rows by state.
    rows: dict[str, int]


async def leave_behind(opened: Stage, undone: int) -> None:
    """Make every answer one whose request was perhaps made."""
    member = Member("killed", MemberKind.PUBLISHER, "1", "here", 1)
    outbox = outbox_partition_of(ACCOUNT, TOPOLOGY.outbox)
    (lease,) = (await opened.store.acquire([outbox_lease(outbox)], member, 600)).values()
    ids = [f"{account}.{text}" for (account, _), texts in opened.answers.items() for text in texts]
    steps = [
        Transition(id=one, before=SendState.PENDING, after=SendState.SENDING, at_ms=system_clock())
        for one in ids
    ]
    await opened.store.transition(lease, steps)
    done = list(opened.answers.items())[undone:]
    for at in range(0, len(done), _AT_ONCE):
        page = done[at : at + _AT_ONCE]
        await asyncio.gather(*(_send(opened, user, texts[0]) for (_, user), texts in page))
        await asyncio.sleep(1.1)
    await opened.store.release([lease], member)


async def _send(opened: Stage, user: str, text: str) -> None:
    url = f"{opened.url}/graph/v25.0/{ACCOUNT}/messages"
    body = {"recipient": {"id": user}, "message": {"text": text}}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with opened.http.post(url, json=body, headers=headers) as response:
        response.raise_for_status()


async def record_echoes(opened: Stage) -> None:
    """Record every message's echo, as a ConversationActor does."""
    now_ms = system_clock()
    for message in await opened.received():
        user = message["user"]
        echo = Event(
            key=event_key(EventKind.ECHO, ACCOUNT, message["mid"]),
            kind=EventKind.ECHO,
            account=ACCOUNT,
            user=user,
            conversation=conversation_id(ACCOUNT, user),
            mid=message["mid"],
            timestamp_ms=round(message["created_at"] * 1000),
            text=message["text"],
        )
        lease = opened.leases[inbox_lease(partition_of(ACCOUNT, user, TOPOLOGY.inbox))]
        await opened.store.record([(lease, [NewEvent(echo, EventState.NOTED)])], now_ms)


async def measure(arguments: argparse.Namespace) -> Resolved:
    """Measure once, in a folder of its own."""
    sends = arguments.sends
    undone = round(sends * arguments.undone)
    with tempfile.TemporaryDirectory() as folder:
        async with stage(Path(folder), database=arguments.database) as opened:
            await opened.wait_for_answers([f"u{number}" for number in range(sends)], 1, ACCOUNT)
            await leave_behind(opened, undone)
            if arguments.echoes:
                await record_echoes(opened)
            began = time.monotonic()
            async with opened.publishing(SendingRules()) as service:
                rows = await opened.until_finished()
                stats = service.stats()
            return Resolved(
                sends=sends,
                undone=undone,
                echoes=arguments.echoes,
                seconds=round(time.monotonic() - began, 1),
                found=stats.found,
                resent=stats.resent,
                looked=stats.looked,
                throttled=stats.throttled,
                wrong=len(opened.wrong(await opened.received())),
                rows=dict(rows),
            )


def main() -> int:
    """Print what was found; 1 when something was throttled or is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.doubts")
    parser.add_argument("--sends", type=int, default=500)
    parser.add_argument("--undone", type=float, default=0.0, help="the part that was not done")
    parser.add_argument("--echoes", action="store_true", help="echoes of what was done came")
    parser.add_argument("--database", default="", help="postgresql://… instead of SQLite")
    found = asyncio.run(measure(parser.parse_args()))
    print(json.dumps(asdict(found), indent=2))
    return int(bool(found.throttled or found.wrong))


if __name__ == "__main__":
    sys.exit(main())
