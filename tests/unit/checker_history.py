"""Histories for the tests of the checker, as a simulator would have seen them."""

from dataclasses import dataclass, field

from vestlus.simulator.checker import Verdict, check
from vestlus.simulator.records import Author, HandBack, Message, TakeOver

ACCOUNT = "17841400000000001"


@dataclass
class History:
    """Builds what a simulator would have seen; ticks count deliveries."""

    messages: list[Message] = field(default_factory=list)
    take_overs: list[TakeOver] = field(default_factory=list)
    hand_backs: list[HandBack] = field(default_factory=list)
    tick: int = 0

    def asked(self, user: str, text: str, *, accepted: bool = True, at_ms: int = 0) -> Message:
        """A user's message, delivered at once, in a POST of its own."""
        message = self._message(user, text, "user", at_ms)
        message.offered = self._next()
        message.accepted = self._next() if accepted else None
        return message

    def answered(self, user: str, text: str | None, author: Author = "api") -> Message:
        """A message that the user received, sent by a request or by a person in the app."""
        started = self._next()
        message = self._message(user, text, author, 0)
        if author == "api":
            message.started, message.started_at = started, float(started)
        return message

    def took_over(self, user: str, text: str = "Siin Mari") -> Message:
        """A person's answer, whose echo was answered 200 at once."""
        message = self.answered(user, text, "person")
        message.echoed = self._next()
        message.echoed_at = float(message.echoed)
        return message

    def taken_over(self, user: str) -> None:
        """A person has the conversation, without having written."""
        tick = self._next()
        self.take_overs.append(TakeOver(account=ACCOUNT, user=user, tick=tick, at=float(tick)))

    def handed_back(self, user: str) -> None:
        self.hand_backs.append(HandBack(account=ACCOUNT, user=user, tick=self._next()))

    def _next(self) -> int:
        self.tick += 1
        return self.tick

    def _message(self, user: str, text: str | None, author: Author, at_ms: int) -> Message:
        seq = len(self.messages) + 1
        message = Message(
            seq=seq,
            mid=f"m{seq}",
            account=ACCOUNT,
            user=user,
            direction="in" if author == "user" else "out",
            author=author,
            text=text,
            timestamp_ms=at_ms or seq,
        )
        self.messages.append(message)
        return message

    def verdict(self) -> Verdict:
        return check(self.messages, take_overs=self.take_overs, hand_backs=self.hand_backs)


def conversation(count: int, user: str = "u1") -> History:
    history = History()
    for number in range(count):
        history.asked(user, f"Mis kell? #{user}-{number}")
    return history
