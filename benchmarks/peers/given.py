"""What a peer is told by the environment, and the webhook's two questions that all peers ask."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: Messages of a conversation that the model is shown: as many as Vestlus shows it.
HISTORY_MESSAGES = 40
MODEL = "simulator"
#: As Vestlus has it.
MAX_OUTPUT_TOKENS = 4_000

#: A conversation's messages. ``mid`` makes a webhook that Meta repeats harmless.
SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    conversation text NOT NULL,
    role text NOT NULL,
    content text NOT NULL,
    mid text UNIQUE,
    answered boolean NOT NULL DEFAULT false,
    said_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS message_conversation ON message (conversation, id);
"""


@dataclass(frozen=True, slots=True)
class Given:
    """Addresses and secrets. The OpenAI SDK reads its own from OPENAI_BASE_URL, OPENAI_API_KEY."""

    app_secret: bytes = field(repr=False)
    access_token: str = field(repr=False)
    graph_url: str
    persona: str
    broker_url: str
    database_url: str
    #: Connections to PostgreSQL that one process keeps at most.
    connections: int


def given(environ: Mapping[str, str] = os.environ) -> Given:
    """Read it. Raises KeyError for what is missing."""
    return Given(
        app_secret=environ["PEER_APP_SECRET"].encode(),
        access_token=environ["PEER_ACCESS_TOKEN"],
        graph_url=environ["PEER_GRAPH_URL"],
        persona=environ["PEER_PERSONA"],
        broker_url=environ["PEER_BROKER_URL"],
        database_url=environ.get("PEER_DATABASE_URL", ""),
        connections=int(environ.get("PEER_CONNECTIONS", "1")),
    )


@dataclass(frozen=True, slots=True)
class Said:
    """One text of a user's."""

    account: str
    user: str
    mid: str
    text: str

    @property
    def conversation(self) -> str:
        """Users' ids are Instagram's for one account."""
        return f"{self.account}:{self.user}"


def is_signed(raw: bytes, header: str | None, secret: bytes) -> bool:
    """Whether Meta signed these bytes (Meta, "Webhooks: setup", "Validating payloads")."""
    expected = "sha256=" + hmac.new(secret, raw, hashlib.sha256).hexdigest()
    return header is not None and hmac.compare_digest(expected, header)


def said_in(raw: bytes) -> list[Said]:
    """The texts in a webhook; echoes of one's own messages are passed over."""
    body: dict[str, Any] = json.loads(raw)
    return [
        Said(item["recipient"]["id"], item["sender"]["id"], message["mid"], message["text"])
        for entry in body["entry"]
        for item in entry.get("messaging", ())
        if (message := item.get("message")) and "text" in message and not message.get("is_echo")
    ]
