"""A conversation with its personal data masked, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from vestlus.assistant.port import Past, Question
from vestlus.conversation.history import HistoryMessage
from vestlus.conversation.masking import mask
from vestlus.conversation.personal_data import values


@dataclass(frozen=True, slots=True)
class Hidden:
    """A question as the model may see it. ``restore`` puts the data back into its answer.

    The same data has the same mark in history, summary and messages, so that the model can follow
    the conversation; a mark of this conversation gives back this conversation's data only.
    """

    question: Question
    restore: Callable[[str], str]


def hide(question: Question, kinds: Collection[str], account_texts: Sequence[str] = ()) -> Hidden:
    """Masks the data of these kinds in all texts of the question. Pictures stay as they are.

    What stands in the account's own texts is not masked, however the user writes it: the model
    reads it there, and can say whether it is right.
    """
    if not kinds:
        return Hidden(question, _as_it_is)
    told = (*question.history, *question.messages)
    known = _known(tuple(account_texts), frozenset(kinds))
    masked = mask((question.summary, *(one.text for one in told)), kinds, known)
    hidden = _with_texts(told, masked.texts[1:])
    shown = replace(
        question,
        summary=masked.texts[0],
        history=hidden[: len(question.history)],
        messages=hidden[len(question.history) :],
    )
    return Hidden(shown, masked.restore)


def hide_past(
    past: Past, kinds: Collection[str], account_texts: Sequence[str] = ()
) -> tuple[Past, Callable[[str], str]]:
    """The same for what is to be summed up."""
    if not kinds:
        return past, _as_it_is
    known = _known(tuple(account_texts), frozenset(kinds))
    masked = mask((past.summary, *(one.text for one in past.messages)), kinds, known)
    shown = replace(
        past, summary=masked.texts[0], messages=_with_texts(past.messages, masked.texts[1:])
    )
    return shown, masked.restore


@lru_cache(maxsize=256)  # the same for all questions of an account, until its persona changes
def _known(texts: tuple[str, ...], kinds: frozenset[str]) -> frozenset[tuple[str, str]]:
    return frozenset(value for text in texts for value in values(text, kinds))


def _with_texts(
    messages: Sequence[HistoryMessage], texts: Sequence[str]
) -> tuple[HistoryMessage, ...]:
    return tuple(replace(one, text=text) for one, text in zip(messages, texts, strict=True))


def _as_it_is(text: str) -> str:
    return text
