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

from vestlus.cli import acts_known as known
from vestlus.errors import StoreError, VestlusError
from vestlus.store.operator_rows import DONE

if TYPE_CHECKING:
    from vestlus.settings import Settings
    from vestlus.store.port import Store


@dataclass(frozen=True, slots=True)
class Act:
    """What a command does: its word in the audit, the argument that says to what, and whether there
    is that; where the latter is not said, the argument is in the audit of what was done alone.
    """

    action: str
    target: str = ""
    is_known: known.Known | None = None
    #: It writes its entry itself where it is done: only there is known to what. Of those that
    #: failed there is an entry as of all others.
    itself: bool = False


@dataclass(frozen=True, slots=True)
class Acted:
    """What a command did, where its entry says more than what it was given."""

    #: Whose it was, where the store cannot say so any more.
    account: str = ""


#: By module below ``vestlus.cli`` and function. What is not here only looks, or reaches no service
#: of anybody's.
ACTS: Final = {
    "conversations.reply": Act("conversation.reply", "conversation", known.conversation),
    "conversations.take_over": Act("conversation.take_over", "conversation", known.conversation),
    "conversations.hand_back": Act("conversation.hand_back", "conversation", known.conversation),
    "conversations.approve": Act("conversation.approve", "conversation", known.conversation),
    "conversations.reject": Act("conversation.reject", "conversation", known.conversation),
    "conversations.read": Act("conversation.read", "conversation", known.conversation),
    "conversations.recover": Act("account.recover", "account", known.account),
    "conversations_privacy.export": Act("user.export", "conversation", known.conversation),
    # Nobody who is erased is in the audit: its target is the confirmation code.
    "conversations_privacy.erase": Act("user.erase", itself=True),
    "conversations_privacy.erasures": Act("erasure.close", "close", known.erasure),
    "posts.publish_now": Act("post.plan", "account", known.account),
    "posts_plans.schedule": Act("schedule.add", "name", known.schedule),
    "posts_plans.unschedule": Act("schedule.remove", "name", known.schedule),
    "posts_plans.pause": Act("schedule.pause", "name", known.schedule),
    "posts_plans.resume": Act("schedule.resume", "name", known.schedule),
    "posts_drafts.approve": Act("post.approve", "id", known.post),
    "posts_drafts.reject": Act("post.reject", "id", known.post),
    "posts_drafts.now": Act("post.publish_now", "id", known.post),
    "posts_cancel.cancel": Act("post.cancel", "id", known.post),
    "events.fire": Act("event.fire", "name", known.event),
    "images.add": Act("image.add", "id", known.image),
    "images.describe_": Act("image.describe", "id", known.image),
    "images.retire": Act("image.retire", "id", known.image),
    "images.remove": Act("image.remove", "id", known.image),
    "accounts.connect": Act("account.connect", "account", known.account),
    "accounts.start": Act("account.start", "account", known.account),
    "accounts.refresh": Act("account.refresh", "accounts", known.account),
    "dead_letters.replay": Act("dead_letter.replay", "letters", known.letter),
    "dead_letters.discard": Act("dead_letter.discard", "letters", known.letter),
    "retention.run_": Act("retention.run"),
    "preserving.preserve": Act(
        "conversation.preserve", "conversation", known.conversation, itself=True
    ),
    "scale.scale": Act("pool.resize"),
    "repartition.repartition": Act("store.repartition", "partitions"),
    "restored.restored": Act("store.restored"),
}

#: Of these, what was given says whether they change anything.
_ONLY_WITH: Final = {
    "conversations_privacy.erasures": ("close",),
    "scale.scale": ("conversation_actors", "publisher_actors", "webhook_replicas"),
}

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


@dataclass(slots=True)
class Noting:
    """A command that is run: it is noted with what it ``returned``, where that is an Acted."""

    returned: object = None

    @property
    def account(self) -> str:
        """Whose its entry is, as the command says."""
        return self.returned.account if isinstance(self.returned, Acted) else ""


@contextmanager
def noted(command: Callable[..., Any], given: BoundArguments) -> Iterator[Noting]:
    """Notes a command when it has ended, if it is one that changes something. One that failed is
    noted with the name of what it raised, and with what it was given only where there is that.
    """
    key = key_of(command)
    act = ACTS.get(key)
    arguments = given.arguments
    deciding = _ONLY_WITH.get(key)
    if act is None or (deciding and not any(arguments.get(one) for one in deciding)):
        yield Noting()
        return
    targets, noting = _targets(arguments.get(act.target)), Noting()
    try:
        yield noting
    except VestlusError as error:
        _note(act, targets, outcome=_word(type(error)), given=arguments)
        raise
    if not act.itself:
        _note(act, targets, outcome=DONE, given=arguments, account=noting.account)


def _targets(value: object) -> Sequence[str]:
    if value is None:
        return ("",)
    if isinstance(value, tuple | list):
        return [str(one) for one in value[:_MOST_TARGETS]] or ("",)
    return (str(value),)


def _word(kind: type[Exception]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


def _note(
    act: Act,
    targets: Sequence[str],
    *,
    outcome: str,
    given: dict[str, Any],
    account: str = "",
) -> None:
    from vestlus.clock import system_clock
    from vestlus.store.operator_rows import AuditEntry

    who = os_user()

    async def write(store: Store, settings: Settings) -> None:
        # Of what was done there was everything.
        named = targets if outcome == DONE else await _known(store, settings, act, targets)
        for target in named:
            at_ms = system_clock()
            entry = AuditEntry(
                at_ms, who, "", "command", act.action, target, outcome=outcome, account=account
            )
            await store.audit(entry)

    try:
        # After a repartition the store has the number that was given.
        asyncio.run(_on_store(write, given.get("partitions") if outcome == DONE else None))
    except (VestlusError, OSError, ValueError) as error:
        kind = StoreError.__name__ if isinstance(error, StoreError) else type(error).__name__
        print(f"This is not in the audit log: {kind}.", file=sys.stderr)  # noqa: T201 - its output


async def _known(
    store: Store, settings: Settings, act: Act, targets: Sequence[str]
) -> Sequence[str]:
    if act.is_known is None:
        return ("",)
    return [one for one in targets if one and await act.is_known(store, settings, one)] or ("",)


async def _on_store(work: Callable[[Store, Settings], Any], partitions: int | None) -> None:
    from vestlus.bus.port import Topology
    from vestlus.cli.demo_settings import operator_settings
    from vestlus.store.open import open_store

    settings = operator_settings()
    topology = Topology(inbox=partitions or settings.partitions)
    async with open_store(
        settings.database, partitions=topology.inbox, outbox_partitions=topology.outbox
    ) as store:
        await work(store, settings)
