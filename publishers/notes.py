"""What is known of an unfinished row beyond the ledger."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Notes:
    """Kept by the process that sends the row; losing it loses time only."""

    #: Answers of Graph's that said "not done, try again".
    not_sent: int = 0
    #: When the last claim was handed in, by the monotonic clock, seconds.
    claimed_at: float | None = None
    #: When the last request was given up as ambiguous, milliseconds since 1970.
    gave_up_ms: int | None = None
    #: The row's pictures have their turn among the account's messages of pictures.
    admitted: bool = False
    #: Graph refused the ids of uploads: the pictures go by link.
    by_link: bool = False
    #: Graph could not fetch the pictures' links once.
    unreachable: bool = False
