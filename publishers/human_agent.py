"""When a message may bear Meta's tag HUMAN_AGENT. Pure.

Meta, "Human agent" and "Messenger Platform and IG Messaging API policy": a person may answer
within seven days of the user's last message; an automated message never, after its 24 hours.
"""

from __future__ import annotations

from vestlus.conversation.window import HUMAN_AGENT_WINDOW_MS, WINDOW_MS
from vestlus.store.rows import Origin, SendRow


def bears_human_agent(row: SendRow, now_ms: int) -> bool:
    """Whether a row is to be sent with the tag: a person wrote it, and the 24 hours are over.

    A person's row has its deadline at the end of the seven days, any other at the end of the 24
    hours. Of rows that nobody wrote it is never true, whatever their times.
    """
    if row.origin is not Origin.PERSON:
        return False
    seven_days_end_ms = row.deadline_ms
    day_ends_ms = seven_days_end_ms - HUMAN_AGENT_WINDOW_MS + WINDOW_MS
    return day_ends_ms < now_ms <= seven_days_end_ms
