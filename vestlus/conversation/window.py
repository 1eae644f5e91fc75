"""The time in which Instagram lets an account write to a user."""

from __future__ import annotations

#: Meta, "Send Messages": 24 hours after the user's last message.
WINDOW_MS = 24 * 60 * 60 * 1000

#: Meta, "Human agent": a person may answer for seven days after the user's last message.
HUMAN_AGENT_WINDOW_MS = 7 * WINDOW_MS


def window_end_ms(last_user_message_ms: int) -> int:
    """Until when an answer may be sent. Both are milliseconds since 1970, Meta's clock."""
    return last_user_message_ms + WINDOW_MS


#: Meta, "Webhooks setup": an undelivered webhook is repeated for at most 36 hours.
LONGEST_REDELIVERY_MS = 36 * 60 * 60 * 1000

#: How far Meta's clock may be ahead of ours.
CLOCK_TOLERANCE_MS = 5 * 60 * 1000


def written_at_ms(timestamp_ms: int, taken_in_ms: int, *, listed: bool = False) -> int:
    """When the user wrote, as far as it can be told.

    Meta's timestamp, unless it is missing, in the future, or older than Meta's longest
    redelivery (test events of the app dashboard carry such): then the time of taking in. What
    was ``listed`` by Instagram is as old as it says.
    """
    if listed:
        return min(timestamp_ms, taken_in_ms)
    earliest = taken_in_ms - LONGEST_REDELIVERY_MS
    if earliest <= timestamp_ms <= taken_in_ms + CLOCK_TOLERANCE_MS:
        return min(timestamp_ms, taken_in_ms)
    return taken_in_ms
