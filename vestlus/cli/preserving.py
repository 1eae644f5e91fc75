"""``vestlus conversations preserve``: a mark that keeps everything of a conversation."""

from __future__ import annotations

import getpass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from vestlus.cli.operating import Service, moment, run
from vestlus.clock import system_clock
from vestlus.errors import VestlusError
from vestlus.store.operator_rows import AuditEntry
from vestlus.store.preserving import Preservation

#: Characters. A reason says why, and not what was said.
LONGEST_REASON: Final = 500


class PreserveRefused(VestlusError):
    """Nothing was marked or released. Its message says what to mend."""


def preserve(
    conversation: str,
    *,
    reason: str = "",
    until: str | None = None,
    by: str | None = None,
    release: bool = False,
) -> None:
    """Keep everything of a conversation, whatever its age, or let it go the way of others again.

    While it is marked nothing of it is pruned, and erasing it is refused. `show` tells the mark.

    Parameters
    ----------
    conversation
        Its id, as `list` prints it.
    reason
        Why: a file number, a dispute. Without personal data.
    until
        The last day of the mark, UTC: 2027-05-31. Without it the mark holds until it is released.
    by
        Who says so; the user of this terminal otherwise.
    release
        Take the mark away.
    """
    if release:
        if reason or until:
            raise PreserveRefused("--release goes with neither --reason nor --until")
        _known(run(lambda service: _released(service, conversation, by)))
        print("Released: what is old of this conversation goes within the hour.")  # noqa: T201
        return
    why = reason.strip()
    if not why or len(why) > LONGEST_REASON:
        raise PreserveRefused(f"--reason: must say why, in at most {LONGEST_REASON} characters")

    async def work(service: Service) -> bool:
        store, who = service.store, _who(by)
        until_ms = 0 if until is None else ends_ms(until, await store.now_ms())
        done = await store.preserve(conversation, reason=why, by=who, until_ms=until_ms)
        if done:
            await store.audit(_entry(who, "conversation.preserve", conversation))
        return done

    _known(run(work))
    print("Preserved: nothing of this conversation is pruned or erased.")  # noqa: T201 - its output


async def _released(service: Service, conversation: str, by: str | None) -> bool:
    done = await service.store.release_conversation(conversation)
    if done:
        await service.store.audit(_entry(_who(by), "conversation.release", conversation))
    return done


def _who(by: str | None) -> str:
    return (by or "").strip() or getpass.getuser()


def _entry(who: str, action: str, conversation: str) -> AuditEntry:
    """The reason is not in it, which may tell of the user."""
    return AuditEntry(system_clock(), who, "", "command", action, conversation)


def ends_ms(last_day: str, now_ms: int) -> int:
    """The end of that day, UTC, in milliseconds. Raises PreserveRefused."""
    try:
        day = date.fromisoformat(last_day)
        end = datetime.combine(day + timedelta(days=1), time.min, UTC)
    except (ValueError, OverflowError):
        raise PreserveRefused("--until: must be a day, such as 2027-05-31") from None
    at_ms = round(end.timestamp() * 1000)
    if at_ms <= now_ms:
        raise PreserveRefused("--until: is over already")
    return at_ms


def _known(found: object) -> None:
    if not found:
        raise PreserveRefused(
            "there is no such conversation: `vestlus conversations list` shows their ids"
        )


def told(mark: Preservation) -> dict[str, str]:
    """For programs."""
    return {
        "reason": mark.reason,
        "by": mark.by,
        "since": moment(mark.since_ms),
        "until": moment(mark.until_ms),
    }


def line(mark: Preservation) -> str:
    """For people."""
    until = f" until {moment(mark.until_ms)}" if mark.until_ms else ""
    return f"preserved since {moment(mark.since_ms)}{until} by {mark.by}: {mark.reason}"
