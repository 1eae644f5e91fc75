"""``vestlus retention``: how long things are kept, and the walk that takes away what is old."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cyclopts import App

from vestlus.cli.beside import AsJson, moment, print_json, run_on_store, say

if TYPE_CHECKING:
    from vestlus.retention.accounts import AccountPeriods
    from vestlus.retention.pruner import Pruned
    from vestlus.settings import Settings
    from vestlus.store.port import Store

app = App(name="retention", help="See how long things are kept, and take away what is old.")


@app.command
def show(*, as_json: AsJson = False) -> None:
    """Show what may go now, by kind: everything that is over and older than the time told.

    Accounts are told apart where they say something else than most.
    """

    async def work(store: Store, settings: Settings) -> dict[str, dict[str, Any]]:
        return _told(settings.periods, await store.now_ms())

    kinds = run_on_store(work)
    if as_json:
        print_json(kinds)
        return
    for what, told in kinds.items():
        say(f"{what:<14} goes when it is over since {told['before']}")
        for account, before in told.get("accounts", {}).items():
            say(f"  of {account:<20} since {before}")


def _told(periods: AccountPeriods, now_ms: int) -> dict[str, dict[str, Any]]:
    def before(days: int) -> str:
        return moment(now_ms - days * 24 * 60 * 60 * 1000)

    told: dict[str, dict[str, Any]] = {}
    for what, common in periods.default.days.items():
        told[what] = {"before": before(common)}
        own = {
            account: before(one.days[what])
            for account, one in periods.accounts.items()
            if one.days[what] != common
        }
        if own:
            told[what]["accounts"] = own
    return told


@app.command(name="run")
def run_(*, as_json: AsJson = False) -> None:
    """Take away now what may go, instead of within the hour. Safe beside a running service."""

    async def work(store: Store, settings: Settings) -> Pruned:
        from vestlus.retention.pruner import Pruner

        # Whoever asks for it wants everything looked at.
        return await Pruner(store, settings.periods, whole=True).walk()

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
