"""The ledger's states and transitions: what can happen to something that is to be sent.

::

     draft ──a person agrees──▶ pending

    pending ──claim──▶ sending ──▶ sent
       ▲                 │  ├────▶ dead        refused for good, or its window closed
       │◀──not written───┘  └────▶ looking ──▶ sent       found at Instagram
       │◀──────not found, once──────┤ └──────▶ unknown    cannot be known; never resent by itself
       └──────────────────────────▶ dead

    draft, pending ──a person answered, or said no──▶ cancelled
    draft, looking ──its window closed──▶ dead

Each transition is an update on the condition of the state before and of a lease's epoch. Rows are
born ``pending`` or ``draft`` in the transaction of the turn that decided them. The PublisherActor
that holds the row's outbox lease makes the transitions of the drawing; the ConversationActor that
holds the conversation's inbox lease makes drafts pending, and cancels, in the transaction that
records why. A publisher cancels only what a person forestalled: of which its claim was refused.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class SendState(StrEnum):
    """Where a send is."""

    #: Waits for a person's yes.
    DRAFT = "draft"
    #: To be sent at ``due_ms`` or later.
    PENDING = "pending"
    #: Request bytes may have been written. Holds a rate token.
    SENDING = "sending"
    #: The outcome is ambiguous: Instagram is asked before anything else happens.
    LOOKING = "looking"
    SENT = "sent"
    #: Given up with a reason; a dead letter exists.
    DEAD = "dead"
    #: May or may not have been done, and nothing can tell. Shown to operators.
    UNKNOWN = "unknown"
    #: Not sent, on purpose.
    CANCELLED = "cancelled"


#: States that are over: they hold up nothing.
FINISHED: Final = frozenset(
    {SendState.SENT, SendState.DEAD, SendState.UNKNOWN, SendState.CANCELLED}
)

#: What is in one of these states was never seen by the user.
UNSEEN: Final = frozenset({SendState.CANCELLED, SendState.DEAD})

#: Every transition that a publisher makes.
TRANSITIONS: Final = frozenset(
    {
        (SendState.PENDING, SendState.SENDING),
        (SendState.PENDING, SendState.DEAD),
        (SendState.PENDING, SendState.CANCELLED),
        (SendState.DRAFT, SendState.DEAD),
        (SendState.SENDING, SendState.SENT),
        (SendState.SENDING, SendState.PENDING),
        (SendState.SENDING, SendState.DEAD),
        (SendState.SENDING, SendState.LOOKING),
        (SendState.LOOKING, SendState.SENT),
        (SendState.LOOKING, SendState.PENDING),
        (SendState.LOOKING, SendState.UNKNOWN),
        (SendState.LOOKING, SendState.DEAD),
    }
)

#: Every transition that a ConversationActor makes, with what it records. Rows are born by it too,
#: ``pending`` or ``draft``. What has begun is never its to change.
CONVERSATION_TRANSITIONS: Final = frozenset(
    {
        # A person agrees to it as it is.
        (SendState.DRAFT, SendState.PENDING),
        # A person says no, puts other words in its place, or answers instead.
        (SendState.DRAFT, SendState.CANCELLED),
        # A person answered, or the user said stop.
        (SendState.PENDING, SendState.CANCELLED),
    }
)
