"""How many tokens a call of a model took, as its response says."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ValidationError


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Tokens of one call. ``cached`` are among ``input``; thinking is among ``output``."""

    input: int = 0
    cached: int = 0
    output: int = 0


class _Details(BaseModel):
    cached_tokens: int | None = None


class _Usage(BaseModel):
    """OpenAI, "API reference": of responses, of chat completions, and of embeddings."""

    input_tokens: int | None = None
    input_tokens_details: _Details | None = None
    output_tokens: int | None = None
    prompt_tokens: int | None = None
    prompt_tokens_details: _Details | None = None
    completion_tokens: int | None = None


class _Response(BaseModel):
    usage: _Usage | None = None
    #: Which model it was, where a name stands for the newest of several.
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What a response says beside its answer. ``usage`` is ``None`` where it says nothing."""

    usage: TokenUsage | None
    model: str


def told_by(response: bytes) -> Told:
    """Never raises: an answer is worth more than its count, and some servers count nothing."""
    try:
        read = _Response.model_validate_json(response)
    except ValidationError:
        return Told(None, "")
    said = read.usage
    if said is None:
        return Told(None, read.model or "")
    details = said.input_tokens_details or said.prompt_tokens_details or _Details()
    usage = TokenUsage(
        input=_count(said.input_tokens, said.prompt_tokens),
        cached=_count(details.cached_tokens),
        output=_count(said.output_tokens, said.completion_tokens),
    )
    return Told(usage, read.model or "")


def _count(*said: int | None) -> int:
    """The first that is said. A server that says something absurd has said nothing."""
    found = next((one for one in said if one is not None), 0)
    return found if 0 <= found <= _MOST else 0


#: No model takes so many at once.
_MOST = 100_000_000
