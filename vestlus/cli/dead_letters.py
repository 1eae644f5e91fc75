"""``vestlus dead-letters``: what was given up, and what people make of it."""

from __future__ import annotations

import json
from typing import Annotated, Any

from cyclopts import App, Parameter

from vestlus.cli.noting import came_to, os_user, word
from vestlus.cli.operating import AsJson, Service, moment, print_json, run
from vestlus.clock import system_clock
from vestlus.conversation.replaying import Refusal
from vestlus.desk.dead_letters import WHY, Wish, discarded, letter_named, replayed
from vestlus.errors import VestlusError
from vestlus.privacy.export import readable
from vestlus.store.rows import DeadLetter, LetterState, LettersWanted

app = App(
    name="dead-letters",
    help="See to what was given up: what it was, why, what happened; replay it or discard it.",
)

HOUR_MS = 3_600_000


class ReplayRefused(VestlusError):
    """Some of what was named was not replayed. Its message says for each why."""


class NotDiscarded(VestlusError):
    """Somebody has seen to it already."""


@app.command(name="list")
def list_(
    *,
    state: LetterState | None = LetterState.OPEN,
    every: Annotated[bool, Parameter(name="--all", negative="")] = False,
    unknown: Annotated[bool, Parameter(negative="")] = False,
    reason: str | None = None,
    account: str | None = None,
    newer: float | None = None,
    older: float | None = None,
    behind: str | None = None,
    limit: int = 50,
    as_json: AsJson = False,
) -> None:
    """List dead letters, newest first.

    Parameters
    ----------
    state
        open (nobody has seen to it), replayed or discarded.
    every
        Those of any state.
    unknown
        Only sends that may have been done all the same.
    reason
        Only those with this reason.
    account
        Only those of this account.
    newer
        Only those given up within so many hours.
    older
        Only those given up more than so many hours ago.
    behind
        The next page: what is listed behind the letter of this id.
    limit
        At most so many.
    as_json
        Print JSON.
    """
    now = system_clock()
    wanted = LettersWanted(
        state=None if every else state,
        reason=reason,
        account=account,
        doubtful=True if unknown else None,
        since_ms=0 if newer is None else now - round(newer * HOUR_MS),
        before_ms=None if older is None else now - round(older * HOUR_MS),
        behind=behind,
    )
    letters = run(lambda service: service.store.dead_letters(limit=limit, wanted=wanted))
    if as_json:
        print_json([_summary(letter) for letter in letters])
        return
    for letter in letters:
        print(_line(letter))  # noqa: T201 - a command's output
    if not letters:
        print("There are no such dead letters.")  # noqa: T201 - a command's output
    elif len(letters) == limit:
        print(f"There may be more: --behind {letters[-1].id}")  # noqa: T201 - its output


@app.command
def show(letter: str, *, as_json: AsJson = False) -> None:
    """Show a dead letter whole: the envelope with what was said, and its history.

    Parameters
    ----------
    letter
        Its id, as `list` prints it.
    as_json
        Print JSON.
    """
    found = run(lambda service: letter_named(service, letter))
    held = readable(found.body)
    history = [
        {"at": moment(one.at_ms), "what": one.what, "detail": one.detail} for one in found.history
    ]
    if as_json:
        print_json({**_summary(found), "history": history, "envelope": held})
        return
    print(_line(found))  # noqa: T201 - a command's output
    for one in found.history:
        print(f"  {moment(one.at_ms)} {one.what} {one.detail}".rstrip())  # noqa: T201
    if not found.body:
        print("  Its content is gone.")  # noqa: T201 - a command's output
        return
    shown = json.dumps(held, ensure_ascii=False, indent=2)
    print("\n".join(f"  {line}" for line in shown.splitlines()))  # noqa: T201


@app.command
def replay(
    *letters: str,
    although_it_may_have_been_sent: Annotated[bool, Parameter(negative="")] = False,
    by: str | None = None,
    as_json: AsJson = False,
) -> None:
    """Let dead letters go on their way again, the oldest first.

    A message of a user's is answered as if it had just come in; an answer is sent behind what is
    already on its way to that user. Nothing is replayed once Instagram's window has closed.

    Parameters
    ----------
    letters
        Their ids, as `list` prints them.
    although_it_may_have_been_sent
        Also what ended as unknown, which the user may have already.
    by
        Who wishes it, for the history; the name of whoever runs this otherwise.
    as_json
        Print JSON.
    """
    wish = Wish(by or os_user(), although_it_may_have_been_sent)

    async def work(service: Service) -> list[tuple[str, Refusal | None]]:
        found = await replayed(service, letters, wish, service.handing_written)
        for letter, refusal in found:
            if refusal is not None:
                came_to(letter, str(refusal))
        return found

    outcomes = run(work)
    if as_json:
        print_json([{"letter": one, "refused": refusal} for one, refusal in outcomes])
    refused = [
        f"{letter}: not replayed: {WHY.get(Refusal(refusal), refusal)}"
        for letter, refusal in outcomes
        if refusal
    ]
    if not as_json:
        for letter, refusal in outcomes:
            if not refusal:
                print(f"{letter}: handed in")  # noqa: T201 - a command's output
    if refused:
        raise ReplayRefused("\n".join(refused))


@app.command
def discard(*letters: str, by: str | None = None, as_json: AsJson = False) -> None:
    """Put dead letters away. Who did it and when is kept; what was said is not.

    Parameters
    ----------
    letters
        Their ids, as `list` prints them.
    by
        Who wishes it, for the history; the name of whoever runs this otherwise.
    as_json
        Print JSON.
    """
    named = tuple(dict.fromkeys(letters))

    async def work(service: Service) -> list[str]:
        for one in named:
            # Nothing of a misspelt command is done.
            await letter_named(service, one)
        undone = []
        for one in named:
            if await discarded(service, one, by or os_user()):
                came_to(one)
            else:
                came_to(one, word(NotDiscarded))
                undone.append(one)
        return undone

    undone = run(work)
    if as_json:
        print_json([{"letter": one, "discarded": one not in undone} for one in named])
    if undone:
        raise NotDiscarded(
            "\n".join(f"{one}: not discarded: somebody has seen to it already" for one in undone)
        )
    if not as_json:
        print("\n".join(f"{one}: discarded" for one in named))  # noqa: T201 - its output


def _summary(letter: DeadLetter) -> dict[str, Any]:
    return {
        "letter": letter.id,
        "state": str(letter.state),
        "reason": letter.reason,
        "may_have_been_sent": letter.doubtful,
        "source": letter.source,
        "given_up_at": moment(letter.at_ms),
        "account": letter.account or "",
        "user": letter.user or "",
        "conversation": letter.conversation or "",
        "replays": letter.replays,
    }


def _line(letter: DeadLetter) -> str:
    doubt = " (may have been sent)" if letter.doubtful else ""
    state = "" if letter.state is LetterState.OPEN else f"  {letter.state}"
    whose = f"  {letter.conversation}" if letter.conversation else ""
    return (
        f"{letter.id}  {moment(letter.at_ms)}  {letter.source}: {letter.reason}{doubt}"
        f"{whose}{state}"
    )
