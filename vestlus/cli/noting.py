"""Commands that change something, in the audit: who ran what, and what came of it.

A command says what became of what it was given as soon as that is known, and its runners say when
its work is done. Its entries are written when it has ended, however it ended; what it hands in to a
conversation's owner is written before.
"""

from __future__ import annotations

import asyncio
import getpass
import re
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from inspect import BoundArguments
from typing import TYPE_CHECKING, Any, Final

from vestlus.cli.acts import Act, act_of
from vestlus.errors import StoreError, VestlusError
from vestlus.store.operator_rows import DONE, FAILED, HANDED_IN

if TYPE_CHECKING:
    from vestlus.settings import Settings
    from vestlus.store.operator_rows import AuditEntry
    from vestlus.store.port import Store


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of something."""

    word: str
    detail: str = ""
    #: Whose it was, where the store cannot say so any more.
    account: str = ""


@dataclass(slots=True)
class _Noting:
    """A command that is run."""

    act: Act
    #: What became of each target; None where its entry is in the audit.
    outcomes: dict[str, Outcome | None] = field(default_factory=dict)
    #: What ends the command from then on ends what it says of its work.
    is_done: bool = False


#: The command of this process, if it is one that changes something.
_running: Final[ContextVar[_Noting | None]] = ContextVar("running", default=None)


def os_user() -> str:
    """Who runs this, as the system says."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # In a container whose user has no entry.
        return "unnamed"


def came_to(target: str, outcome: str = DONE, *, account: str = "") -> None:
    """Says what became of something that the command was given, in the place of what was said
    before. What nothing is said of comes to what the command comes to.
    """
    noting = _running.get()
    if noting is not None:
        noting.outcomes[target] = Outcome(outcome, account=account)


def work_done() -> None:
    """Says that the command's work went through. Of what ends it then only errors of ours say that
    it was refused all the same: that nobody reads its output, or Ctrl-C, undoes nothing.
    """
    noting = _running.get()
    if noting is not None:
        noting.is_done = True


@asynccontextmanager
async def handing_in(store: Store, target: str, key: str, account: str) -> AsyncIterator[None]:
    """Around what is handed in to a conversation's owner: it is in the audit before, with the key
    of the event; of what could not be handed in there is another entry.

    Raises StoreUnavailable at its beginning, upon which nothing is to be handed in.
    """
    noting = _running.get()
    if noting is None:
        yield
        return
    await store.audit(_entry(noting.act, target, Outcome(HANDED_IN, key, account)))
    noting.outcomes[target] = Outcome(FAILED, key, account)
    yield
    noting.outcomes[target] = None


@contextmanager
def noted(command: Callable[..., Any], given: BoundArguments) -> Iterator[None]:
    """Notes a command when it has ended, if it is one that changes something. What it has said
    nothing of is noted as done, or with the name of the error of ours that ended it, or as failed
    by anything else: some of it may be done. What was not done is named only where there is that.
    """
    arguments = given.arguments
    act = act_of(command, arguments)
    if act is None:
        yield
        return
    noting = _Noting(act)
    token = _running.set(noting)
    try:
        yield
    except BaseException as error:
        _write(noting, arguments, _outcome_of(noting, error))
        raise
    else:
        _write(noting, arguments, DONE)
    finally:
        _running.reset(token)


def word(kind: type[Exception]) -> str:
    """What an error is called in the audit."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


def _outcome_of(noting: _Noting, error: BaseException) -> str:
    if isinstance(error, VestlusError):
        return word(type(error))
    return DONE if noting.is_done else FAILED


def _write(noting: _Noting, arguments: dict[str, Any], outcome: str) -> None:
    act = noting.act
    told = {target: one for target, one in noting.outcomes.items() if one is not None}
    if not (act.itself and outcome == DONE):
        given = [one for one in act.targets_of(arguments) if one not in noting.outcomes]
        if not given and not noting.outcomes:
            given = [""]
        told |= dict.fromkeys(given, Outcome(outcome))
    if not told:
        return

    async def write(store: Store, settings: Settings) -> None:
        for entry in await _entries(act, told, store, settings):
            await store.audit(entry)

    try:
        # After a repartition the store has the number that was given.
        partitions = arguments.get("partitions") if outcome == DONE else None
        asyncio.run(_on_store(write, partitions))
    except (VestlusError, OSError, ValueError) as error:
        kind = StoreError.__name__ if isinstance(error, StoreError) else type(error).__name__
        print(f"This is not in the audit log: {kind}.", file=sys.stderr)  # noqa: T201 - its output


async def _entries(
    act: Act, told: dict[str, Outcome], store: Store, settings: Settings
) -> Sequence[AuditEntry]:
    """Without the names of what was not done and there is not; all of these are one entry."""
    named: dict[tuple[str, Outcome], None] = {}
    for target, one in told.items():
        # Of what was done there was everything.
        known = one.word == DONE or await act.knows(store, settings, target)
        named[target if known else "", one] = None
    # Where something of the same outcome is named, an entry of nothing says no more.
    outcomes = {one for target, one in named if target}
    return [_entry(act, target, one) for target, one in named if target or one not in outcomes]


def _entry(act: Act, target: str, outcome: Outcome) -> AuditEntry:
    from vestlus.clock import system_clock
    from vestlus.store.operator_rows import AuditEntry

    return AuditEntry(
        system_clock(),
        os_user(),
        "",
        "command",
        act.action,
        target,
        outcome.word,
        outcome.detail,
        account=outcome.account,
    )


async def _on_store(work: Callable[[Store, Settings], Any], partitions: int | None) -> None:
    from vestlus.bus.port import Topology
    from vestlus.cli.demo_settings import operator_settings
    from vestlus.store.open import open_store

    settings = operator_settings()
    topology = Topology(inbox=partitions or settings.partitions)
    async with open_store(
        settings.database, partitions=topology.inbox, outbox_partitions=topology.outbox
    ) as store:
        await work(store, settings)
