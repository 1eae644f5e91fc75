"""Decides from what users wrote and received whether the promises held.

It knows nothing of the service: only which messages were accepted when, and which answers came.
Markers (`#u17-3`) tell which answer belongs to which message.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from vestlus.simulator.jsontypes import Json, JsonObject
from vestlus.simulator.markers import find_markers
from vestlus.simulator.records import Message


@dataclass(slots=True)
class Verdict:
    """What was found; the lists hold one object for each breach."""

    messages: int = 0
    marked: int = 0
    not_accepted: int = 0
    answered: int = 0
    lost: list[Json] = field(default_factory=list)
    duplicated: list[Json] = field(default_factory=list)
    out_of_order: list[Json] = field(default_factory=list)
    misdirected: list[Json] = field(default_factory=list)
    order_unproven: list[Json] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every promise held; a delivery still under way is no breach."""
        return not (self.lost or self.duplicated or self.out_of_order or self.misdirected)

    def to_json(self) -> JsonObject:
        """Return the form of the control API."""
        return {
            "ok": self.ok,
            "messages": self.messages,
            "marked": self.marked,
            "not_accepted": self.not_accepted,
            "answered": self.answered,
            "lost": self.lost,
            "duplicated": self.duplicated,
            "out_of_order": self.out_of_order,
            "misdirected": self.misdirected,
            "order_unproven": self.order_unproven,
        }


def check(messages: Iterable[Message]) -> Verdict:
    """Judge messages of any number of conversations, given in the order of their `seq`.

    What a person answered by hand does not count as an answer.
    """
    conversations: dict[tuple[str, str], list[Message]] = defaultdict(list)
    for message in messages:
        if message.author != "person":
            conversations[message.account, message.user].append(message)
    verdict = Verdict()
    for conversation in conversations.values():
        _check_conversation(conversation, verdict)
    return verdict


def _check_conversation(conversation: Sequence[Message], verdict: Verdict) -> None:
    written = [message for message in conversation if message.direction == "in"]
    answers = [message for message in conversation if message.direction == "out"]
    asked: dict[str, list[Message]] = defaultdict(list)
    for message in written:
        for marker in dict.fromkeys(find_markers(message.text)):
            asked[marker].append(message)
    given: dict[str, list[Message]] = defaultdict(list)
    for answer in answers:
        for marker in dict.fromkeys(find_markers(answer.text)):
            given[marker].append(answer)
    verdict.messages += len(written)
    verdict.marked += sum(bool(find_markers(message.text)) for message in written)
    verdict.not_accepted += sum(message.accepted is None for message in written)
    _find_lost(written, answers, given, verdict)
    for marker, found in given.items():
        if marker not in asked:
            verdict.misdirected.extend(_breach(answer, marker) for answer in found)
        elif len(found) > len(asked[marker]):
            extra = found[len(asked[marker]) :]
            verdict.duplicated.extend(_breach(answer, marker) for answer in extra)
    _check_order(asked, given, verdict)


def _find_lost(
    written: Sequence[Message],
    answers: Sequence[Message],
    given: dict[str, list[Message]],
    verdict: Verdict,
) -> None:
    last_answer = answers[-1].seq if answers else 0
    for message in written:
        if message.accepted is None or not message.expects_answer:
            continue
        markers = find_markers(message.text)
        if markers:
            missing = [marker for marker in markers if marker not in given]
        else:
            missing = [] if last_answer > message.seq else [""]
        if missing:
            verdict.lost.extend(_breach(message, marker) for marker in missing)
        else:
            verdict.answered += 1


@dataclass(slots=True)
class _Answered:
    """The furthest that the messages answered so far had come."""

    offered: int = 0
    accepted: int = 0
    # For each POST, the last of its messages by Instagram's timestamp.
    posts: dict[int, tuple[int, int]] = field(default_factory=dict)

    def add(self, message: Message) -> None:
        """Count a message as answered."""
        self.offered = max(self.offered, message.offered or 0)
        self.accepted = max(self.accepted, message.accepted or 0)
        if message.offered is not None:
            place = (message.timestamp_ms, message.seq)
            self.posts[message.offered] = max(self.posts.get(message.offered, place), place)

    def proves_late(self, message: Message) -> bool:
        """Tell whether something answered was certainly accepted after this message."""
        if message.accepted is None or message.offered is None:
            return False
        last = self.posts.get(message.offered)
        same_post = last is not None and last > (message.timestamp_ms, message.seq)
        return message.accepted < self.offered or same_post


def _check_order(
    asked: dict[str, list[Message]], given: dict[str, list[Message]], verdict: Verdict
) -> None:
    """Compare each answer with those before it, and the markers within one by timestamp.

    Only a marker's first answer counts; a marker that several messages share says nothing about
    order and is left out.
    """
    covered: dict[int, list[tuple[str, Message]]] = defaultdict(list)
    for marker, found in given.items():
        if len(asked.get(marker, ())) == 1:
            covered[found[0].seq].append((marker, asked[marker][0]))
    earlier = _Answered()
    for _, pairs in sorted(covered.items(), key=lambda item: item[0]):
        latest_ms = 0
        for marker, message in pairs:
            if message.timestamp_ms < latest_ms or earlier.proves_late(message):
                verdict.out_of_order.append(_breach(message, marker))
            elif message.accepted is not None and message.accepted < earlier.accepted:
                verdict.order_unproven.append(_breach(message, marker))
            latest_ms = max(latest_ms, message.timestamp_ms)
        for _, message in pairs:
            earlier.add(message)


def _breach(message: Message, marker: str) -> JsonObject:
    return {
        "account": message.account,
        "user": message.user,
        "mid": message.mid,
        "marker": marker or None,
        "seq": message.seq,
    }
