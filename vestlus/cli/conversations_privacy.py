"""``vestlus conversations export``, ``erase`` and ``erasures``: a user's data."""

from __future__ import annotations

import getpass
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from vestlus.cli.demo_settings import demo_key
from vestlus.cli.operating import AsJson, Service, moment, print_json, run
from vestlus.errors import VestlusError
from vestlus.privacy.open import open_privacy
from vestlus.privacy.operations import Privacy
from vestlus.store.erasing import Erasure, ErasureState, Way

Yes = Annotated[bool, Parameter(name="--yes", negative="")]


class NobodyMeant(VestlusError):
    """It is not clear whose data are meant. Its message says how to name them."""


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
        Write to this file, which only you can read, and not to the terminal.
    """

    async def work(service: Service) -> dict[str, Any]:
        whose = await _meant(service, conversation, account, user)
        found = await _privacy(service).export(*whose)
        if found is None:
            raise NobodyMeant("nothing is held of this user")
        return found.as_json()

    found = run(work)
    if output is None:
        print_json(found)
        return
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(found, file, ensure_ascii=False, indent=2)
        file.write("\n")
    print(f"Written to {output}.")  # noqa: T201 - a command's output


def erase(
    conversation: str | None = None,
    *,
    account: str | None = None,
    user: str | None = None,
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
    yes
        Ask for no confirmation.
    as_json
        Print JSON.
    """
    if not yes and not _confirmed():
        raise NotConfirmed("nothing was erased: it needs a yes, or --yes")

    async def work(service: Service) -> Erasure:
        whose = await _meant(service, conversation, account, user)
        return await _privacy(service).erase(*whose, by=getpass.getuser(), way=Way.CLI)

    done = run(work)
    if as_json:
        print_json(_told(done))
        return
    rows = sum(done.counts.values())
    print(f"Erased: {rows} rows. Confirmation code: {done.code}")  # noqa: T201 - its output
    print("Nothing of it can be read. Storage is reclaimed within a day.")  # noqa: T201


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
        if close is not None and not await service.store.close_erasure(
            close.upper(), by=getpass.getuser()
        ):
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
        rows = await service.store.load([conversation], 0)
        if conversation not in rows:
            raise NobodyMeant(
                "there is no such conversation: `vestlus conversations list` shows their ids"
            )
        return rows[conversation].account, rows[conversation].user
    if conversation is None and account and user:
        return account, user
    raise NobodyMeant("name a conversation by its id, or both --account and --user")


def _privacy(service: Service) -> Privacy:
    settings = service.settings
    if settings.encryption_key is None:
        # Beside a demo, which made its key up.
        key = demo_key(settings.data_dir)
        settings = settings.model_copy(update={"encryption_key": key})
    return open_privacy(settings, service.store, service.bus)


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
