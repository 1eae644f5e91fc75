"""``vestlus images``: the image bank by hand and from scripts."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from cyclopts import App, Parameter

if TYPE_CHECKING:
    from image_bank.catalogue import Picture
    from image_bank.storage import MediaStorage
    from vestlus.desk.images import ImageDesk
    from vestlus.settings import Settings
    from vestlus.store.port import Store

images = App(name="images", help="Keep the pictures that answers and posts are made of.")

AsJson = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON.")]
T = TypeVar("T")

#: How much of a description fits into a line of a list.
_SHORT = 60


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Said:
    """What is said of a picture that is added.

    Parameters
    ----------
    shows
        What it shows, in a sentence or two: the model chooses by this.
    alt
        What people who cannot see it are told.
    tags
        Words to find it by, separated by commas.
    language
        The language of words in the picture, such as et.
    rights
        Whose it is and under which terms it may be used.
    ai_generated
        AI made it: posts with it are disclosed to Instagram as made with AI.
    in_dms
        Whether answers may contain it.
    in_posts
        Whether posts may.
    valid_from
        The first day of its use, such as 2026-12-01.
    valid_until
        The last day.
    accounts
        Ids of the accounts that may use it, separated by commas; all without this.
    post
        Add borders, or cut, where its proportions are none that Instagram posts.
    """

    shows: str
    alt: str = ""
    tags: str = ""
    language: str = ""
    rights: str = ""
    ai_generated: Annotated[bool, Parameter(negative="")] = False
    in_dms: bool = True
    in_posts: bool = True
    valid_from: str | None = None
    valid_until: str | None = None
    accounts: str = ""
    post: Literal["pad", "crop"] | None = None


@images.command
def add(
    file: Path,
    *,
    id: str,  # noqa: A002 - the name of the option
    said: Said,
    replace: Annotated[bool, Parameter(negative="")] = False,
    as_json: AsJson = False,
) -> None:
    """Check a picture, bring it into the form that Instagram takes, and add it.

    Parameters
    ----------
    file
        PNG, JPEG, WebP or GIF, whatever its name ends in.
    id
        Its name in the bank: small letters, digits and hyphens.
    replace
        Put it in the place of the one that was added under this id.
    """
    from image_bank.catalogue import as_values
    from image_bank.command import bytes_of
    from image_bank.description import describe
    from image_bank.keeping import check_id

    check_id(id, id)
    description = describe(id, asdict(said))
    data = bytes_of(file)

    picture = _at_desk(lambda desk: desk.add(id, description, data, replacing=replace))
    if as_json:
        _say_json(as_values(picture))
    else:
        _say(f"{picture.id}: added, {picture.width} x {picture.height}, {picture.size} bytes")


@images.command(name="list")
def list_(*, account: str | None = None, as_json: AsJson = False) -> None:
    """List the pictures.

    Parameters
    ----------
    account
        Only those that this account may use.
    """
    from image_bank.catalogue import as_values

    pictures = [
        one
        for one in _all().values()
        if account is None or not one.accounts or account in one.accounts
    ]
    if as_json:
        _say_json([as_values(one) for one in pictures])
        return
    for one in pictures:
        where = ("DM" if one.in_dms else "--") + (" post" if one.in_posts else " ----")
        until = f" until {one.valid_until}" if one.valid_until else ""
        shows = one.shows if len(one.shows) <= _SHORT else f"{one.shows[: _SHORT - 1]}…"
        _say(f"{one.id:<24}  {where}  {one.source:<6}  {shows}{until}")
    if not pictures:
        _say("The bank has no such pictures.")


@images.command
def show(id: str, *, as_json: AsJson = False) -> None:  # noqa: A002 - the name of the argument
    """Show everything that is known of a picture.

    Parameters
    ----------
    id
        The picture.
    """
    from image_bank.catalogue import as_values
    from image_bank.errors import CatalogueRefused

    picture = _all().get(id)
    if picture is None:
        raise CatalogueRefused((f"{id}: is not in the bank",))
    values = as_values(picture)
    if as_json:
        _say_json(values)
        return
    for key, value in values.items():
        said = ", ".join(value) if isinstance(value, list) else value
        _say(f"{key + ':':<12} {'' if said is None else said}".rstrip())


@images.command
def check(
    *, strict: Annotated[bool, Parameter(negative="")] = False, as_json: AsJson = False
) -> None:
    """Look over the bank: files, validity, rights, alternative texts.

    The exit status is 1 when a picture cannot be sent because its file is missing or damaged.

    Parameters
    ----------
    strict
        Warnings make the exit status 1 too.
    """
    from image_bank.command import with_bank
    from image_bank.examining import Finding, Severity, examine

    async def looking(
        bank: Store, storage: MediaStorage, settings: Settings
    ) -> tuple[Finding, ...]:
        served = [account.id for account in settings.accounts]
        return await examine(bank, storage, date.today(), served)  # noqa: DTZ011 - the operator's day

    findings = with_bank(looking)
    if as_json:
        _say_json(
            [
                {"picture": one.picture, "severity": one.severity, "problem": one.problem}
                for one in findings
            ]
        )
    else:
        for one in findings:
            _say(f"{one.severity}: {one.picture}: {one.problem}")
        if not findings:
            _say("All pictures are in order.")
    if any(strict or one.severity is Severity.ERROR for one in findings):
        raise SystemExit(1)


@images.command
def remove(id: str, /, *more: str, as_json: AsJson = False) -> None:  # noqa: A002 - see above
    """Remove pictures. Their links end at once.

    Parameters
    ----------
    id
        The picture.
    more
        More pictures.
    """
    ids = sorted({id, *more})
    _at_desk(lambda desk: desk.remove(ids))
    if as_json:
        _say_json({"removed": ids})
    else:
        _say("\n".join(f"{one}: removed" for one in ids))


@images.command(name="describe")
def describe_(
    id: str,  # noqa: A002 - the name of the argument
    *,
    said: Said,
    as_json: AsJson = False,
) -> None:
    """Say something else of a picture that was added by hand; its file stays.

    All of it is said anew: what is left out is empty, or as it is where nothing is said.

    Parameters
    ----------
    id
        The picture.
    """
    from image_bank.catalogue import as_values
    from image_bank.description import describe

    description = describe(id, asdict(said))
    picture = _at_desk(lambda desk: desk.describe(id, description))
    if as_json:
        _say_json(as_values(picture))
    else:
        _say(f"{picture.id}: described")


@images.command
def retire(id: str, *, as_json: AsJson = False) -> None:  # noqa: A002 - see above
    """End a picture's use with yesterday. It stays in the bank; `describe` lets it be used again.

    Parameters
    ----------
    id
        The picture.
    """
    from image_bank.catalogue import as_values

    picture = _at_desk(lambda desk: desk.retire(id))
    if as_json:
        _say_json(as_values(picture))
    else:
        _say(f"{picture.id}: may be used until {picture.valid_until}, no longer")


@images.command
def uses(id: str, *, as_json: AsJson = False) -> None:  # noqa: A002 - see above
    """Show where a picture was used: answers, posts, and what names it for posts to come.

    Parameters
    ----------
    id
        The picture.
    """
    from vestlus.desk.images import uses_values

    told = uses_values(_at_desk(lambda desk: desk.uses(id)))
    if as_json:
        _say_json(told)
        return
    answers = told["answers"]
    _say(f"answers:   {answers['with_it']} of the last {answers['looked_at']} with pictures")
    for one in told["posts"]:
        _say(f"post:      {one['id']}  {one['planned_at']}  {one['state']}")
    for kind in ("schedules", "event_rules"):
        for name in told[kind]:
            _say(f"{kind.replace('_', ' ')[:-1] + ':':<10} {name}")


def _at_desk(work: Callable[[ImageDesk], Awaitable[T]]) -> T:
    from image_bank.command import with_bank
    from vestlus.cli.noting import work_done
    from vestlus.clock import system_clock
    from vestlus.desk.images import ImageDesk

    async def working(store: Store, storage: MediaStorage, settings: Settings) -> T:
        desk = ImageDesk(store=store, storage=storage, settings=settings, clock=system_clock)
        return await work(desk)

    done = with_bank(working)
    work_done()
    return done


def _all() -> dict[str, Picture]:
    from image_bank.command import with_bank
    from image_bank.keeping import read_catalogue

    async def reading(bank: Store, _: MediaStorage, __: Settings) -> dict[str, Picture]:
        return dict((await read_catalogue(bank)).pictures)

    return with_bank(reading)


def _say_json(values: object) -> None:
    _say(json.dumps(values, ensure_ascii=False, indent=2))


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a command's output
