"""The part of the control API that does what people do in the Instagram app besides writing."""

from aiohttp import web

from vestlus.simulator import webhook_format
from vestlus.simulator.control_input import read_content, read_lane
from vestlus.simulator.jsontypes import (
    BadInputError,
    JsonObject,
    get_choice,
    get_text,
    parse_object,
)
from vestlus.simulator.records import Message
from vestlus.simulator.state import State
from vestlus.simulator.webhooks import WebhookSender

THREAD_ACTIONS = ("pass", "take", "request")
REACTIONS = ("react", "unreact")
THREAD_DETAILS = (
    *("previous_owner_app_id", "new_owner_app_id", "requested_owner_app_id"),
    "metadata",
)


class PeopleControlApi:
    """Answers as a person of the account; takes back, edits and reacts as a user."""

    def __init__(self, state: State, webhooks: WebhookSender) -> None:
        self._state = state
        self._webhooks = webhooks

    def routes(self) -> list[web.RouteDef]:
        """Return the routes to serve."""
        return [
            web.post("/control/personal-answer", self.personal_answer),
            web.post("/control/taken-over", self.taken_over),
            web.post("/control/handed-back", self.handed_back),
            web.post("/control/unsend", self.unsend),
            web.post("/control/edit", self.edit),
            web.post("/control/react", self.react),
            web.post("/control/handover", self.handover),
            web.post("/control/standby", self.standby),
        ]

    async def personal_answer(self, request: web.Request) -> web.Response:
        """Answer `POST /control/personal-answer`; text with pictures makes two messages."""
        body = parse_object(await request.read())
        account, user = read_lane(self._state, body)
        text, attachments = read_content(body, self._state.origin)
        parts = [(text, ())] if text else []
        contents = [*parts, *([(None, attachments)] if attachments else [])]
        sent = [
            self._state.add_message(
                account=account,
                user=user,
                direction="out",
                author="person",
                text=said,
                attachments=shown,
            )
            for said, shown in contents
        ]
        for message in sent:
            self._webhooks.send_echo(message)
        first = sent[0].to_json()
        return web.json_response(first | {"messages": [each.to_json() for each in sent]})

    async def taken_over(self, request: web.Request) -> web.Response:
        """Answer `POST /control/taken-over`: for the checker, a person has the conversation."""
        account, user = read_lane(self._state, parse_object(await request.read()))
        self._state.take_over(account, user)
        return web.json_response({"account": account, "user": user})

    async def handed_back(self, request: web.Request) -> web.Response:
        """Answer `POST /control/handed-back`: for the checker, the service may answer again."""
        account, user = read_lane(self._state, parse_object(await request.read()))
        self._state.hand_back(account, user)
        return web.json_response({"account": account, "user": user})

    async def unsend(self, request: web.Request) -> web.Response:
        """Answer `POST /control/unsend`."""
        message = self._own(parse_object(await request.read()))
        message.unsent = True
        self._tell(message, "messages", webhook_format.unsend_event(message, self._now()))
        return web.json_response(message.to_json())

    async def edit(self, request: web.Request) -> web.Response:
        """Answer `POST /control/edit`."""
        body = parse_object(await request.read())
        message = self._own(body)
        text = get_text(body, "text")
        if not text or message.text is None:
            reason = "text is missing, or the message has none"
            raise BadInputError(reason)
        message.earlier_texts = (*message.earlier_texts, message.text)
        message.text = text
        self._tell(message, "messages", webhook_format.edit_event(message, self._now()))
        return web.json_response(message.to_json())

    async def react(self, request: web.Request) -> web.Response:
        """Answer `POST /control/react`: the user's reaction to a message of either side."""
        body = parse_object(await request.read())
        message = self._known(body)
        action = get_choice(body, "action", "react", REACTIONS)
        emoji = get_text(body, "emoji", "\N{HEAVY BLACK HEART}\N{VARIATION SELECTOR-16}")
        message.reaction = emoji if action == "react" else None
        event = webhook_format.reaction_event(message, message.reaction, self._now())
        self._tell(message, "message_reactions", event)
        return web.json_response(message.to_json())

    async def handover(self, request: web.Request) -> web.Response:
        """Answer `POST /control/handover`: another app passes, takes or asks for the thread."""
        body = parse_object(await request.read())
        account, user = read_lane(self._state, body)
        if get_text(body, "action") is None:
            reason = "action is missing"
            raise BadInputError(reason)
        action = get_choice(body, "action", "", THREAD_ACTIONS)
        details: JsonObject = {
            name: get_text(body, name) for name in THREAD_DETAILS if name in body
        }
        event = webhook_format.handover_event(account, user, action, details, self._now())
        posted = self._webhooks.send_event(account, user, "messaging_handover", event)
        return web.json_response({"account": account, "user": user, "posted": posted})

    async def standby(self, request: web.Request) -> web.Response:
        """Answer `POST /control/standby`: the user writes while another app has the thread."""
        body = parse_object(await request.read())
        account, user = read_lane(self._state, body)
        text, attachments = read_content(body, self._state.origin)
        message = self._state.add_message(
            account=account,
            user=user,
            direction="in",
            author="user",
            text=text,
            attachments=attachments,
            expects_answer=False,
        )
        event = webhook_format.message_event(message)
        mid = message.mid
        self._webhooks.send_event(account, user, "standby", event, mid=mid, channel="standby")
        return web.json_response(message.to_json())

    def _tell(self, message: Message, field: str, event: JsonObject) -> None:
        self._state.changed(message)
        self._webhooks.send_event(message.account, message.user, field, event)

    def _known(self, body: JsonObject) -> Message:
        message = self._state.by_mid.get(get_text(body, "mid") or "")
        if message is None or message.unsent:
            reason = "mid is not that of a message, or it was unsent"
            raise BadInputError(reason)
        return message

    def _own(self, body: JsonObject) -> Message:
        message = self._known(body)
        if message.direction != "in":
            reason = "a user can only change what the user wrote"
            raise BadInputError(reason)
        return message

    def _now(self) -> int:
        return int(self._state.clock() * 1000)
