"""What is looked at before a caption of the model's is a draft, in plain code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from vestlus.assistant.caption_prompt import (
    CaptionAndPicturesOutput,
    CaptionOutput,
    CaptionTask,
    PicturesOutput,
    caption_rules,
)
from vestlus.assistant.checking import MARK
from vestlus.assistant.failures import AttemptFailed, Reason
from vestlus.assistant.schema import CONTROL, TAG
from vestlus.conversation.guard import objection
from vestlus.errors import AssistantInvalid
from vestlus.instagram.caption_limits import counts
from vestlus.settings_account import Account

_CYRILLIC: Final = re.compile(r"[\u0400-\u04ff]")
_IN_CYRILLIC: Final = frozenset({"ru", "uk", "be", "bg"})

#: Said to the model when it is asked once more.
_REMARKS: Final[Mapping[str, str]] = {
    Reason.BLANK: "it was empty.",
    Reason.LINK_NOT_GIVEN: (
        "it had a web address that stands neither in the task nor in the account's own texts."
    ),
    Reason.PERSONAL_DATA_NOT_GIVEN: (
        "it had an @name, or contact or personal data, that stands neither in the task nor in the "
        "account's own texts nor in the event's data."
    ),
    Reason.PROMPT_LEAK: "it repeated your rules or the persona's text.",
    Reason.UNKNOWN_MARK: "it had a mark for data that nobody gave you.",
    Reason.WRONG_LANGUAGE: "it was not in the language that is asked for.",
    Reason.UNKNOWN_PICTURE: "it named a picture that is not in the list.",
    Reason.REPEATED_PICTURE: "another post has taken that picture: choose another one.",
    Reason.MALFORMED_REPLY: "it was not in the form that is asked for.",
}


class NotTaken(AttemptFailed):
    """A caption or a choice cannot be used; it is asked for once more, with the remark."""

    def __init__(self, reason: Reason | str, remark: str = "") -> None:
        super().__init__(AssistantInvalid(str(reason)), retry=True)
        self.remark = f"Your draft was not taken: {remark or _REMARKS[reason]}"


@dataclass(frozen=True, slots=True)
class Written:
    """What the model made: each is empty where it was not asked for."""

    caption: str
    pictures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CaptionChecks:
    """Looks at what a model makes of one task.

    ``persona`` may be quoted and not recited. ``free``: whether pictures are still to be had.
    """

    task: CaptionTask
    account: Account
    persona: str
    free: Callable[[Sequence[str]], bool]

    def read(self, text: str, restore: Callable[[str], str]) -> Written:
        """What may be used of the model's output. Raises NotTaken."""
        output = self._parsed(text)
        pictures = tuple(getattr(output, "pictures", ()))
        if self.task.count:
            self._check_pictures(pictures)
        if isinstance(output, PicturesOutput):
            return Written("", pictures)
        caption = CONTROL.sub("", restore(output.caption)).strip()
        self._check_caption(caption, output.language)
        return Written(caption, pictures)

    def _parsed(self, text: str) -> CaptionOutput | PicturesOutput | CaptionAndPicturesOutput:
        form: type[BaseModel] = CaptionOutput
        if self.task.count:
            form = CaptionAndPicturesOutput if self.task.writes else PicturesOutput
        try:
            output = form.model_validate_json(text, strict=True)
        except ValidationError:  # it quotes the output
            raise NotTaken(Reason.MALFORMED_REPLY) from None
        assert isinstance(output, CaptionOutput | PicturesOutput | CaptionAndPicturesOutput)  # noqa: S101 - one of the above
        return output

    def _check_pictures(self, chosen: Sequence[str]) -> None:
        if frozenset(chosen) - {one.id for one in self.task.offered}:
            raise NotTaken(Reason.UNKNOWN_PICTURE)
        if len(chosen) != self.task.count or len(set(chosen)) != len(chosen):
            remark = f"it must name exactly {self.task.count} different pictures of the list."
            raise NotTaken(Reason.PICTURES_NOT_CHOSEN, remark)
        if not self.free(chosen):
            raise NotTaken(Reason.REPEATED_PICTURE)

    def _check_caption(self, caption: str, language: str) -> None:
        if not caption:
            raise NotTaken(Reason.BLANK)
        found = counts(caption)
        if not found.fit or found.characters > self.task.characters:
            limits = f"{self.task.characters} characters, 30 hashtags and 20 mentions"
            raise NotTaken(Reason.TOO_LONG, f"it had {found}; at most {limits} are taken.")
        against = objection(
            caption,
            given=(
                self.persona,
                self.account.name,
                self.account.privacy_url or "",
                *self.account.facts,
                *self.task.given,
                *(one.shows for one in self.task.offered),
                *self.task.shows,
            ),
            secret=(caption_rules(self.task),),
            own=tuple(texts_of(self.task.event)),
            quotable=(self.persona,),
        )
        if against is not None:
            raise NotTaken(str(against))
        own = "\n".join((self.task.task, *texts_of(self.task.event)))
        if any(match.group() not in own for match in MARK.finditer(caption)):
            raise NotTaken(Reason.UNKNOWN_MARK)
        if not self._is_in_language(caption, language):
            raise NotTaken(Reason.WRONG_LANGUAGE)

    def _is_in_language(self, caption: str, language: str) -> bool:
        """By what the model says of it, and by its letters: more cannot be told in plain code."""
        asked, said = _base(self.task.language), _base(language)
        # Some models say "est" for "et".
        if TAG.fullmatch(language) and len(said) == len(asked) and said != asked:
            return False
        return asked not in _IN_CYRILLIC or bool(_CYRILLIC.search(caption))


def texts_of(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    """All texts and numbers of an event's data, as texts."""
    if isinstance(value, Mapping):
        for one in value.values():
            yield from texts_of(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from texts_of(one)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _base(tag: str) -> str:
    return tag.partition("-")[0].lower()
