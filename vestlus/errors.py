"""Every error that Vestlus raises on purpose.

The tree::

    VestlusError
    ├── SettingsError              settings are missing or bad; names all of them
    ├── NotWebhook                 a request body is not a Meta webhook (HTTP 400)
    ├── SignatureRejected          a webhook's signature is missing or wrong (HTTP 401)
    ├── UndecodableMessage         a queued message cannot be read; goes to the dead letters
    ├── BusError
    │   ├── BusUnavailable         the bus did not confirm; nothing may be taken as durable
    │   └── SubscriptionLost       a consumer's channel is gone; subscribe again
    ├── StoreError
    │   ├── StoreUnavailable       the database does not answer; try again
    │   │   └── ValuesRefused      it refuses the values themselves; repeating is useless
    │   ├── ConversationPreserved  it may not be erased while it is marked so
    │   ├── CodeTaken              this confirmation code is of another erasure
    │   ├── ConversationGone       there is no such conversation, or not any more: it was erased
    │   ├── LeaseLost              someone else owns the partition now; stop touching it
    │   ├── PartitionMismatch      the store was made for another number of partitions
    │   └── StoreTooNew            the store was used by a newer Vestlus
    ├── AssistantError
    │   ├── AssistantUnavailable   the model is slow, down or throttled; try again later
    │   └── AssistantInvalid       the model's output cannot be used; trying again may help
    │       └── AssistantRefused   it, or its provider's filter, refuses what it was asked
    └── GraphError                 what the Graph API said, or failed to say
        ├── NotSent                certainly not done, and trying again may help
        │   ├── Throttled          the same, after a stated wait
        │   └── HeldBack           the caller kept it back at the last moment
        ├── Refused                certainly not done, and trying again is useless
        │   └── TokenRejected      the access token is not accepted; the account stops
        └── OutcomeUnknown         request bytes were written and no usable answer came

Rejections carry ``reason``, a short stable word for measures and dead letters. No error carries
message texts, user ids or secrets. All of them cross process borders: they pickle.
"""

from __future__ import annotations


class VestlusError(Exception):
    """Base of all errors that Vestlus raises on purpose."""

    @property
    def remedy(self) -> str:
        """What is to be mended, for the log: settings, numbers and words of ours. Else empty."""
        return ""


class SettingsError(VestlusError):
    """Settings are missing or bad. ``problems`` has one line each, saying what to mend."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__(problems)
        self.problems = problems

    @property
    def remedy(self) -> str:
        """Each problem, on a line of its own."""
        return "\n".join(self.problems)

    def __str__(self) -> str:
        return self.remedy


class RejectedError(VestlusError):
    """Base of errors with a stable ``reason``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotWebhook(RejectedError):
    """The body is not a Meta webhook."""


class SignatureRejected(RejectedError):
    """The signature is missing, malformed or wrong."""


class UndecodableMessage(RejectedError):
    """A queued message cannot be read. The raw bytes go to the dead letters."""


class BusError(VestlusError):
    """Base of the bus's errors."""


class BusUnavailable(BusError):
    """The bus did not confirm in time: the messages must not be taken as durable."""


class SubscriptionLost(BusError):
    """The consumer's channel or file is gone; deliveries not acknowledged will come again."""


class StoreError(VestlusError):
    """Base of the store's errors."""


class StoreUnavailable(StoreError):
    """The database does not answer or ended the transaction.

    Mostly nothing was written; if the connection broke during the commit, all of it may be.
    """


class ValuesRefused(StoreUnavailable):
    """The database refuses the values themselves: the same again is refused again."""


class ConversationGone(StoreError):
    """There is no such conversation, or not any more: its user was erased."""


class LeaseLost(StoreError):
    """The lease belongs to somebody else now, or has ended; nothing was written."""


class ConversationPreserved(StoreError):
    """Somebody marked these conversations so that nothing of them goes; nothing was erased."""

    def __init__(self, conversations: tuple[str, ...] = ()) -> None:
        super().__init__(conversations)
        self.conversations = conversations

    def __str__(self) -> str:
        return "the conversation is preserved: nothing of it was erased"


class CodeTaken(StoreError):
    """The confirmation code is of another erasure: of somebody else's, or of one whose user was
    erased again since. Nothing was erased.
    """

    def __str__(self) -> str:
        return "the confirmation code is of another erasure: nothing was erased"


class PartitionMismatch(StoreError):
    """The store was made for another number of partitions than ``what`` says now."""

    def __init__(self, recorded: int, configured: int, what: str = "VESTLUS_PARTITIONS") -> None:
        super().__init__(recorded, configured, what)
        self.recorded = recorded
        self.configured = configured
        self.what = what

    @property
    def remedy(self) -> str:
        """What to set, and what to read."""
        return (
            f"the store was made with {self.what}={self.recorded}, and it is {self.configured} "
            f"now: set it back to {self.recorded}. To change it for good, set it back, stop the "
            f"service and see docs/scaling.md"
        )

    def __str__(self) -> str:
        return self.remedy


class StoreTooNew(StoreError):
    """The store's schema is at ``revisions`` that this version of Vestlus does not know."""

    def __init__(self, revisions: tuple[str, ...]) -> None:
        super().__init__(revisions)
        self.revisions = revisions

    @property
    def remedy(self) -> str:
        """Which revisions, and what to use."""
        return (
            f"the store's schema is at revision {', '.join(self.revisions)}, which this version "
            f"of Vestlus does not know: use a newer Vestlus, or another store"
        )

    def __str__(self) -> str:
        return self.remedy


class AssistantError(RejectedError):
    """Base of the assistant's errors."""


class AssistantUnavailable(AssistantError):
    """The model is slow, down, throttled or out of quota. Trying again later may help.

    ``again_seconds``: after how long, where that is known; 0 where it is not.
    """

    def __init__(self, reason: str, again_seconds: float = 0.0) -> None:
        super().__init__(reason)
        self.again_seconds = again_seconds


class AssistantInvalid(AssistantError):
    """The model answered with something that cannot be used."""


class AssistantRefused(AssistantInvalid):
    """The model, or its provider's filter, refuses what it was asked, or to go on with its answer.

    The same again is mostly refused again; less of it may not be.
    """


class GraphError(RejectedError):
    """Base of what the Graph API can do to a request.

    ``code`` and ``subcode`` are Meta's, 0 where there were none.
    """

    def __init__(self, reason: str, code: int = 0, subcode: int = 0) -> None:
        super().__init__(reason)
        self.args = (reason, code, subcode)
        self.code = code
        self.subcode = subcode

    def __str__(self) -> str:
        return f"{self.reason} ({self.code}/{self.subcode})" if self.code else self.reason


class NotSent(GraphError):
    """Certainly not done; trying again may help."""


class Throttled(NotSent):
    """Over a limit of Meta's. ``retry_after`` is in seconds; the whole account waits so long."""

    def __init__(
        self, reason: str, code: int = 0, subcode: int = 0, retry_after: float = 60.0
    ) -> None:
        super().__init__(reason, code, subcode)
        self.args = (reason, code, subcode, retry_after)
        self.retry_after = retry_after


class HeldBack(NotSent):
    """Its caller's gate kept the request back when its first byte was to be written."""


class Refused(GraphError):
    """Certainly not done; trying again is useless."""


class TokenRejected(Refused):
    """The access token is not accepted any more; nothing of this account can be sent."""


class OutcomeUnknown(GraphError):
    """Request bytes were written and no usable answer came: it may or may not be done."""
