"""The states and transitions of posts: what can happen to something that is to be published.

::

    planned ──begin──▶ creating ──made──▶ waiting ──all finished──▶ ready
      ▲ ▲ ▲               │                 │ │                     │  ▲
      │ │ └──the next one─┘                 │ │                begin│  │not done, or not found once
      │ └──the carousel itself, a new one───┘ │                     ▼  │
      │                                       │                publishing ──▶ published
      └────expired, for certain not published─┼─────────────────┐   │             ▲
                                              │                 │   ▼             │found
                                              ▼                 └─looking ────────┘
                                            dead                    └──▶ unknown

    planned, waiting, ready ──a person said no──▶ cancelled

``dead`` can be reached from every state in which it is certain that nothing was published. Each
transition is an update on the condition of the state and version before and of the epoch of the
account's outbox lease. What a person does needs no lease: cancelling, and having one that is
``planned`` go out now instead of at its time.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class PostState(StrEnum):
    """Where a post is."""

    #: To be published at ``due_ms`` or later; its next container is to be made.
    PLANNED = "planned"
    #: A request for a container may have been written. A container that nobody knows of harms
    #: nothing but the day's count.
    CREATING = "creating"
    #: Instagram is at work on its containers, and is asked how far it is.
    WAITING = "waiting"
    #: Its container can be published.
    READY = "ready"
    #: The request to publish may have been written.
    PUBLISHING = "publishing"
    #: Whether it was published is in doubt: Instagram is asked before anything else happens.
    LOOKING = "looking"
    PUBLISHED = "published"
    #: Given up, and not published. The row says why and what to mend.
    DEAD = "dead"
    #: May or may not have been published, and nothing can tell. Never published again by itself.
    UNKNOWN = "unknown"
    #: Not published, on purpose.
    CANCELLED = "cancelled"


#: States that are over.
ENDED: Final = frozenset(
    {PostState.PUBLISHED, PostState.DEAD, PostState.UNKNOWN, PostState.CANCELLED}
)

#: States in which a person may still say no.
CANCELLABLE: Final = frozenset({PostState.PLANNED, PostState.WAITING, PostState.READY})

#: Every transition that a publisher makes.
POST_TRANSITIONS: Final = frozenset(
    {
        (PostState.PLANNED, PostState.CREATING),
        (PostState.PLANNED, PostState.PLANNED),
        (PostState.PLANNED, PostState.DEAD),
        (PostState.CREATING, PostState.PLANNED),
        (PostState.CREATING, PostState.WAITING),
        (PostState.CREATING, PostState.DEAD),
        (PostState.WAITING, PostState.WAITING),
        (PostState.WAITING, PostState.PLANNED),
        (PostState.WAITING, PostState.READY),
        (PostState.WAITING, PostState.DEAD),
        (PostState.READY, PostState.READY),
        (PostState.READY, PostState.PUBLISHING),
        (PostState.READY, PostState.PLANNED),
        (PostState.READY, PostState.DEAD),
        (PostState.PUBLISHING, PostState.PUBLISHED),
        (PostState.PUBLISHING, PostState.READY),
        (PostState.PUBLISHING, PostState.PLANNED),
        (PostState.PUBLISHING, PostState.LOOKING),
        (PostState.PUBLISHING, PostState.DEAD),
        (PostState.LOOKING, PostState.LOOKING),
        (PostState.LOOKING, PostState.PUBLISHED),
        (PostState.LOOKING, PostState.READY),
        (PostState.LOOKING, PostState.PLANNED),
        (PostState.LOOKING, PostState.UNKNOWN),
        (PostState.LOOKING, PostState.DEAD),
    }
)

#: What a new holder makes of rows at which the one before it was at work.
RECOVERED: Final = {
    PostState.CREATING: PostState.PLANNED,
    PostState.PUBLISHING: PostState.LOOKING,
}
