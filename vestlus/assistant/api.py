"""What the two OpenAI APIs have in common for us."""

from __future__ import annotations

from typing import Final, Protocol

from vestlus.assistant.prompt import Prompt

#: Tokens of an answer, thinking included. An answer has at most a few hundred; models that think
#: first need the rest, and a smaller bound would cut their answers off.
MAX_OUTPUT_TOKENS: Final = 4_000

Json = dict[str, object]


class Api(Protocol):
    """How a prompt becomes a request, and a response the model's text."""

    @property
    def path(self) -> str:
        """The path below the base URL."""
        ...

    @property
    def optional(self) -> frozenset[str]:
        """The fields without which a request still does its work; some servers reject them."""
        ...

    def request(self, prompt: Prompt, *, model: str, user: str, left_out: frozenset[str]) -> Json:
        """The request's body. ``user`` is the user's identifier made unreadable.

        ``left_out``: optional fields that this server does not know.
        """
        ...

    def output_text(self, response: bytes) -> str:
        """The model's whole text. Raises AttemptFailed when there is none that is final."""
        ...
