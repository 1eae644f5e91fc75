"""``vestlus scale``: how large the pools are, and how large they should be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from cyclopts import Parameter

from vestlus.cli.beside import AsJson, print_json, run_on_store, say
from vestlus.desk.pools import LEASES, described
from vestlus.errors import VestlusError
from vestlus.scaling.size import MOST_REPLICAS, PoolSize, parse_size
from vestlus.store.pool_rows import Pool

if TYPE_CHECKING:
    from vestlus.settings import Settings
    from vestlus.store.port import Store

#: What is written to go back to what the settings say.
AS_SET: Final = "settings"

_NAMES: Final = {
    Pool.CONVERSATION: ("--conversation-actors", "ConversationActors"),
    Pool.PUBLISHER: ("--publisher-actors", "PublisherActors"),
    Pool.WEBHOOK: ("--webhook-replicas", "Webhook replicas"),
}


class SizeRefused(VestlusError):
    """A size cannot be taken. Its message says what can."""


def scale(
    *,
    conversation_actors: str | None = None,
    publisher_actors: str | None = None,
    webhook_replicas: str | None = None,
    as_json: Annotated[AsJson, Parameter()] = False,
) -> None:
    """Show how large the pools are, or resize them while the service runs.

    A size is a number, `auto`, `auto` with bounds such as `auto:1-8`, or `settings`, which takes
    back what was said here before. It is kept in the store, outlives restarts, and wins over the
    settings until these are changed. The service follows within some seconds; nothing is lost,
    and each user's messages stay in order.

    Parameters
    ----------
    conversation_actors
        How many ConversationActors; at most as many as there are partitions.
    publisher_actors
        How many PublisherActors; more than four would have nothing to do.
    webhook_replicas
        How many webhook replicas, 64 at most; with `auto`, Ray Serve counts requests and decides.
        On Kubernetes the manifests say how many, and this changes nothing.
    as_json
        Print JSON.
    """
    said = {
        Pool.CONVERSATION: conversation_actors,
        Pool.PUBLISHER: publisher_actors,
        Pool.WEBHOOK: webhook_replicas,
    }

    async def work(store: Store, settings: Settings) -> list[dict[str, Any]]:
        from vestlus.bus.port import Topology

        outbox = Topology(inbox=settings.partitions).outbox
        useful = {
            Pool.CONVERSATION: settings.partitions,
            Pool.PUBLISHER: outbox,
            Pool.WEBHOOK: MOST_REPLICAS,
        }
        wishes = {pool: _wish(pool, text, useful[pool]) for pool, text in said.items() if text}
        if wishes:
            await store.wish(wishes)
        return await described(store)

    told = run_on_store(work)
    if as_json:
        print_json(told)
        return
    for pool in told:
        _print(pool)
    if not any(pool["clusters"] for pool in told):
        say("No service runs on this store; the next one that starts follows what is wished.")


def _wish(pool: Pool, text: str, useful: int) -> str | None:
    """The size in its one spelling; None for what the settings say. Raises SizeRefused."""
    option = _NAMES[pool][0]
    if text == AS_SET:
        return None
    try:
        size: PoolSize = parse_size(text)
    except ValueError as error:
        raise SizeRefused(f"{option}: {error}; or {AS_SET}, for what they say") from None
    if size.least > useful:
        why = (
            "there are so many partitions, and more actors would have nothing to do"
            if pool in LEASES
            else "more are never started"
        )
        raise SizeRefused(f"{option}: must be at most {useful}: {why}")
    return str(size)


def _print(pool: dict[str, Any]) -> None:
    _, title = _NAMES[Pool(pool["pool"])]
    wish = f"wished for {pool['wish']}" if pool["wish"] else "as the settings say"
    say(f"{title}: {wish}")
    # The load of the others is the registry's to see to, theirs is Serve's.
    because = "resized because" if Pool(pool["pool"]) in LEASES else "not resized:"
    for one in pool["clusters"]:
        waiting = one["waiting_for_a_node"]
        parts = [
            f"{one['follows']} (settings: {one['settings']})",
            f"should be {one['wished']}",
            f"running {one['running']}",
            f"ready {one['ready']}",
            *([f"{waiting} waiting for a node"] if waiting else []),
            *([_busy(one)] if pool["partitions"] else []),
            *([f"{because} {one['reason']}"] if one["reason"] else []),
        ]
        on = f" on {one['host']}" if one["host"] else ""
        say(f"  cluster {one['cluster']}{on}: {', '.join(parts)}")
    for name, partitions in pool["partitions"].items():
        say(f"    {name}: partitions {', '.join(str(one) for one in partitions)}")


def _busy(told: dict[str, Any]) -> str:
    waited = told["oldest_waiting_seconds"]
    return f"busy {told['busy_percent']}%, oldest waiting {waited:.1f} s"
