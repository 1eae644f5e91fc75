"""An ambiguous send, as far as it is being looked for."""

from __future__ import annotations

from dataclasses import dataclass

from vestlus.store.rows import SendRow


@dataclass(slots=True)
class Look:
    """An ambiguous send that is being looked for. Times are milliseconds since 1970."""

    row: SendRow
    gave_up_ms: int
    #: When its claim was handed in, by the monotonic clock; ``None`` when by an earlier holder.
    claimed_at: float | None
    echo_ms: int
    read_ms: int
    failures: int = 0
    failing_since_ms: int = 0
    busy: bool = False
    #: Its absence is proven, and it is sent again.
    resends: bool = False
    #: When it began, by the wall clock and by the monotonic one, seconds.
    began_ms: int = 0
    began: float = 0.0

    def steady_ms(self, monotonic: float) -> int:
        """The time by the clock as it went when the look began, whatever was done to it since."""
        return self.began_ms + round((monotonic - self.began) * 1000)
