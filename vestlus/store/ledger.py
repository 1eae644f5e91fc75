"""The ledger's states and transitions: what can happen to something that is to be sent.

::

    pending ──claim──▶ sending ──▶ sent
       ▲                 │  ├────▶ dead        refused for good, or its window closed
       │◀──not written───┘  └────▶ looking ──▶ sent       found at Instagram
       │◀──────not found, once──────┤ └──────▶ unknown    cannot be known; never resent by itself
       └──────────────────────────▶ dead

Only the PublisherActor that holds the row's outbox lease makes transitions; each is an update on
the condition of the state before and of the lease's epoch. Rows are born ``pending`` in the
transaction of the turn that decided them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class SendState(StrEnum):
    """Where a send is."""

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


#: States that are over: they hold up nothing.
FINISHED: Final = frozenset({SendState.SENT, SendState.DEAD, SendState.UNKNOWN})

#: Every transition that exists.
TRANSITIONS: Final = frozenset(
    {
        (SendState.PENDING, SendState.SENDING),
        (SendState.PENDING, SendState.PENDING),
        (SendState.PENDING, SendState.DEAD),
        (SendState.SENDING, SendState.SENT),
        (SendState.SENDING, SendState.PENDING),
        (SendState.SENDING, SendState.DEAD),
        (SendState.SENDING, SendState.LOOKING),
        (SendState.LOOKING, SendState.SENT),
        (SendState.LOOKING, SendState.LOOKING),
        (SendState.LOOKING, SendState.PENDING),
        (SendState.LOOKING, SendState.UNKNOWN),
        (SendState.LOOKING, SendState.DEAD),
    }
)
