"""What was due, taken in and answered, and how long each took."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from vestlus.simulator.jsontypes import Json, JsonObject, as_list, as_object
from vestlus.simulator.markers import find_markers
from vestlus.simulator.records import Attachment, Message

#: How long an answer waits for the model's own word on when it was asked, seconds.
TURN_PATIENCE = 10.0


@dataclass(slots=True)
class Entry:
    """One message of a user. `due` is when its webhook had to be posted, Unix seconds."""

    message: Message
    marker: str
    due: float
    taken_in: bool = False
    answered_at: float | None = None


@dataclass(frozen=True, slots=True)
class ModelTurn:
    """One call of the model's; the times are Unix seconds."""

    markers: tuple[str, ...]
    began: float
    ended: float


@dataclass(slots=True)
class Samples:
    """What was measured since the last look; times in microseconds.

    `late` is how much later than due the generator itself was. A turn is four times: from when its
    newest message was due until the model was asked, in the model, from the model until the answer
    arrived at Graph; and between its first and its newest message.
    """

    due: int = 0
    late: list[int] = field(default_factory=list)
    ack: list[int] = field(default_factory=list)
    answer: list[int] = field(default_factory=list)
    turns: list[tuple[int, int, int, int]] = field(default_factory=list)

    def to_json(self) -> JsonObject:
        """Return the form of a line of the process."""
        turns: list[Json] = [list(turn) for turn in self.turns]
        return {
            "due": self.due,
            "late_us": [*self.late],
            "ack_us": [*self.ack],
            "answer_us": [*self.answer],
            "turns_us": turns,
        }


class Journal:
    """Keeps every message of a load until its end."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.answers: list[Message] = []
        self.statuses: Counter[int] = Counter()
        self.written = self.taken_in = self.answered = 0
        self._users: set[str] = set()
        self._samples = Samples()
        self._turns: dict[str, ModelTurn] = {}
        self._without_turn: list[Entry] = []
        self._tick = 0

    @property
    def in_flight(self) -> int:
        """Messages that are due and not answered."""
        return self.written - self.answered

    @property
    def not_taken_in(self) -> int:
        """Messages that are due and whose webhook was not answered 200."""
        return self.written - self.taken_in

    def add(self, entry: Entry) -> None:
        """Keep a message that is known to Graph and not due yet."""
        self.entries[entry.marker] = entry
        self._users.add(entry.message.user)

    def now_due(self, entries: Sequence[Entry], now: float) -> None:
        """Note that a webhook is about to be posted."""
        self.written += len(entries)
        self._samples.due += len(entries)
        self._samples.late.append(micros(now - entries[0].due))

    def offer(self) -> int:
        """Return the tick at which a POST begins."""
        self._tick += 1
        return self._tick

    def posted(self, entries: Sequence[Entry], status: int, offered: int, now: float) -> None:
        """Note how one POST ended; `status` as `Message.posted` has it."""
        self.statuses[max(status, 0)] += 1
        accepted = self.offer() if status == 200 else None  # noqa: PLR2004 - HTTP's "OK"
        for entry in entries:
            entry.message.posted(status, offered, accepted, now)
            if accepted is not None and not entry.taken_in:
                entry.taken_in = True
                self.taken_in += 1
        if accepted is not None:
            self._samples.ack.append(micros(now - entries[0].due))

    def received(self, messages: Iterable[Json]) -> None:
        """Note what users got, in the form of the control API."""
        for body in messages:
            message = _outgoing(as_object(body, "a message"))
            if message.user not in self._users:
                continue
            self.answers.append(message)
            at = message.started_at or message.created_at
            for marker in find_markers(message.text):
                self._answer(marker, at)

    def model_turned(self, turns: Iterable[Json]) -> None:
        """Note the model's calls, in the form of the control API."""
        for each in turns:
            body = as_object(each, "a turn")
            markers = tuple(str(mark) for mark in as_list(body["markers"], "markers"))
            turn = ModelTurn(markers, _number(body["began"]), _number(body["ended"]))
            # A turn that was asked anew counts by its last call.
            self._turns.update(dict.fromkeys(markers, turn))

    def take(self, now: float) -> Samples:
        """Return what was measured since the last time."""
        waiting, self._without_turn = self._without_turn, []
        for entry in waiting:
            turn = self._turns.get(entry.marker)
            if turn is not None:
                self._measure(entry, turn)
            elif now - (entry.answered_at or 0) < TURN_PATIENCE:
                self._without_turn.append(entry)
        samples, self._samples = self._samples, Samples()
        return samples

    def conversations(self) -> list[Message]:
        """Return everything that was written and received, in order: what the checker judges."""
        written = (e.message for e in self.entries.values() if e.message.last_status is not None)
        return sorted((*written, *self.answers), key=lambda message: message.seq)

    def _answer(self, marker: str, at: float) -> None:
        entry = self.entries.get(marker)
        if entry is None or entry.answered_at is not None:
            return
        entry.answered_at = at
        self.answered += 1
        self._samples.answer.append(micros(at - entry.due))
        self._without_turn.append(entry)

    def _measure(self, entry: Entry, turn: ModelTurn) -> None:
        """Note a turn, once: by its newest message."""
        known = [self.entries[mark] for mark in turn.markers if mark in self.entries]
        newest = max(known, key=lambda each: (each.due, each.message.seq))
        if newest is not entry or entry.answered_at is None:
            return
        self._samples.turns.append(
            (
                micros(turn.began - entry.due),
                micros(turn.ended - turn.began),
                micros(entry.answered_at - turn.ended),
                micros(entry.due - min(each.due for each in known)),
            )
        )


def micros(seconds: float) -> int:
    """Return whole microseconds, never less than none."""
    return max(0, round(seconds * 1e6))


def _number(value: Json) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _outgoing(body: JsonObject) -> Message:
    attachments = [as_object(each, "one") for each in as_list(body["attachments"], "attachments")]
    text = body["text"]
    return Message(
        seq=int(_number(body["seq"])),
        mid=str(body["mid"]),
        account=str(body["account"]),
        user=str(body["user"]),
        direction="out",
        author="person" if body["author"] == "person" else "api",
        text=text if isinstance(text, str) else None,
        attachments=tuple(Attachment(str(each["type"]), str(each["url"])) for each in attachments),
        timestamp_ms=round(_number(body["created_at"]) * 1000),
        started_at=_number(body["started_at"]) or None,
    )
