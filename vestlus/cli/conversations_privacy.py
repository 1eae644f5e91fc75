"""``vestlus conversations export``, ``erase`` and ``erasures``: a user's data."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from vestlus.cli.demo_settings import demo_key
from vestlus.cli.noting import came_to, os_user, word
from vestlus.cli.operating import AsJson, Service, moment, print_json, run
from vestlus.clock import system_clock
from vestlus.conversation.identity import conversation_id
from vestlus.desk.user_data import NobodyMeant, Wish, conversation_of, erased, exported
from vestlus.errors import ConversationPreserved, VestlusError
from vestlus.private_files import write_privately
from vestlus.store.erasing import ERASE, Erasure, ErasureState, Way
from vestlus.store.operator_rows import AuditEntry

Yes = Annotated[bool, Parameter(name="--yes", negative="")]
EvenPreserved = Annotated[bool, Parameter(name="--even-preserved", negative="")]


_LEFT = "Nothing of it can be read. Its space is freed within a day; backups keep what they have."


class NotWritten(VestlusError):
    """The file could not be written; nothing was given out."""


class Preserved(VestlusError):
    """Somebody marked the conversation; nothing was erased."""


class NotConfirmed(VestlusError):
    """Erasing cannot be undone, and nobody said that it is meant."""


def add_to(app: App) -> None:
    """Adds the commands."""
    app.command(export)
    app.command(erase)
    app.command(erasures)


def export(
    conversation: str | None = None,
    *,
    account: str | None = None,
    user: str | None = None,
    output: Path | None = None,
) -> None:
    """Give out everything that is held of a user, as JSON.

    Parameters
    ----------
    conversation
        Its id; or name the account and the user.
    account
        The account's id.
    user
        The user's id, as Instagram gives it to this account.
    output
        Write to this file, which only you can read, and not to the terminal. One that is there is
        replaced.
    """

    async def work(service: Service) -> tuple[str, str, bytes]:
        of, by = await _meant(service, conversation, account, user)
        content = await exported(_with_key(service), of, by)
        # Whoever reads it, and however much of it.
        came_to(conversation_id(of, by), account=of)
        return of, by, content

    of, by, found = run(work)
    if output is None:
        print(found.decode(), end="")  # noqa: T201 - a command's output
        return
    try:
        write_privately(output, found)
    except OSError as error:
        came_to(conversation_id(of, by), word(NotWritten), account=of)
        message = f"--output {output}: {error.strerror or type(error).__name__}"
        raise NotWritten(message) from error
    print(f"Written to {output}.")  # noqa: T201 - a command's output


def erase(
    conversation: str | None = None,
    *,
    account: str | None = None,
    user: str | None = None,
    even_preserved: EvenPreserved = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Erase everything that is held of a user, for good.

    Parameters
    ----------
    conversation
        Its id; or name the account and the user, which is right too where nothing is held yet.
    account
        The account's id.
    user
        The user's id, as Instagram gives it to this account.
    even_preserved
        Also a conversation that somebody preserved: its mark goes with it.
    yes
        Ask for no confirmation.
    as_json
        Print JSON.
    """
    if not yes and not _confirmed():
        raise NotConfirmed("nothing was erased: it needs a yes, or --yes")

    async def work(service: Service) -> Erasure:
        whose = await _meant(service, conversation, account, user)
        who = os_user()
        # Whose data they were is nowhere in it.
        entry = AuditEntry(system_clock(), who, "", "command", ERASE)
        wish = Wish(by=who, way=Way.CLI, entry=entry, even_preserved=even_preserved)
        return await erased(_with_key(service), *whose, wish)

    try:
        done = run(work)
    except ConversationPreserved as preserved:
        raise Preserved(
            f"{preserved}. `vestlus conversations show` says why; --even-preserved erases it "
            "all the same"
        ) from preserved
    if as_json:
        print_json(_told(done))
        return
    rows = sum(done.counts.values())
    print(f"Erased: {rows} rows. Confirmation code: {done.code}")  # noqa: T201 - its output
    print(_LEFT)  # noqa: T201 - its output


def erasures(
    *,
    close: str | None = None,
    limit: int = 50,
    as_json: AsJson = False,
) -> None:
    """List erasures, the newest first; or end one that waits for a person.

    Parameters
    ----------
    close
        The code of one that waits for a person, who has seen to it now.
    limit
        At most so many.
    as_json
        Print JSON.
    """

    async def work(service: Service) -> tuple[Erasure, ...]:
        if close is not None and not await service.store.close_erasure(close.upper(), by=os_user()):
            raise NobodyMeant("no erasure of that code waits for a person")
        return await service.store.erasures(limit=limit)

    found = run(work)
    if as_json:
        print_json([_told(one) for one in found])
        return
    for one in found:
        waits = "  waits for a person" if one.state is ErasureState.OPEN else ""
        print(f"{one.code}  {moment(one.asked_ms)}  {one.way}  {one.state}{waits}")  # noqa: T201
    if not found:
        print("Nobody was erased yet.")  # noqa: T201 - a command's output


def _confirmed() -> bool:
    if not sys.stdin.isatty():
        return False
    answer = input("Everything that is held of this user goes for good. Write yes to go on: ")
    return answer.strip().lower() == "yes"


async def _meant(
    service: Service, conversation: str | None, account: str | None, user: str | None
) -> tuple[str, str]:
    """The account and the user. Raises NobodyMeant."""
    if conversation is not None and account is None and user is None:
        row = await conversation_of(service, conversation)
        return row.account, row.user
    if conversation is None and account and user:
        return account, user
    raise NobodyMeant("name a conversation by its id, or both --account and --user")


def _with_key(service: Service) -> Service:
    settings = service.settings
    if settings.encryption_key is not None:
        return service
    # Beside a demo, which made its key up.
    key = demo_key(settings.data_dir)
    return replace(service, settings=settings.model_copy(update={"encryption_key": key}))


def _told(erasure: Erasure) -> dict[str, Any]:
    return {
        "code": erasure.code,
        "asked_at": moment(erasure.asked_ms),
        "done_at": moment(erasure.done_ms),
        "way": str(erasure.way),
        "by": erasure.by,
        "state": str(erasure.state),
        "rows": dict(erasure.counts),
    }
