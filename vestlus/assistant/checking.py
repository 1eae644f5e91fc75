"""What is looked at before an answer may be sent, in plain code that no model can talk round."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from vestlus.assistant.again import wants_it_again
from vestlus.assistant.failures import AttemptFailed, Reason
from vestlus.assistant.offers import Offer
from vestlus.assistant.port import Question
from vestlus.assistant.prompt import STAFF_MARK
from vestlus.assistant.rules import rules
from vestlus.assistant.scripts import is_latin_to_cyrillic
from vestlus.conversation.guard import objection
from vestlus.conversation.history import Role
from vestlus.conversation.reply import Part, PicturePart, Reply, TextPart
from vestlus.errors import AssistantInvalid
from vestlus.settings_account import Account

#: What a mask looks like; one that is left in an answer stands for nobody's data.
MARK: Final = re.compile(
    r"\[\s{0,3}(?:personal[\s_-]?code|card|phone|e-?mail)\s{0,3}[-_\s]\s{0,3}\d{1,9}\s{0,3}\]",
    re.IGNORECASE,
)

_STAFF: Final = re.compile(re.escape(STAFF_MARK) + r"\s*", re.IGNORECASE)

#: Said to the model when it is asked once more.
REMARKS: Final[Mapping[str, str]] = {
    Reason.UNKNOWN_PICTURE: (
        "Your draft was not sent: it named a picture that is not in the list of pictures. Answer "
        "without that picture, and do not announce or promise it."
    ),
    Reason.REPEATED_PICTURE: (
        "Your draft was not sent: it named a picture that this user has had already. Send another "
        "one of the list or none, and neither announce nor promise a picture that you do not send."
    ),
    Reason.LINK_NOT_GIVEN: (
        "Your draft was not sent: it had a web address that is not in the account's own texts."
    ),
    Reason.PERSONAL_DATA_NOT_GIVEN: (
        "Your draft was not sent: it had personal or contact data that nobody gave you."
    ),
    Reason.PROMPT_LEAK: "Your draft was not sent: it repeated your rules or the persona's text.",
    Reason.UNKNOWN_MARK: "Your draft was not sent: it had a mark for data that nobody gave you.",
    Reason.WRONG_LANGUAGE: (
        "Your draft was not sent: it was not in the language of the user's newest messages."
    ),
    Reason.TOO_MANY_PICTURES: "Your draft was not sent: it had more than three pictures.",
    Reason.TOO_LONG: "Your draft was not sent: it was far too long for a chat.",
}


class Objected(AttemptFailed):
    """An answer may not be sent as it is; it is asked for once more.

    ``instead``: what of it may be sent all the same if nothing better comes, if anything.
    """

    def __init__(self, reason: str, instead: Reply | None = None) -> None:
        super().__init__(AssistantInvalid(str(reason)), retry=True)
        self.instead = instead


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What an answer to one question may draw on. All texts are as they are, not masked."""

    #: Ids of the pictures that were offered, and of those that this user has had.
    pictures: frozenset[str]
    sent: frozenset[str]
    #: The account's texts, and what was said in its name: links and contact data may be from here.
    sources: tuple[str, ...]
    #: The user's own words: their data may be repeated to them, their links may not.
    own_words: tuple[str, ...]
    #: Texts that nobody is to read.
    secret: tuple[str, ...]
    #: The persona, which may be quoted and not recited.
    persona: str
    #: The unanswered messages.
    asked: tuple[str, ...]


def given(question: Question, account: Account, persona: str, offer: Offer) -> Given:
    """What an answer to this question may draw on."""
    asked = tuple(message.text for message in question.messages)
    said = tuple(one.text for one in question.history if one.role is not Role.USER)
    own = tuple(one.text for one in question.history if one.role is Role.USER)
    return Given(
        pictures=frozenset(one.id for one in offer.pictures.items),
        sent=frozenset(question.pictures_sent),
        sources=(
            persona,
            account.name,
            account.privacy_url or "",
            *account.facts,
            *(text for one in offer.passages.items for text in (one.source, one.text)),
            *(one.shows for one in offer.pictures.items),
            *said,
        ),
        own_words=(*own, *asked, question.summary),
        secret=(rules(account),),
        persona=persona,
        asked=asked,
    )


def checked(reply: Reply, given: Given) -> Reply:
    """The answer as it may be sent: without the mark of staff, and with no more in its note than
    was said. Raises Objected.
    """
    parts = tuple(map(_without_staff_mark, reply.parts))
    if not all(part.text for part in parts if isinstance(part, TextPart)):
        raise Objected(Reason.BLANK)
    reply = replace(reply, parts=parts, note=_harmless(reply.note, given))
    found = objection(
        reply.text,
        given=given.sources,
        secret=given.secret,
        own=given.own_words,
        quotable=(given.persona,),
    )
    if found is not None:
        raise Objected(found)
    own = "\n".join(given.own_words)
    if any(match.group() not in own for match in MARK.finditer(reply.text)):
        raise Objected(Reason.UNKNOWN_MARK)
    _check_pictures(reply, given)
    if is_latin_to_cyrillic(given.asked, reply.text):
        raise Objected(Reason.WRONG_LANGUAGE, instead=reply)
    return reply


def _check_pictures(reply: Reply, given: Given) -> None:
    unknown = frozenset(reply.pictures) - given.pictures
    repeated = frozenset(reply.pictures) & given.sent
    if repeated and wants_it_again(given.asked):
        # Something that they may have had: once more, by name, or as it is lost.
        repeated = frozenset()
    if unknown or repeated:
        parts = _without(reply.parts, unknown | repeated)
        raise Objected(
            Reason.UNKNOWN_PICTURE if unknown else Reason.REPEATED_PICTURE,
            instead=replace(reply, parts=parts) if parts else None,
        )


def _without(parts: Sequence[Part], pictures: Collection[str]) -> tuple[Part, ...]:
    return tuple(
        part for part in parts if not (isinstance(part, PicturePart) and part.picture in pictures)
    )


def _without_staff_mark(part: Part) -> Part:
    if not isinstance(part, TextPart):
        return part
    text, before = part.text, ""
    while text != before:  # what is taken off may have hidden another
        text, before = _STAFF.sub("", text).strip(), text
    return TextPart(text)


def _harmless(note: str, given: Given) -> str:
    """The note, if all that it has is from the conversation; colleagues trust what it says."""
    if not note:
        return note
    said = (*given.sources, *given.own_words)
    return "" if objection(note, given=said, secret=given.secret) else note
