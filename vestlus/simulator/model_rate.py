"""The pretend model's rate limits: kept, and told in headers as OpenAI tells them."""

import math
from dataclasses import dataclass, field

from vestlus.simulator.jsontypes import BadInputError, Json, JsonObject, as_object, get_number

# OpenAI, "Rate limits": the greater of the output asked for and of a guess by characters counts.
CHARACTERS_PER_TOKEN = 4


def weight_of(body: JsonObject, characters: int) -> float:
    """Return the tokens that a request counts as."""
    asked = [body.get(name) for name in ("max_output_tokens", "max_completion_tokens")]
    most = max((each for each in asked if isinstance(each, int)), default=0)
    return max(most, characters / CHARACTERS_PER_TOKEN)


@dataclass(slots=True)
class _Bucket:
    """A limit that is refilled steadily, all of it in so many seconds."""

    limit: float
    seconds: float
    level: float
    at: float

    def refill(self, now: float) -> None:
        """Add what has come in since."""
        gained = (now - self.at) * self.limit / self.seconds
        self.level, self.at = min(self.limit, self.level + max(0.0, gained)), now

    def missing_seconds(self, weight: float) -> float:
        """Return how long it takes until there is so much."""
        return max(0.0, weight - self.level) * self.seconds / self.limit


@dataclass(slots=True)
class ModelRate:
    """The limits of a key, requests and tokens; without limits everything passes.

    `refused` counts the calls that were too many.
    """

    refused: int = 0
    _buckets: dict[str, _Bucket] = field(default_factory=dict)

    def change(self, value: Json, now: float) -> None:
        """Take in the `rate_limit` of a request: `{requests, tokens, seconds}`, or null for none.

        Raises:
            BadInputError: If it is neither.

        """
        if value is None:
            self._buckets = {}
            return
        body = as_object(value, "rate_limit")
        seconds = get_number(body, "seconds", 60)
        limits = {name: get_number(body, name, 0) for name in ("requests", "tokens")}
        if seconds <= 0 or not any(limits.values()):
            message = "rate_limit must say requests or tokens, and seconds above 0"
            raise BadInputError(message)
        self._buckets = {
            name: _Bucket(limit, seconds, limit, now) for name, limit in limits.items() if limit
        }

    def take(self, now: float, tokens: float) -> float | None:
        """Count a call; return in how many seconds it may come if it is too much now."""
        weights = {"requests": 1.0, "tokens": tokens}
        for bucket in self._buckets.values():
            bucket.refill(now)
        missing = [
            bucket.missing_seconds(min(weights[name], bucket.limit))
            for name, bucket in self._buckets.items()
        ]
        if any(missing):
            self.refused += 1
            return max(missing)
        for name, bucket in self._buckets.items():
            bucket.level = max(0.0, bucket.level - weights[name])
        return None

    def headers(self) -> dict[str, str]:
        """Return what is told with an answer. OpenAI, "Rate limits in headers"."""
        told: dict[str, str] = {}
        for name, bucket in self._buckets.items():
            told[f"x-ratelimit-limit-{name}"] = f"{bucket.limit:g}"
            told[f"x-ratelimit-remaining-{name}"] = str(math.floor(bucket.level))
            told[f"x-ratelimit-reset-{name}"] = duration(bucket.missing_seconds(bucket.limit))
        return told

    def to_json(self) -> Json:
        """Return the form of the control API."""
        if not self._buckets:
            return None
        limits: JsonObject = {name: bucket.limit for name, bucket in self._buckets.items()}
        seconds = next(iter(self._buckets.values())).seconds
        return {**limits, "seconds": seconds, "refused": self.refused}


def duration(seconds: float) -> str:
    """Write a time as OpenAI does: `12ms`, `1.5s`, `6m0s`."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}m{rest:.3g}s" if minutes else f"{rest:.4g}s"
