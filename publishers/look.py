"""An ambiguous send, as far as it is being looked for."""

from __future__ import annotations

from dataclasses import dataclass

from vestlus.store.rows import SendRow


@dataclass(slots=True)
class Look:
    """An ambiguous send that is being looked for. Times are milliseconds since 1970."""

    row: SendRow
    gave_up_ms: int
    echo_ms: int
    read_ms: int
    failures: int = 0
    failing_since_ms: int = 0
    busy: bool = False
