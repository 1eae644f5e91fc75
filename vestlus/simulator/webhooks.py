"""Posts webhooks to the service until each is answered 200."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

import structlog

from vestlus.simulator import webhook_format
from vestlus.simulator.jsontypes import Json, JsonObject
from vestlus.simulator.persistence import DROP_WEBHOOK, PUT_WEBHOOK, DataFile
from vestlus.simulator.records import Channel, Message, WebhookEvent
from vestlus.simulator.state import Lane, State
from vestlus.simulator.tasks import TaskGroup
from vestlus.simulator.webhook_post import WebhookPoster
from vestlus.simulator.webhook_settings import WebhookSettings

log = structlog.get_logger(__name__)

# Meta opens many connections; this many keep one service busy without exhausting its sockets.
CONCURRENT_POSTS = 128


class WebhookSender:
    """Sends every event until the service answers 200.

    First attempts of one (account, user) are made one after the other, in the order of the
    events; retries do not hold later events back, as Instagram's do not. An event that was not
    answered 200 is in the data file and is sent again after a restart.
    """

    def __init__(
        self,
        poster: WebhookPoster,
        state: State,
        data: DataFile,
        *,
        rng: random.Random,
        tasks: TaskGroup,
    ) -> None:
        self.settings = WebhookSettings()
        self.statuses: Counter[int] = Counter()
        self.troubles: Counter[str] = Counter()
        self._poster = poster
        self._state = state
        self._data = data
        self._rng = rng
        self._tasks = tasks
        self._slots = asyncio.Semaphore(CONCURRENT_POSTS)
        self._running = asyncio.Event()
        self._running.set()
        self._tails: dict[Lane, asyncio.Future[None]] = {}
        self._batch: list[WebhookEvent] = []
        self._batch_timer: asyncio.TimerHandle | None = None
        self._pending: dict[int, WebhookEvent] = {}
        self._last_id = 0

    @property
    def pending(self) -> int:
        """How many events the service has not yet answered 200."""
        return len(self._pending)

    def start(self, left_over: Sequence[WebhookEvent]) -> None:
        """Take up what an earlier run could not deliver."""
        for event in left_over:
            self._last_id = max(self._last_id, event.id)
            self._pending[event.id] = event
            self._submit([event])

    async def stop(self) -> None:
        """Stop sending; what is undelivered stays in the data file."""
        if self._batch_timer is not None:
            self._batch_timer.cancel()
        await self._tasks.cancel()

    def change(self, body: JsonObject) -> None:
        """Change settings, or raise `BadInputError`."""
        self.settings = self.settings.changed(body)
        (self._running.clear if self.settings.paused else self._running.set)()

    def discard(self) -> int:
        """Forget every event that is not delivered, for good; return how many.

        As Meta does with what nobody took for too long. What is being posted at this moment may
        arrive all the same.
        """
        dropped = list(self._pending)
        for event in dropped:
            del self._pending[event]
            self._data.put(DROP_WEBHOOK, event)
        self._batch.clear()
        return len(dropped)

    def send_message(self, message: Message, quick_reply: str | None = None) -> None:
        """Have a user's message posted, if the account subscribed to messages."""
        if "messages" in self._state.subscriptions[message.account]:
            body = webhook_format.message_event(message, quick_reply=quick_reply)
            self._enqueue(message.account, message.user, body, message.mid)

    def send_echo(self, message: Message) -> bool:
        """Have the echo of an outgoing message posted; return whether it is.

        False if echoes are off or the account did not subscribe to them.
        """
        subscribed = "message_echoes" in self._state.subscriptions[message.account]
        if not (self.settings.echoes and subscribed):
            return False
        body = webhook_format.message_event(message, echo=True, origin=self._state.origin)
        if delay := self.settings.echo_delay_seconds:
            self._tasks.start(self._enqueue_later(message, body, delay))
        else:
            self._enqueue(message.account, message.user, body, message.mid)
        return True

    def send_event(
        self,
        account: str,
        user: str,
        field: str,
        body: JsonObject,
        *,
        mid: str | None = None,
        channel: Channel = "messaging",
    ) -> bool:
        """Have any other event posted; False if the account did not subscribe to its field."""
        subscribed = field in self._state.subscriptions[account]
        if subscribed:
            self._enqueue(account, user, body, mid, channel)
        return subscribed

    async def until_echoed(self, message: Message) -> None:
        """Wait until a message's echo was answered 200, but no longer than one POST may take."""
        with suppress(TimeoutError), self._state.watch((message.account, message.user)) as changed:
            async with asyncio.timeout(self.settings.timeout_seconds):
                while message.echoed is None:
                    changed.clear()
                    await changed.wait()

    async def post_raw(self, body: bytes, signature: str | None) -> tuple[int, str]:
        """Post bytes once; return status (0: no answer) and the start of the response body."""
        return await self._poster.post(body, signature, self.settings.timeout_seconds)

    def sign(self, body: bytes) -> str:
        """Return the signature the service expects for these bytes."""
        return self._poster.sign(body)

    async def _enqueue_later(self, message: Message, body: JsonObject, delay: float) -> None:
        await asyncio.sleep(delay)
        self._enqueue(message.account, message.user, body, message.mid)

    def _enqueue(
        self,
        account: str,
        user: str,
        body: JsonObject,
        mid: str | None,
        channel: Channel = "messaging",
    ) -> None:
        self._last_id += 1
        event = WebhookEvent(
            id=self._last_id, account=account, user=user, body=body, mid=mid, channel=channel
        )
        self._pending[event.id] = event
        encoded = webhook_format.encode(body).decode("ascii")
        self._data.put(PUT_WEBHOOK, event.id, account, user, encoded, mid, channel)
        if self.settings.batch_events == 1 and not self._batch:
            self._submit([event])
            return
        self._batch.append(event)
        if len(self._batch) >= self.settings.batch_events:
            self._flush()
        elif self._batch_timer is None:
            loop = asyncio.get_running_loop()
            self._batch_timer = loop.call_later(self.settings.batch_ms / 1000, self._flush)

    def _flush(self) -> None:
        if self._batch_timer is not None:
            self._batch_timer.cancel()
            self._batch_timer = None
        events, self._batch = self._batch, []
        self._submit(events)

    def _submit(self, events: list[WebhookEvent]) -> None:
        """Queue one POST behind the first attempts of the same conversations."""
        if not events:
            return
        if self._rng.random() < self.settings.reorder_probability:
            self.troubles["reordered"] += 1
            self._tasks.start(self._deliver(events, [], None, self.settings.reorder_seconds))
            return
        lanes = {(event.account, event.user) for event in events}
        before = [self._tails[lane] for lane in lanes if lane in self._tails]
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        for lane in lanes:
            self._tails[lane] = done
        delay = self._rng.uniform(*self.settings.delay_seconds)
        self.troubles["delayed"] += delay > 0
        self._tasks.start(self._deliver(events, before, done, delay))

    async def _deliver(
        self,
        events: list[WebhookEvent],
        before: list[asyncio.Future[None]],
        done: asyncio.Future[None] | None,
        delay: float,
    ) -> None:
        try:
            if before:
                await asyncio.wait(before)
            if delay:
                await asyncio.sleep(delay)
            accepted = await self._attempt(events)
        finally:
            if done is not None:
                self._release(events, done)
        wait = self.settings.retry_first_seconds
        while not accepted:
            await asyncio.sleep(min(wait, self.settings.retry_cap_seconds))
            wait = min(wait * 2, self.settings.retry_cap_seconds)
            accepted = await self._attempt(events)

    def _release(self, events: list[WebhookEvent], done: asyncio.Future[None]) -> None:
        done.set_result(None)
        for lane in {(event.account, event.user) for event in events}:
            if self._tails.get(lane) is done:
                del self._tails[lane]

    async def _attempt(self, events: list[WebhookEvent]) -> bool:
        await self._running.wait()
        events = [event for event in events if event.id in self._pending]
        if not events:
            return True
        async with self._slots:
            now_ms = int(self._state.clock() * 1000)
            content: Json = webhook_format.payload(events, now_ms, self.settings.entry_events)
            body = webhook_format.encode(content)
            offered = self._state.next_tick()
            status, _ = await self.post_raw(body, self.sign(body))
        self._record(events, status, offered)
        if status != 200:  # noqa: PLR2004
            log.info("webhook_not_accepted", status=status, events=len(events))
            return False
        if self._rng.random() < self.settings.duplicate_probability:
            self.troubles["duplicated"] += 1
            self._tasks.start(self._repeat(body))
        return True

    async def _repeat(self, body: bytes) -> None:
        status, _ = await self.post_raw(body, self.sign(body))
        self.statuses[max(status, 0)] += 1

    def _record(self, events: list[WebhookEvent], status: int, offered: int) -> None:
        self.statuses[max(status, 0)] += 1
        accepted = self._state.next_tick() if status == 200 else None  # noqa: PLR2004
        for event in events:
            event.attempts += 1
            if accepted is not None:
                self._pending.pop(event.id, None)
                self._data.put(DROP_WEBHOOK, event.id)
            message = self._state.by_mid.get(event.mid) if event.mid is not None else None
            if message is not None:
                message.posted(status, offered, accepted, self._state.clock())
                self._state.changed(message)
