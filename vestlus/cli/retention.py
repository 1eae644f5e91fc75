"""``vestlus retention``: how long things are kept, and the walk that takes away what is old."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cyclopts import App

from vestlus.cli.beside import AsJson, moment, print_json, run_on_store, say
from vestlus.errors import VestlusError

if TYPE_CHECKING:
    from vestlus.retention.pruner import Pruned
    from vestlus.settings import Settings
    from vestlus.store.port import Store

app = App(name="retention", help="See how long things are kept; prune, preserve.")


class NoConversation(VestlusError):
    """There is no conversation of that id."""


@app.command
def show(*, as_json: AsJson = False) -> None:
    """Show what may go now, by kind: everything that is over and older than the time told."""

    async def work(store: Store, settings: Settings) -> dict[str, int]:
        before = settings.retention.periods.before_ms(await store.now_ms())
        return {str(what): at_ms for what, at_ms in before.items()}

    before = run_on_store(work)
    if as_json:
        print_json({what: {"before": moment(at_ms)} for what, at_ms in before.items()})
        return
    for what, at_ms in before.items():
        say(f"{what:<14} goes when it is over since {moment(at_ms)}")


@app.command(name="run")
def run_(*, as_json: AsJson = False) -> None:
    """Take away now what may go, instead of within the hour. Safe beside a running service."""

    async def work(store: Store, settings: Settings) -> Pruned:
        from vestlus.retention.pruner import Pruner

        return await Pruner(store, settings.retention.periods).walk()

    pruned = run_on_store(work)
    if as_json:
        print_json(pruned.told())
        return
    for what, count in pruned.told()["removed"].items():
        say(f"{what:<14} {count}")
    if pruned.weeks_dropped:
        say(f"whole weeks of messages: {', '.join(pruned.weeks_dropped)}")
    if pruned.bytes_given_back:
        say(f"given back to the file system: {pruned.bytes_given_back} bytes")


@app.command
def preserve(conversation: str) -> None:
    """Keep everything of a conversation, whatever its age, until it is released.

    Parameters
    ----------
    conversation
        Its id, as `vestlus conversations list --json` has it.
    """
    _mark(conversation, preserved=True)
    say("Nothing of this conversation is pruned.")


@app.command
def release(conversation: str) -> None:
    """Let a preserved conversation go the way of all others.

    Parameters
    ----------
    conversation
        Its id.
    """
    _mark(conversation, preserved=False)
    say("What of this conversation is old goes within the hour.")


def _mark(conversation: str, *, preserved: bool) -> None:
    async def work(store: Store, _: Settings) -> bool:
        return await store.preserve(conversation, preserved=preserved)

    if not run_on_store(work):
        message = "there is no such conversation: `vestlus conversations list --json` has their ids"
        raise NoConversation(message)
