"""One call of a model: a step of a trace, and tokens that are counted."""

from __future__ import annotations

from types import TracebackType
from typing import Final, Literal, Self

from opentelemetry.trace import SpanKind

from vestlus import tracing
from vestlus.assistant.failures import AttemptFailed
from vestlus.assistant.spending import Purpose, Spender
from vestlus.assistant.token_usage import Told, told_by
from vestlus.conversation.budget import NANO

#: OpenTelemetry, "Semantic conventions for generative AI": the names of attributes. Those of texts
#: are never set.
_OPERATION: Final = "gen_ai.operation.name"
_PROVIDER: Final = "gen_ai.provider.name"
_MODEL: Final = "gen_ai.request.model"
_ANSWERED_BY: Final = "gen_ai.response.model"
_INPUT: Final = "gen_ai.usage.input_tokens"
_CACHED: Final = "gen_ai.usage.cache_read.input_tokens"
_OUTPUT: Final = "gen_ai.usage.output_tokens"


class ModelCall:
    """``with`` makes it a step of what is under way; :meth:`answered` counts it.

    May be entered again, one time after the other. A call that failed is not counted: providers
    charge for what they answer.
    """

    __slots__ = ("_account", "_operation", "_purpose", "_span", "_spender", "model")

    def __init__(
        self,
        spender: Spender,
        operation: Literal["chat", "embeddings"],
        account: str,
        model: str,
        purpose: Purpose,
    ) -> None:
        self._spender = spender
        self._operation = operation
        self._account = account
        self._purpose = purpose
        self._span: tracing.Span = tracing.NOTHING
        self.model = model

    def answered(self, response: bytes) -> bytes:
        """Counts what the response says that it took, and hands it on."""
        told = told_by(response)
        cost = self._spender.spent(self._account, self.model, self._purpose, told.usage)
        if self._span is not tracing.NOTHING:
            self._note(told, cost)
        return response

    def _note(self, told: Told, cost: int | None) -> None:
        self._span.set({_ANSWERED_BY: told.model or self.model})
        if told.usage is not None:
            taken = told.usage
            self._span.set({_INPUT: taken.input, _CACHED: taken.cached, _OUTPUT: taken.output})
        if cost is not None:
            self._span.note(cost=cost / NANO)

    def __enter__(self) -> Self:
        self._span = tracing.here(f"{self._operation} {self.model}", SpanKind.CLIENT)
        if self._span is not tracing.NOTHING:
            self._span.set({_OPERATION: self._operation, _PROVIDER: "openai", _MODEL: self.model})
            self._span.note(purpose=str(self._purpose))
        self._span.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, AttemptFailed):
            self._span.fail(error.error.reason)
            kind = error = trace = None
        self._span.__exit__(kind, error, trace)
