"""Commands that change something, in the audit: who ran what, and what came of it."""

from __future__ import annotations

import asyncio
import getpass
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import BoundArguments
from typing import TYPE_CHECKING, Any, Final

from vestlus.errors import StoreError, VestlusError

if TYPE_CHECKING:
    from vestlus.store.port import Store


@dataclass(frozen=True, slots=True)
class Act:
    """What a command does: its word in the audit, and the argument that says to what."""

    action: str
    target: str = ""
    #: It writes its entry itself where it is done: only then is known to what. Of those that failed
    #: there is an entry as of all others.
    itself: bool = False


#: By module below ``vestlus.cli`` and function. What is not here only looks, or reaches no service
#: of anybody's.
ACTS: Final = {
    "conversations.reply": Act("conversation.reply", "conversation"),
    "conversations.take_over": Act("conversation.take_over", "conversation"),
    "conversations.hand_back": Act("conversation.hand_back", "conversation"),
    "conversations.approve": Act("conversation.approve", "conversation"),
    "conversations.reject": Act("conversation.reject", "conversation"),
    "conversations.read": Act("conversation.read", "conversation"),
    "conversations.recover": Act("account.recover", "account"),
    "conversations_privacy.export": Act("user.export", "conversation"),
    # Nobody who is erased is in the audit: its target is the confirmation code.
    "conversations_privacy.erase": Act("user.erase", itself=True),
    "conversations_privacy.erasures": Act("erasure.close", "close"),
    "posts.publish_now": Act("post.plan", "account"),
    "posts_plans.schedule": Act("schedule.add", "name"),
    "posts_plans.unschedule": Act("schedule.remove", "name"),
    "posts_plans.pause": Act("schedule.pause", "name"),
    "posts_plans.resume": Act("schedule.resume", "name"),
    "posts_drafts.approve": Act("post.approve", "id"),
    "posts_drafts.reject": Act("post.reject", "id"),
    "posts_drafts.now": Act("post.publish_now", "id"),
    "posts_cancel.cancel": Act("post.cancel", "id"),
    "events.fire": Act("event.fire", "name"),
    "images.add": Act("image.add", "id"),
    "images.describe_": Act("image.describe", "id"),
    "images.retire": Act("image.retire", "id"),
    "images.remove": Act("image.remove", "id"),
    "accounts.connect": Act("account.connect", "account"),
    "accounts.start": Act("account.start", "account"),
    "accounts.refresh": Act("account.refresh", "accounts"),
    "dead_letters.replay": Act("dead_letter.replay", "letters"),
    "dead_letters.discard": Act("dead_letter.discard", "letters"),
    "retention.run_": Act("retention.run"),
    "preserving.preserve": Act("conversation.preserve", "conversation", itself=True),
    "scale.scale": Act("pool.resize"),
    "repartition.repartition": Act("store.repartition", "partitions"),
    "restored.restored": Act("store.restored"),
}

#: Of these, what was given says whether they change anything.
_ONLY_WITH: Final = {
    "conversations_privacy.erasures": ("close",),
    "scale.scale": ("conversation_actors", "publisher_actors", "webhook_replicas"),
}

_CONVERSATION: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)

#: Ids in one entry.
_MOST_TARGETS: Final = 100


def key_of(command: Callable[..., Any]) -> str:
    """How a command is called in :data:`ACTS`."""
    return f"{command.__module__.removeprefix('vestlus.cli.')}.{command.__name__}"


def os_user() -> str:
    """Who runs this, as the system says."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # In a container whose user has no entry.
        return "unnamed"


@contextmanager
def noted(command: Callable[..., Any], given: BoundArguments) -> Iterator[None]:
    """Notes a command when it has ended, if it is one that changes something. One that failed is
    noted with the name of what it raised.
    """
    key = key_of(command)
    act = ACTS.get(key)
    arguments = given.arguments
    deciding = _ONLY_WITH.get(key)
    if act is None or (deciding and not any(arguments.get(one) for one in deciding)):
        yield
        return
    targets = _targets(arguments.get(act.target))
    if act.target == "conversation" and not _CONVERSATION.fullmatch(targets[0]):
        # Perhaps a user's id, by mistake.
        targets = ("",)
    try:
        yield
    except VestlusError as error:
        _note(act, targets, outcome=_word(type(error)), given=arguments)
        raise
    if not act.itself:
        _note(act, targets, outcome="done", given=arguments)


def _targets(value: object) -> Sequence[str]:
    if value is None:
        return ("",)
    if isinstance(value, tuple | list):
        return [str(one) for one in value[:_MOST_TARGETS]] or ("",)
    return (str(value),)


def _word(kind: type[Exception]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


def _note(act: Act, targets: Sequence[str], *, outcome: str, given: dict[str, Any]) -> None:
    from vestlus.clock import system_clock
    from vestlus.store.operator_rows import AuditEntry

    who = os_user()

    async def write(store: Store) -> None:
        for target in targets:
            at_ms = system_clock()
            await store.audit(
                AuditEntry(at_ms, who, "", "command", act.action, target, outcome=outcome)
            )

    try:
        # After a repartition the store has the number that was given.
        asyncio.run(_on_store(write, given.get("partitions") if outcome == "done" else None))
    except (VestlusError, OSError, ValueError) as error:
        kind = StoreError.__name__ if isinstance(error, StoreError) else type(error).__name__
        print(f"This is not in the audit log: {kind}.", file=sys.stderr)  # noqa: T201 - its output


async def _on_store(work: Callable[[Store], Any], partitions: int | None) -> None:
    from vestlus.bus.port import Topology
    from vestlus.cli.demo_settings import operator_settings
    from vestlus.store.open import open_store

    settings = operator_settings()
    topology = Topology(inbox=partitions or settings.partitions)
    async with open_store(
        settings.database, partitions=topology.inbox, outbox_partitions=topology.outbox
    ) as store:
        await work(store)
