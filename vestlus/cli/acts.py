"""Commands that change something: what each is called in the audit, and what it is done to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from vestlus.cli import acts_known as known

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
    #: Another argument that says to what.
    more: str = ""
    #: As we write what somebody may have written otherwise.
    spelt: Callable[[str], str] = str

    def targets_of(self, arguments: Mapping[str, Any]) -> list[str]:
        """What the command was given, without what was given twice."""
        found: list[str] = []
        for name in (self.target, self.more):
            value = arguments.get(name)
            several = value if isinstance(value, tuple | list) else (value,)
            found += [self.spelt(str(one)) for one in several if one is not None]
        return list(dict.fromkeys(found))

    async def knows(self, store: Store, settings: Settings, target: str) -> bool:
        """Whether there is what it was given. Raises StoreError."""
        return (
            self.is_known is not None
            and bool(target)
            and await self.is_known(store, settings, target)
        )


#: By module below ``vestlus.cli`` and function. What is not here only looks, or reaches no service
#: of anybody's.
ACTS: Final = {
    "conversations.reply": Act("conversation.reply", "conversation", known.conversation),
    "conversations.take_over": Act("conversation.take_over", "conversation", known.conversation),
    "conversations.hand_back": Act("conversation.hand_back", "conversation", known.conversation),
    "conversations.approve": Act("conversation.approve", "conversation", known.conversation),
    "conversations.reject": Act("conversation.reject", "conversation", known.conversation),
    "conversations.read": Act("conversation.read", "conversation", known.conversation),
    "conversations_recover.recover": Act("account.recover", "account", known.account),
    "conversations_privacy.export": Act("user.export", "conversation", known.conversation),
    # Nobody who is erased is in the audit: its target is the confirmation code.
    "conversations_privacy.erase": Act("user.erase", itself=True),
    "conversations_privacy.erasures": Act("erasure.close", "close", known.erasure, spelt=str.upper),
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
    "images.remove": Act("image.remove", "id", known.image, more="more"),
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


def key_of(command: Callable[..., Any]) -> str:
    """How a command is called in :data:`ACTS`."""
    return f"{command.__module__.removeprefix('vestlus.cli.')}.{command.__name__}"


def act_of(command: Callable[..., Any], arguments: Mapping[str, Any]) -> Act | None:
    """What the command does, so called; None where it changes nothing."""
    key = key_of(command)
    deciding = _ONLY_WITH.get(key)
    if deciding and not any(arguments.get(one) for one in deciding):
        return None
    return ACTS.get(key)
