"""The control API for tests, `vestlus try` and the load test: conversations and waiting."""

import asyncio
from collections.abc import Callable, Sequence

from aiohttp import web

from vestlus.simulator import checker
from vestlus.simulator.config import DEFAULT_USER, SimulatorConfig
from vestlus.simulator.control_input import (
    account_id,
    query_number,
    query_seconds,
    read_content,
    read_lane,
    user_id,
)
from vestlus.simulator.graph_rate import RateMeter
from vestlus.simulator.jsontypes import (
    BadInputError,
    Json,
    JsonObject,
    as_list,
    as_object,
    get_flag,
    get_number,
    get_text,
    parse_object,
)
from vestlus.simulator.media import IMAGE_BYTES, MediaStore, is_picture
from vestlus.simulator.records import Message
from vestlus.simulator.state import Lane, State
from vestlus.simulator.webhooks import WebhookSender

MOST_FEED = 10_000
# A verdict over a long history is not cheap, and everything that happens asks for a new one: one
# is made in a thread, at most so often, and with a rest of this many times what the last took.
CHECK_EVERY_SECONDS = 0.1
CHECK_REST = 20


class ControlApi:
    """Writes as users, reads what they got, and waits for it."""

    def __init__(
        self,
        config: SimulatorConfig,
        state: State,
        webhooks: WebhookSender,
        media: MediaStore,
        meter: RateMeter,
    ) -> None:
        self._config = config
        self._state = state
        self._webhooks = webhooks
        self._media = media
        self._meter = meter

    def routes(self) -> list[web.RouteDef]:
        """Return the routes to serve."""
        return [
            web.get("/control/info", self.info),
            web.post("/control/users", self.make_user),
            web.post("/control/messages", self.write),
            web.post("/control/media", self.upload),
            web.get("/control/conversation", self.conversation),
            web.get("/control/wait", self.wait),
            web.get("/control/feed", self.feed),
            web.get("/control/check", self.check),
        ]

    async def info(self, _request: web.Request) -> web.Response:
        """Answer `GET /control/info`."""
        users: list[Json] = [
            {"id": user.id, "name": user.name} for user in self._state.users.values()
        ]
        body: JsonObject = {
            "accounts": list(self._state.accounts),
            "users": users,
            "default_user": DEFAULT_USER,
            "model_label": self._config.model_label,
            "webhook_url": self._config.webhook_url,
            "seq": self._state.last_seq,
        }
        return web.json_response(body)

    async def make_user(self, request: web.Request) -> web.Response:
        """Answer `POST /control/users`."""
        body = parse_object(await request.read())
        name = get_text(body, "name")
        user = self._state.ensure_user(user_id(get_text(body, "user")), name)
        return web.json_response({"id": user.id, "name": user.name})

    async def write(self, request: web.Request) -> web.Response:
        """Answer `POST /control/messages`: one message, or a list of them."""
        raw = await request.read()
        if not raw.lstrip().startswith(b"["):
            return web.json_response(self._write_one(parse_object(raw)).to_json())
        items = as_list(parse_object(b'{"items":' + raw + b"}")["items"], "the body")
        bodies = [as_object(item, "a message") for item in items]
        return web.json_response([self._write_one(body).to_json() for body in bodies])

    async def upload(self, request: web.Request) -> web.Response:
        """Answer `POST /control/media`."""
        body = await request.read()
        if len(body) > IMAGE_BYTES or not is_picture(request.content_type, body):
            message = "the body must be a PNG or JPEG picture of at most 8 MB"
            raise BadInputError(message)
        media_id = await self._media.keep(request.content_type, body)
        # The address at which the service can reach it, whatever name the browser uses.
        anywhere = self._config.host in {"0.0.0.0", "::", ""}  # noqa: S104  (compared, not bound)
        origin = request.url.origin() if anywhere else self._state.origin
        return web.json_response({"url": f"{origin}/media/{media_id}"})

    async def conversation(self, request: web.Request) -> web.Response:
        """Answer `GET /control/conversation`."""
        account, user = self._lane(request.query.get("account"), request.query.get("user"))
        found = self._state.thread_after(account, user, query_number(request, "after", 0))
        thread = self._state.thread(account, user)
        state = self._state.thread_state(thread)
        return web.json_response({"messages": [each.to_json() for each in found], **state})

    async def wait(self, request: web.Request) -> web.Response:
        """Answer `GET /control/wait`: messages to a user, as soon as there is one."""
        lane = self._lane(request.query.get("account"), request.query.get("user"))
        after = query_number(request, "after", 0)

        def received() -> list[Message]:
            found = self._state.thread_after(*lane, after)
            return [message for message in found if message.direction == "out"]

        return await self._answer_when(lane, received, query_seconds(request, "timeout", 30))

    async def feed(self, request: web.Request) -> web.Response:
        """Answer `GET /control/feed`: the same over all conversations."""
        after = query_number(request, "after", 0)
        limit = min(query_number(request, "limit", 1000), MOST_FEED)
        direction = request.query.get("direction")
        if direction not in {None, "in", "out"}:
            message = "direction must be in or out"
            raise BadInputError(message)
        scanned = after

        def found() -> list[Message]:
            nonlocal scanned
            new = self._state.after(scanned)
            picked = [each for each in new if direction in {None, each.direction}][:limit]
            # Nothing before here is wanted, so a long wait does not look at it again.
            scanned = scanned if picked else max(scanned, self._state.last_seq)
            return picked

        return await self._answer_when(None, found, query_seconds(request, "timeout", 0))

    async def check(self, request: web.Request) -> web.Response:
        """Answer `GET /control/check`: the verdict, at once or when it has become good."""
        after = query_number(request, "after", 0)
        prefix = request.query.get("user_prefix", "")
        grace = query_seconds(request, "grace", 0)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + query_seconds(request, "wait", 0)
        with self._state.watch(None) as changed:
            while True:
                changed.clear()
                began = loop.time()
                verdict = await asyncio.to_thread(self._judge, after, prefix, grace)
                settled = verdict.ok and not verdict.not_accepted
                if settled or loop.time() >= deadline:
                    return web.json_response(verdict.to_json())
                pause = max(CHECK_EVERY_SECONDS, CHECK_REST * (loop.time() - began))
                await asyncio.sleep(min(pause, max(0, deadline - loop.time())))
                await _wait_until(changed, deadline)

    async def _answer_when(
        self, lane: Lane | None, find: Callable[[], Sequence[Message]], seconds: float
    ) -> web.Response:
        deadline = asyncio.get_running_loop().time() + seconds
        with self._state.watch(lane) as changed:
            while True:
                changed.clear()
                found = find()
                if found or not await _wait_until(changed, deadline):
                    return web.json_response({"messages": [each.to_json() for each in found]})

    def _write_one(self, body: JsonObject) -> Message:
        account, user = read_lane(self._state, body)
        text, attachments = read_content(body, self._state.origin)
        any_answer = body.get("expects_answer") == "any"
        expects = any_answer or get_flag(body, "expects_answer", default=True)
        stamp = int(get_number(body, "timestamp_ms", 0)) if "timestamp_ms" in body else None
        written = self._state.add_message(
            account=account,
            user=user,
            direction="in",
            author="user",
            text=text,
            attachments=attachments,
            timestamp_ms=stamp,
            reply_to=get_text(body, "reply_to"),
            expects_answer=expects,
            any_answer=any_answer,
        )
        if get_flag(body, "webhook", default=True):
            self._webhooks.send_message(written, get_text(body, "quick_reply"))
        return written

    def _judge(self, after: int, prefix: str, grace: float) -> checker.Verdict:
        refusals = [each for each in list(self._state.refusals) if each.seq >= after]
        return checker.check(
            [each for each in self._state.after(after) if each.user.startswith(prefix)],
            refusals=[each for each in refusals if each.user.startswith(prefix)],
            take_overs=list(self._state.take_overs),
            hand_backs=list(self._state.hand_backs),
            over_limit=[each for each in list(self._meter.over) if each.seq >= after],
            grace_seconds=grace,
        )

    def _lane(self, account: str | None, user: str | None) -> Lane:
        return account_id(self._state, account), user_id(user)


async def _wait_until(event: asyncio.Event, deadline: float) -> bool:
    """Wait for the event; False once the loop's clock has passed the deadline."""
    try:
        async with asyncio.timeout_at(deadline):
            await event.wait()
    except TimeoutError:
        return False
    return True
