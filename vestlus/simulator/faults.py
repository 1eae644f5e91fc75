"""Which call goes wrong, and how: rules with a probability or a number of calls, and a seed."""

import random
from collections import Counter
from dataclasses import dataclass

from vestlus.simulator.jsontypes import (
    BadInputError,
    Json,
    JsonObject,
    as_list,
    as_object,
    get_flag,
    get_number,
    get_text,
    mentions,
)

# Kinds and the seconds they take when a rule does not say.
GRAPH_KINDS = {
    "apply": 0.0,
    "drop": 0.0,
    "refuse": 0.0,
    "throttle": 0.0,
    "server_error": 0.0,
    "hang": 30.0,
    "late": 5.0,
    "slow": 2.0,
    "garbage": 0.0,
    "error": 0.0,
}
GRAPH_OPS = (
    *("send", "action", "conversations", "upload"),
    *("container", "status", "publish", "quota", "posts"),
)
MODEL_KINDS = {
    "rate_limit": 1.0,
    "server_error": 0.0,
    "unavailable": 0.0,
    "hang": 30.0,
    "garbage": 0.0,
    "bad_output": 0.0,
    "refusal": 0.0,
    "empty": 0.0,
    "truncated": 0.0,
    "quota": 0.0,
    "content_filter": 0.0,
    "filtered_output": 0.0,
    "say": 0.0,
}
MODEL_OPS = ("model", "embeddings")
# The kinds that put words into the model's mouth.
SCRIPTED = ("say",)
# The kinds that are an error of Meta's by its code.
CODED = ("error",)


@dataclass(frozen=True, slots=True)
class InjectedError:
    """An error of Meta's to answer with.

    `done`: what was asked for is done all the same. `regain_minutes` is what the usage headers
    tell then, beside 100 %, and `retry_after` a header of that name, in seconds; 0 for none.
    """

    code: int
    subcode: int | None = None
    status: int = 400
    done: bool = False
    regain_minutes: int = 0
    retry_after: int = 0

    @classmethod
    def parse(cls, body: JsonObject) -> "InjectedError":
        """Read what a rule says of it.

        Raises:
            BadInputError: If the rule says no code, or nonsense.

        """
        if "code" not in body:
            message = f"kind {CODED[0]} needs a code"
            raise BadInputError(message)
        subcode = get_number(body, "subcode", 0)
        return cls(
            code=int(get_number(body, "code", 0, least=-100)),
            subcode=int(subcode) or None,
            status=int(get_number(body, "status", 400, least=200)),
            done=get_flag(body, "done", default=False),
            regain_minutes=int(get_number(body, "regain_minutes", 0)),
            retry_after=int(get_number(body, "retry_after", 0)),
        )

    def to_json(self) -> JsonObject:
        """Return the form of the control API."""
        return {
            "code": self.code,
            "subcode": self.subcode or 0,
            "status": self.status,
            "done": self.done,
            "regain_minutes": self.regain_minutes,
            "retry_after": self.retry_after,
        }


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that fires now.

    `text` and `instructions` belong to the kind `say`, `error` to the kind `error`.
    """

    kind: str
    seconds: float
    text: str | None = None
    instructions: bool = False
    error: InjectedError | None = None


@dataclass(slots=True)
class Rule:
    """When a fault fires: for the next `left` matching calls, or with `probability`."""

    kind: str
    seconds: float
    op: str
    probability: float | None
    left: int
    account: str | None
    user: str | None
    contains: str | None = None
    text: str | None = None
    instructions: bool = False
    error: InjectedError | None = None
    fresh_seconds: float | None = None

    def matches(
        self, op: str, account: str | None, user: str | None, body: Json, age_seconds: float
    ) -> bool:
        """Tell whether a call is one this rule is about and may still hit."""
        return (
            self.op in {op, "any"}
            and self.account in {None, account}
            and self.user in {None, user}
            and (self.probability is not None or self.left > 0)
            and (self.contains is None or mentions(body, self.contains))
            and (self.fresh_seconds is None or age_seconds <= self.fresh_seconds)
        )

    def to_json(self) -> JsonObject:
        """Return the form of the control API."""
        chance: JsonObject = (
            {"next": self.left} if self.probability is None else {"probability": self.probability}
        )
        script: JsonObject = (
            {"text": self.text, "instructions": self.instructions} if self.kind in SCRIPTED else {}
        )
        return {
            "kind": self.kind,
            "seconds": self.seconds,
            "op": self.op,
            "account": self.account,
            "user": self.user,
            "contains": self.contains,
            "fresh_seconds": self.fresh_seconds,
            **script,
            **(self.error.to_json() if self.error else {}),
            **chance,
        }


class FaultPlan:
    """The rules in force for one interface, and how often each kind fired.

    Args:
        kinds: The kinds there are, each with its default seconds.
        ops: The operations a rule may name; the first is the default, `any` is all of them.
        rng: Decides the chances.

    """

    def __init__(self, kinds: dict[str, float], ops: tuple[str, ...], rng: random.Random) -> None:
        self._kinds = kinds
        self._ops = ops
        self._rng = rng
        self._rules: list[Rule] = []
        self.fired: Counter[str] = Counter()
        # The same by operation and kind: "send apply".
        self.fired_by_op: Counter[str] = Counter()

    def change(self, rules: Json, *, clear: bool) -> None:
        """Add rules, after dropping the old ones if `clear`.

        Raises:
            BadInputError: If a rule is not one; then nothing changes.

        """
        new = [self._parse(as_object(rule, "a rule")) for rule in as_list(rules, "rules")]
        self._rules = ([] if clear else self._rules) + new

    def draw(
        self,
        op: str,
        account: str | None = None,
        user: str | None = None,
        *,
        body: Json = None,
        age_seconds: float = 0.0,
    ) -> Fault | None:
        """Decide what happens to one call, whose decoded request is `body`.

        `age_seconds` is how long ago the user concerned wrote last.
        """
        for rule in self._rules:
            if not rule.matches(op, account, user, body, age_seconds):
                continue
            if rule.probability is None:
                rule.left -= 1
            elif self._rng.random() >= rule.probability:
                continue
            self.fired[rule.kind] += 1
            self.fired_by_op[f"{op} {rule.kind}"] += 1
            return Fault(rule.kind, rule.seconds, rule.text, rule.instructions, rule.error)
        return None

    def to_json(self) -> list[Json]:
        """Return the rules that may still fire."""
        self._rules = [rule for rule in self._rules if rule.probability is not None or rule.left]
        return [rule.to_json() for rule in self._rules]

    def _parse(self, body: JsonObject) -> Rule:
        kind = get_text(body, "kind")
        if kind not in self._kinds:
            message = f"kind must be one of {', '.join(self._kinds)}"
            raise BadInputError(message)
        op = get_text(body, "op", self._ops[0])
        if op not in {*self._ops, "any"}:
            message = f"op must be one of {', '.join(self._ops)}, any"
            raise BadInputError(message)
        if ("probability" in body) == ("next" in body):
            message = "a rule has either probability or next"
            raise BadInputError(message)
        probability = get_number(body, "probability", 0) if "probability" in body else None
        if probability is not None and probability > 1:
            message = "probability must be at most 1"
            raise BadInputError(message)
        text, instructions = _script(body, kind)
        return Rule(
            kind=kind,
            seconds=get_number(body, "seconds", self._kinds[kind]),
            op=op,
            probability=probability,
            left=int(get_number(body, "next", 0)),
            account=get_text(body, "account"),
            user=get_text(body, "user"),
            contains=get_text(body, "contains"),
            text=text,
            instructions=instructions,
            error=InjectedError.parse(body) if kind in CODED else None,
            fresh_seconds=(
                get_number(body, "fresh_seconds", 0) if "fresh_seconds" in body else None
            ),
        )


def _script(body: JsonObject, kind: str) -> tuple[str | None, bool]:
    """Return what the model is to say: a text, or its instructions."""
    text = get_text(body, "text")
    instructions = get_flag(body, "instructions", default=False)
    if (kind in SCRIPTED) != (text is not None or instructions):
        message = f"text or instructions belong to kind {', '.join(SCRIPTED)}, and to no other"
        raise BadInputError(message)
    return text, instructions
