"""``vestlus conversations recover``: messages whose webhooks never came are looked for."""

from __future__ import annotations

from vestlus.bus.port import Queue, Topology
from vestlus.cli.noting import came_to
from vestlus.cli.operating import AsJson, Service, print_json, run
from vestlus.clock import system_clock
from vestlus.conversation.identity import outbox_partition_of
from vestlus.conversation.window import HUMAN_AGENT_WINDOW_MS
from vestlus.errors import VestlusError
from vestlus.messages import SearchRequest, encode, outbox_message


class RecoveryRefused(VestlusError):
    """Nothing was asked for. Its message says what to mend."""


def recover(*, account: str | None = None, hours: float = 24.0, as_json: AsJson = False) -> None:
    """Have Instagram asked for messages whose webhooks never came, as the service does by itself.

    What is found is taken in as if it had arrived; what is too old for an answer is shown by
    `list --waiting`.

    Parameters
    ----------
    account
        Only those of this account.
    hours
        How far back, at most 7 days: nobody may write to users who wrote before that.
    as_json
        Print JSON.
    """
    if not 0 < hours <= HUMAN_AGENT_WINDOW_MS / 3_600_000:
        raise RecoveryRefused("--hours must be more than 0 and at most 168, which are 7 days")
    accounts = run(lambda service: _asked_to_recover(service, account, hours))
    if as_json:
        print_json([{"account": one, "hours": hours} for one in accounts])
        return
    for one in accounts:
        print(f"{one}: handed in; what is missing is taken in within minutes.")  # noqa: T201


async def _asked_to_recover(service: Service, account: str | None, hours: float) -> list[str]:
    """Rings at the publishers of the accounts; those accounts."""
    configured = [one.id for one in service.settings.accounts]
    wanted = [one for one in configured if account in (None, one)]
    if not wanted:
        named = ", ".join(configured) or "none"
        raise RecoveryRefused(f"there is no such account in the settings; there are: {named}")
    now = system_clock()
    request_ms = now - round(hours * 3_600_000)
    outboxes = Topology(inbox=service.settings.partitions).outbox
    for one in wanted:
        message = outbox_message(
            (), at_ms=now, searches=(SearchRequest(account=one, since_ms=request_ms),)
        )
        await service.bus.publish(
            Queue.OUTBOX, outbox_partition_of(one, outboxes), [encode(message)]
        )
        came_to(one)
    return wanted
