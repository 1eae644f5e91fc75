"""Whose message an echo is: our own send come back, or a person's who wrote in the Instagram app.

Instagram's echoes bear no mark of who sent them, and whether an echo's ``mid`` equals the
``message_id`` that the send returned is not documented. So both are compared: ids, and content.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from vestlus.conversation.events import Event
from vestlus.conversation.window import written_at_ms

#: Meta's types of attachment that a picture comes back as.
_PICTURE_TYPES = frozenset({"image", "media"})


class Whose(StrEnum):
    """Who wrote a message of the account's."""

    OURS = "ours"
    PERSON = "person"
    #: A text that the Instagram app sends by itself.
    AUTOMATION = "automation"
    #: A send is under way whose echo this may be.
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class EchoPolicy:
    """How echoes are told apart. Times are milliseconds."""

    match_ids: bool = True
    match_content: bool = True
    #: Texts of the Instagram app's own automations, as :func:`normalised` gives them.
    automation_texts: frozenset[str] = frozenset()
    #: How long after a send its echo may come to be known by content.
    text_window_ms: int = 10 * 60 * 1000
    picture_window_ms: int = 2 * 60 * 1000
    #: How far our clock and Meta's may differ.
    clock_tolerance_ms: int = 5_000
    #: How long an echo may stay undetermined, from its recording.
    undetermined_ms: int = 45_000
    #: An echo that matches nothing, so soon after a send whose echo is missing, may be its echo.
    suspicious_ms: int = 3_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A send of ours of which a request was begun, as far as an echo can be compared with it."""

    id: str
    text: str
    #: How many pictures it is made of, 0 for a text.
    pictures: int
    #: Its outcome is not known yet.
    in_flight: bool
    attempted_ms: int
    mid: str | None
    #: The echo that is known to be its own.
    echo_mid: str | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whose an echo is. ``send`` is the send that it proves; ``suspicious`` says that it may be
    the echo of a send of ours after all, although nothing shows it.
    """

    whose: Whose
    send: str | None = None
    suspicious: bool = False


def normalised(text: str) -> str:
    """A text as it is compared: NFC, runs of white space as one space, none at the ends."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def judge_echo(
    echo: Event, sends: Sequence[Sent], policy: EchoPolicy, *, recorded_ms: int, now_ms: int
) -> Judgement:
    """Whose message it is. ``sends`` are those of its conversation, oldest first.

    Each send has one echo. A send of several pictures may come back as one echo or as several.
    """
    at_ms = written_at_ms(echo.timestamp_ms, recorded_ms, listed=echo.missed is not None)
    if policy.match_ids:
        for send in sends:
            if echo.mid is not None and echo.mid in (send.mid, send.echo_mid):
                return Judgement(Whose.OURS, send.id)
    if policy.match_content and (found := _by_content(echo, sends, policy, at_ms)):
        return Judgement(Whose.OURS, found.id)
    if echo.text and normalised(echo.text) in policy.automation_texts:
        return Judgement(Whose.AUTOMATION)
    under_way = any(send.in_flight and _may_precede(send, at_ms, policy) for send in sends)
    if under_way and now_ms < recorded_ms + policy.undetermined_ms:
        return Judgement(Whose.UNDETERMINED)
    missing = _missing(echo, sends, policy, at_ms)
    return Judgement(Whose.PERSON, missing.id if missing else None, suspicious=missing is not None)


def _by_content(echo: Event, sends: Sequence[Sent], policy: EchoPolicy, at_ms: int) -> Sent | None:
    pictures = _pictures_of(echo)
    for send in sends:
        if not _may_precede(send, at_ms, policy):
            continue
        age = at_ms - send.attempted_ms
        if pictures:
            open_still = send.echo_mid is None or send.pictures > 1
            if send.pictures and open_still and age <= policy.picture_window_ms:
                return send
        elif (
            not send.pictures
            and send.echo_mid is None
            and age <= policy.text_window_ms
            and echo.text is not None
            and normalised(echo.text) == normalised(send.text)
        ):
            return send
    return None


def _missing(echo: Event, sends: Sequence[Sent], policy: EchoPolicy, at_ms: int) -> Sent | None:
    """The newest send of the same kind, just made, whose echo has not come."""
    kind = bool(_pictures_of(echo))
    for send in reversed(sends):
        age = at_ms - send.attempted_ms
        if (
            send.echo_mid is None
            and bool(send.pictures) == kind
            and -policy.clock_tolerance_ms <= age <= policy.suspicious_ms
        ):
            return send
    return None


def _may_precede(send: Sent, at_ms: int, policy: EchoPolicy) -> bool:
    return at_ms >= send.attempted_ms - policy.clock_tolerance_ms


def _pictures_of(echo: Event) -> int:
    if echo.text:
        return 0
    return sum(1 for one in echo.attachments if one.type in _PICTURE_TYPES)


class EchoTrust:
    """Notices when an account's own sends come back unrecognised, one after the other.

    Then an echo right after a send counts as that send's: operators are alerted, and the bot is
    not silenced by itself. An echo that is recognised ends it. One per account and process.
    """

    def __init__(self, limit: int = 5) -> None:
        self._limit = limit
        #: Their mids: an echo that is judged again is still one.
        self._in_a_row: set[str | None] = set()

    @property
    def lost(self) -> bool:
        """Whether echoes cannot be told from a person's messages at present."""
        return len(self._in_a_row) >= self._limit

    def judge(self, judgement: Judgement, mid: str | None) -> Judgement:
        """The judgement of the echo ``mid``, with what earlier echoes of the account taught."""
        if judgement.whose is Whose.OURS:
            self._in_a_row.clear()
        elif judgement.suspicious:
            if not self.lost:
                self._in_a_row.add(mid)
            if self.lost:
                return Judgement(Whose.OURS, judgement.send, suspicious=True)
        return judgement
