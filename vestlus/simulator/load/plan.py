"""What a load of messages is to be, as the process is told it."""

import random
from dataclasses import dataclass, field

from vestlus.simulator.faults import GRAPH_KINDS, GRAPH_OPS, MODEL_KINDS, MODEL_OPS, FaultPlan
from vestlus.simulator.jsontypes import (
    BadInputError,
    Json,
    JsonObject,
    as_list,
    as_object,
    get_choice,
    get_number,
    get_text,
)
from vestlus.simulator.webhook_settings import WebhookSettings

SPREADS = ("zipf", "uniform")
#: What goes wrong at which of the two: `webhooks` changes how echoes are posted.
PLACES = ("graph", "model", "webhooks")


@dataclass(frozen=True, slots=True)
class TimedFault:
    """A rule of the simulator's, and when it is in force, seconds from the start.

    `until` is None for one that stays.
    """

    at: float
    until: float | None
    place: str
    body: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A load. Times are seconds, `rate` is messages a second over all users.

    Args:
        run: Digits that users' ids begin with, other ones in each run. The first is not 8.
        webhook_url: Where the service takes webhooks.
        graph_url: The pretend Instagram.
        model_url: The pretend model.
        app_secret: Signs the webhooks.
        accounts: Users write to these, each to one of them.
        bursts: Every so many seconds, so many users write at once; none at 0.
        pictures: The share of messages that bring a picture.
        per_post: Messages in one webhook.
        drain: How long answers are waited for at the end.

    """

    run: str
    webhook_url: str
    graph_url: str
    model_url: str
    app_secret: str = field(repr=False)
    accounts: tuple[str, ...]
    users: int
    rate: float
    seconds: float
    seed: int = 0
    spread: str = "zipf"
    burst_size: int = 0
    burst_every: float = 0.0
    pictures: float = 0.0
    per_post: int = 1
    drain: float = 60.0
    patience: float = 120.0
    model_latency: Json = 0.0
    faults: tuple[TimedFault, ...] = ()


def read_plan(body: JsonObject) -> Plan:
    """Read a plan.

    Raises:
        BadInputError: With every wrong fault on a line of its own, or what else is wrong.

    """
    accounts = tuple(str(each) for each in as_list(body.get("accounts"), "accounts"))
    if not accounts:
        message = "a load needs an account"
        raise BadInputError(message)
    texts = {
        name: get_text(body, name) or ""
        for name in ("run", "webhook_url", "graph_url", "model_url", "app_secret")
    }
    return Plan(
        **texts,
        accounts=accounts,
        users=int(get_number(body, "users", 1, least=1)),
        rate=get_number(body, "rate", 1.0),
        seconds=get_number(body, "seconds", 1.0),
        seed=int(get_number(body, "seed", 0)),
        spread=get_choice(body, "spread", "zipf", SPREADS),
        burst_size=int(get_number(body, "burst_size", 0)),
        burst_every=get_number(body, "burst_every", 0.0),
        pictures=get_number(body, "pictures", 0.0),
        per_post=int(get_number(body, "per_post", 1, least=1)),
        drain=get_number(body, "drain", 60.0),
        patience=get_number(body, "patience", 120.0),
        model_latency=body.get("model_latency", 0.0),
        faults=read_faults(body.get("faults", [])),
    )


def read_faults(value: Json) -> tuple[TimedFault, ...]:
    """Read a list of `{at, seconds?, on, …}`, where the rest is a rule of the simulator's.

    Raises:
        BadInputError: With every wrong one on a line of its own.

    """
    found: list[TimedFault] = []
    problems: list[str] = []
    for number, each in enumerate(as_list(value, "faults"), start=1):
        try:
            found.append(_fault(as_object(each, "a fault")))
        except BadInputError as error:
            problems.append(f"fault {number}: {error}")
    if problems:
        raise BadInputError("\n".join(problems))
    return tuple(sorted(found, key=lambda fault: fault.at))


#: The fields of a rule, beside those of a fault.
_RULE = frozenset(
    {"kind", "op", "probability", "next", "account", "user", "contains", "fresh_seconds"}
    | {"code", "subcode", "status", "done", "regain_minutes", "retry_after"}
    | {"text", "instructions", "takes"}
)


def _fault(body: JsonObject) -> TimedFault:
    place = get_choice(body, "on", "graph", PLACES)
    at = get_number(body, "at", 0.0)
    until = at + get_number(body, "seconds", 0.0) if "seconds" in body else None
    rest = {name: each for name, each in body.items() if name not in {"at", "seconds", "on"}}
    if place == "webhooks":
        WebhookSettings().changed(rest)
        return TimedFault(at, until, place, rest)
    if unknown := set(rest) - _RULE:
        message = f"unknown: {', '.join(sorted(unknown))}"
        raise BadInputError(message)
    # How long one call takes is `seconds` in a rule, which here is how long the rule is in force.
    if "takes" in rest:
        rest["seconds"] = rest.pop("takes")
    kinds, ops = (GRAPH_KINDS, GRAPH_OPS) if place == "graph" else (MODEL_KINDS, MODEL_OPS)
    FaultPlan(kinds, ops, random.Random(0)).change([rest], clear=True)  # noqa: S311 - only looked at
    return TimedFault(at, until, place, rest)
