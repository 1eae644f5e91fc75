"""Accounts, users and conversations: the authority while the simulator runs."""

import asyncio
import base64
import random
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from vestlus.simulator.config import DEFAULT_USER
from vestlus.simulator.jsontypes import JsonObject
from vestlus.simulator.persistence import (
    PUT_HAND_BACK,
    PUT_REFUSAL,
    PUT_SUBSCRIPTION,
    PUT_TAKE_OVER,
    PUT_UPLOAD,
    PUT_USER,
    DataFile,
    Saved,
)
from vestlus.simulator.records import (
    Attachment,
    Author,
    Direction,
    HandBack,
    Message,
    Refusal,
    TakeOver,
    Thread,
    User,
)

# The fields of Instagram Login (Webhooks setup page) that the simulator sends events of.
ALL_FIELDS = (
    *("messages", "message_echoes", "message_reactions"),
    *("messaging_handover", "standby"),
)
# Instagram shows the typing bubble for 20 s, or until a message comes.
TYPING_SECONDS = 20.0

Lane = tuple[str, str]


class State:
    """All that is known, in memory, with changes handed to the data file.

    Used from the event loop's thread only. Messages are numbered from 1 in the order in which
    they come into being, and are never forgotten.
    """

    def __init__(
        self,
        accounts: tuple[str, ...],
        data: DataFile,
        saved: Saved,
        *,
        clock: Callable[[], float],
        rng: random.Random,
    ) -> None:
        self.accounts = accounts
        self.clock = clock
        #: Where the simulator listens, once it does: kept pictures are shown from there.
        self.origin = ""
        self.uploads = dict(saved.uploads)
        self.refusals = list(saved.refusals)
        self.take_overs = list(saved.take_overs)
        self.hand_backs = list(saved.hand_backs)
        self.log: list[Message] = []
        self.users: dict[str, User] = {user.id: user for user in saved.users}
        self.by_mid: dict[str, Message] = {}
        self.threads: dict[Lane, Thread] = {}
        self.subscriptions = {
            account: saved.subscriptions.get(account, ALL_FIELDS) for account in accounts
        }
        self._data = data
        self._rng = rng
        self._watchers: dict[Lane | None, set[asyncio.Event]] = {}
        for message in saved.messages:
            self._index(message)
        self.last_seq = self.log[-1].seq if self.log else 0
        ticks = [each.tick for each in self.take_overs]
        ticks += [each.tick for each in self.hand_backs]
        for each in self.log:
            ticks += filter(None, (each.offered, each.accepted, each.started, each.echoed))
        self._tick = max(ticks, default=0)
        self.ensure_user(DEFAULT_USER, "You")

    def ensure_user(self, user: str, name: str | None = None) -> User:
        """Return the user, made if new, renamed if a name is given."""
        known = self.users.get(user)
        if known is None or (name is not None and known.name != name):
            known = User(user, name or user)
            self.users[user] = known
            self._data.put(PUT_USER, known.id, known.name)
        return known

    def thread(self, account: str, user: str) -> Thread:
        """Return the conversation of a user with an account, made if new."""
        found = self.threads.get((account, user))
        if found is None:
            found = self.threads[account, user] = Thread(account, user)
        return found

    def add_message(
        self,
        *,
        account: str,
        user: str,
        direction: Direction,
        author: Author,
        text: str | None,
        attachments: Iterable[Attachment] = (),
        timestamp_ms: int | None = None,
        reply_to: str | None = None,
        expects_answer: bool = True,
        any_answer: bool = False,
        tag: str | None = None,
        started: tuple[int, float] | None = None,
        another_mid: bool = False,
        echo_text: str | None = None,
    ) -> Message:
        """Make a message, store it and wake whoever waits for it.

        With `another_mid` the platform knows it by another id than the sender. `started` are tick
        and time at which the request that sent it arrived.
        """
        self.ensure_user(user)
        self.last_seq += 1
        message = Message(
            seq=self.last_seq,
            mid=self._new_mid(),
            account=account,
            user=user,
            direction=direction,
            author=author,
            text=text,
            attachments=tuple(attachments),
            timestamp_ms=int(self.clock() * 1000) if timestamp_ms is None else timestamp_ms,
            reply_to=reply_to,
            expects_answer=expects_answer and direction == "in",
            any_answer=any_answer and direction == "in",
            tag=tag,
            started=started[0] if started else None,
            started_at=started[1] if started else None,
            echo_mid=self._new_mid() if another_mid else None,
            echo_text=echo_text,
        )
        self._index(message)
        if direction == "out":
            self.thread(account, user).typing_until = 0.0
        self.changed(message)
        return message

    def changed(self, message: Message) -> None:
        """Store a message again after a change, and tell those who watch."""
        self._data.put_message(message)
        self.notify(message.account, message.user)

    def next_tick(self) -> int:
        """Count one step of the order in which deliveries begin and are accepted."""
        self._tick += 1
        return self._tick

    def keep_upload(self, account: str, attachment: Attachment) -> str:
        """Keep a picture or file for later messages of the account, and return its id."""
        upload = str(self._rng.randrange(10**15, 10**16))
        self.uploads[account, upload] = attachment
        kept = (attachment.type, attachment.url, attachment.media, attachment.alt)
        self._data.put(PUT_UPLOAD, account, upload, *kept)
        return upload

    def note_refusal(self, account: str, user: str) -> None:
        """Remember that a message was refused because the window had closed."""
        refusal = Refusal(account=account, user=user, at=self.clock(), seq=self.last_seq)
        self.refusals.append(refusal)
        self._data.put(PUT_REFUSAL, account, user, refusal.at, refusal.seq)
        self.notify(account, user)

    def take_over(self, account: str, user: str) -> None:
        """Remember that from now on a person has the conversation."""
        mark = TakeOver(account=account, user=user, tick=self.next_tick(), at=self.clock())
        self.take_overs.append(mark)
        self._data.put(PUT_TAKE_OVER, account, user, mark.tick, mark.at)
        self.notify(account, user)

    def hand_back(self, account: str, user: str) -> None:
        """Remember that from now on the service may answer the user again."""
        mark = HandBack(account=account, user=user, tick=self.next_tick())
        self.hand_backs.append(mark)
        self._data.put(PUT_HAND_BACK, account, user, mark.tick)
        self.notify(account, user)

    def set_subscription(self, account: str, fields: tuple[str, ...]) -> None:
        """Choose which webhook fields an account sends."""
        self.subscriptions[account] = fields
        self._data.put(PUT_SUBSCRIPTION, account, ",".join(fields))

    def set_typing(self, account: str, user: str, *, on: bool) -> None:
        """Show or hide the typing bubble."""
        until = self.clock() + TYPING_SECONDS if on else 0.0
        self.thread(account, user).typing_until = until
        self.notify(account, user)

    def mark_seen(self, account: str, user: str) -> None:
        """Record that the account has seen all that the user wrote."""
        thread = self.thread(account, user)
        written = (m.seq for m in reversed(thread.messages) if m.direction == "in")
        thread.seen_seq = next(written, 0)
        self.notify(account, user)

    def after(self, seq: int, limit: int | None = None) -> list[Message]:
        """Return messages numbered above `seq`, oldest first."""
        start = bisect_right(self.log, seq, key=lambda message: message.seq)
        return self.log[start:] if limit is None else self.log[start : start + limit]

    def thread_after(self, account: str, user: str, seq: int) -> list[Message]:
        """Return one conversation's messages numbered above `seq`, oldest first."""
        messages = self.thread(account, user).messages
        return messages[bisect_right(messages, seq, key=lambda message: message.seq) :]

    def notify(self, account: str, user: str) -> None:
        """Wake those who watch this conversation, or all of them."""
        for key in ((account, user), None):
            for event in self._watchers.get(key, ()):
                event.set()

    @contextmanager
    def watch(self, lane: Lane | None) -> Iterator[asyncio.Event]:
        """Give an event that is set whenever the conversation (None: any) changes."""
        event = asyncio.Event()
        watchers = self._watchers.setdefault(lane, set())
        watchers.add(event)
        try:
            yield event
        finally:
            watchers.discard(event)
            if not watchers:
                self._watchers.pop(lane, None)

    def thread_state(self, thread: Thread) -> JsonObject:
        """Return what a chat page shows beside the messages."""
        left = max(0.0, thread.typing_until - self.clock())
        return {"typing": left > 0, "typing_seconds": left, "seen_seq": thread.seen_seq}

    def _index(self, message: Message) -> None:
        self.log.append(message)
        self.by_mid[message.mid] = self.by_mid[message.platform_mid] = message
        thread = self.thread(message.account, message.user)
        thread.messages.append(message)
        if message.direction == "in":
            thread.last_user_ms = max(thread.last_user_ms or 0, message.timestamp_ms)

    def _new_mid(self) -> str:
        raw = b"ig_dAG:1:message:" + self._rng.randbytes(18)
        # Sequence numbers keep mids apart even when a seed is used twice on one file.
        encoded = base64.urlsafe_b64encode(raw + self.last_seq.to_bytes(6, "big"))
        # Real ids write the padding so.
        return encoded.decode().replace("=", "ZD")
