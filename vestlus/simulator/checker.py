"""Decides from what users wrote and received whether the promises held.

It knows nothing of the service: only which messages were accepted when, and which answers came.
Markers (`#u17-3`) tell which answer belongs to which message.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import takewhile

from vestlus.simulator.check_people import Silence, after_person, left_to_person, silences
from vestlus.simulator.graph_rate import OverLimit
from vestlus.simulator.jsontypes import Json, JsonObject
from vestlus.simulator.languages import takes_fixed_answer
from vestlus.simulator.markers import find_markers
from vestlus.simulator.records import HandBack, Message, Refusal, TakeOver


@dataclass(slots=True)
class Verdict:
    """What was found; the lists hold one object for each breach."""

    messages: int = 0
    marked: int = 0
    not_accepted: int = 0
    answered: int = 0
    left_to_person: int = 0
    lost: list[Json] = field(default_factory=list)
    duplicated: list[Json] = field(default_factory=list)
    out_of_order: list[Json] = field(default_factory=list)
    misdirected: list[Json] = field(default_factory=list)
    after_person: list[Json] = field(default_factory=list)
    outside_window: list[Json] = field(default_factory=list)
    over_limit: list[Json] = field(default_factory=list)
    order_unproven: list[Json] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every promise held; a delivery still under way is no breach."""
        answers = self.lost or self.duplicated or self.out_of_order or self.misdirected
        return not (answers or self.after_person or self.outside_window or self.over_limit)

    def to_json(self) -> JsonObject:
        """Return the form of the control API."""
        return {"ok": self.ok, **asdict(self)}


def check(
    messages: Iterable[Message],
    *,
    refusals: Iterable[Refusal] = (),
    take_overs: Iterable[TakeOver] = (),
    hand_backs: Iterable[HandBack] = (),
    over_limit: Iterable[OverLimit] = (),
    grace_seconds: float = 0.0,
) -> Verdict:
    """Judge messages of any number of conversations, given in the order of their `seq`.

    What a person answered by hand does not count as an answer, but it silences the service, from
    the moment its echo was answered 200, as a take-over does from its mark on, until the
    conversation is handed back; a message of the service that started less than `grace_seconds`
    into that is no breach.
    """
    conversations: dict[tuple[str, str], list[Message]] = defaultdict(list)
    for message in messages:
        conversations[message.account, message.user].append(message)
    back: dict[tuple[str, str], list[int]] = defaultdict(list)
    for mark in hand_backs:
        back[mark.account, mark.user].append(mark.tick)
    taken: dict[tuple[str, str], list[TakeOver]] = defaultdict(list)
    for one in take_overs:
        taken[one.account, one.user].append(one)
    verdict = Verdict()
    for lane, conversation in conversations.items():
        _check_conversation(conversation, taken[lane], back[lane], grace_seconds, verdict)
    verdict.outside_window = [
        {"account": each.account, "user": each.user, "at": each.at, "seq": each.seq}
        for each in refusals
    ]
    verdict.over_limit = [
        {"account": each.account, "op": each.op, "seq": each.seq} for each in over_limit
    ]
    return verdict


def _check_conversation(
    conversation: Sequence[Message],
    take_overs: Sequence[TakeOver],
    hand_backs: Sequence[int],
    grace_seconds: float,
    verdict: Verdict,
) -> None:
    written = [message for message in conversation if message.direction == "in"]
    answers = [message for message in conversation if message.author == "api"]
    asked: dict[str, list[Message]] = defaultdict(list)
    for message in written:
        for marker in _all_markers(message):
            asked[marker].append(message)
    given: dict[str, list[Message]] = defaultdict(list)
    for answer in answers:
        for marker in dict.fromkeys(find_markers(answer.text)):
            given[marker].append(answer)
    quiet = silences(conversation, take_overs, hand_backs)
    verdict.messages += len(written)
    verdict.marked += sum(bool(find_markers(message.text)) for message in written)
    verdict.not_accepted += sum(message.accepted is None for message in written)
    for message in written:
        if message.accepted is not None and message.expects_answer and not message.unsent:
            missing = _unanswered(message, conversation, given)
            _count_answered(message, missing, quiet, verdict)
    _check_owners(asked, given, verdict)
    _check_order(asked, given, verdict)
    for answer, seconds in after_person(answers, quiet, grace_seconds):
        verdict.after_person.append(_breach(answer, "") | {"seconds_after": seconds})


def _check_owners(
    asked: dict[str, list[Message]], given: dict[str, list[Message]], verdict: Verdict
) -> None:
    for marker, found in given.items():
        if marker not in asked:
            verdict.misdirected.extend(_breach(answer, marker) for answer in found)
        elif len(found) > len(asked[marker]):
            extra = found[len(asked[marker]) :]
            verdict.duplicated.extend(_breach(answer, marker) for answer in extra)


def _all_markers(message: Message) -> list[str]:
    """Return the markers of a message and of what it was before it was edited."""
    texts = (message.text, *message.earlier_texts)
    return list(dict.fromkeys(marker for text in texts for marker in find_markers(text)))


def _count_answered(
    message: Message, missing: Sequence[str], quiet: Sequence[Silence], verdict: Verdict
) -> None:
    if not missing:
        verdict.answered += 1
    elif left_to_person(message, quiet):
        verdict.left_to_person += 1
    else:
        verdict.lost.extend(_breach(message, marker) for marker in missing)


def _unanswered(
    message: Message, conversation: Sequence[Message], given: dict[str, list[Message]]
) -> list[str]:
    """Return the markers of a message that no answer has; `""` stands for the whole message.

    A message that was edited is answered when any of its versions is, for the answer to the
    earlier one may have been under way.
    """
    markers = find_markers(message.text)
    missing = [marker for marker in markers if marker not in given]
    if markers and not missing:
        return []
    for text in message.earlier_texts:
        before = find_markers(text)
        if before and all(marker in given for marker in before):
            return []
    if not markers:
        return [""] if next(_answers_after(message, conversation), None) is None else []
    any_text = message.any_answer or takes_fixed_answer(message.text or "")
    for answer in _answers_after(message, conversation):
        fixed = any_text and not find_markers(answer.text)
        if fixed or _is_picture_alone(answer, conversation):
            return []
    return missing


def _answers_after(message: Message, conversation: Sequence[Message]) -> Iterator[Message]:
    """Yield what the service sent after a message, newest first."""
    later = takewhile(lambda each: each.seq > message.seq, reversed(conversation))
    return (each for each in later if each.author == "api")


def _is_picture_alone(answer: Message, conversation: Sequence[Message]) -> bool:
    """Tell whether a message of pictures is an answer of its own, not a part of one with text."""
    if answer.text or not answer.attachments:
        return False
    before = (each for each in reversed(conversation) if each.seq < answer.seq)
    previous = next(before, None)
    return previous is not None and previous.direction == "in"


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
