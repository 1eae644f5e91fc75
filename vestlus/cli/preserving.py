"""``vestlus conversations preserve``: a mark that keeps everything of a conversation."""

from __future__ import annotations

from collections.abc import Awaitable

from vestlus.cli.noting import os_user
from vestlus.cli.operating import Service, moment, run
from vestlus.clock import system_clock
from vestlus.desk import preserving as desk
from vestlus.errors import VestlusError
from vestlus.store.operator_rows import AuditEntry
from vestlus.store.preserving import Preservation


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
        run(lambda service: _released(service, conversation, by))
        print("Released: what is old of this conversation goes within the hour.")  # noqa: T201
        return

    async def work(service: Service) -> None:
        who = _who(by)
        await _told_how(
            desk.preserve(service, conversation, reason=reason, last_day=until or "", by=who)
        )
        await service.store.audit(_entry(who, "conversation.preserve", conversation))

    run(work)
    print("Preserved: nothing of this conversation is pruned or erased.")  # noqa: T201 - its output


async def _released(service: Service, conversation: str, by: str | None) -> None:
    await _told_how(desk.release(service, conversation))
    await service.store.audit(_entry(_who(by), "conversation.release", conversation))


async def _told_how(work: Awaitable[None]) -> None:
    """Does it. Raises this module's PreserveRefused, in a terminal's words."""
    try:
        await work
    except desk.PreserveRefused as refused:
        if refused.problem is desk.Problem.UNKNOWN:
            raise PreserveRefused(
                f"{refused}: `vestlus conversations list` shows their ids"
            ) from refused
        raise PreserveRefused(f"--{refused}") from refused


def _who(by: str | None) -> str:
    return (by or "").strip() or os_user()


def _entry(who: str, action: str, conversation: str) -> AuditEntry:
    """The reason is not in it, which may tell of the user."""
    return AuditEntry(system_clock(), who, "", "command", action, conversation)


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
