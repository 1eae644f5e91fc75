"""What tests of an assistant that is talked round share: a museum, its bank, its moderator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.openai_server import FakeOpenAI, says
from tests.integration.assistant_support import ACCOUNT, APIS, _no_waiting, opened
from vestlus.assistant.moderation import NOTHING_FOUND, Finding
from vestlus.assistant.pictures import Offered, OfferedPicture
from vestlus.assistant.port import Question
from vestlus.assistant.rules import rules
from vestlus.conversation.history import HistoryMessage, Role
from vestlus.settings import Settings
from vestlus.settings_account import Account

__all__ = ["ACCOUNT", "APIS", "_no_waiting", "opened"]

PERSONA = """\
# Kuidas vastata

Sa oled muuseumi viisakas ja asjalik abiline, kes vastab lühidalt ja ei luba kunagi midagi, mida \
muuseum ise ei ole lubanud, ega räägi kellelegi teiste külastajate asjadest.

# Mida tead

- Avatud T-P 10-18.
- Koduleht: https://muuseum.example/piletid
- E-post: info@muuseum.example
"""
GOOD = says("Oleme avatud 10-18.")


def settings(url: str, api: str = "responses", **account: Any) -> Settings:  # noqa: ANN401
    values = {
        "openai_api_key": "sk-test",
        "openai_base_url": url,
        "openai_api": api,
        "model": "fake-model",
        "encryption_key": "k" * 32,
        "accounts": [{"id": ACCOUNT, "access_token": "t"} | account],
    }
    return Settings.model_validate(values)


def question(*texts: str, **more: Any) -> Question:  # noqa: ANN401 - any field
    messages = tuple(HistoryMessage(Role.USER, text, 0) for text in texts or ("Tere",))
    values = {"account": ACCOUNT, "user": "u", "history": (), "messages": messages}
    return Question(**({"now_ms": 1_772_452_980_000} | values | more))


@dataclass
class Bank:
    """Offers two pictures, always."""

    async def offered(self, account: Account, question_text: str, now_ms: int) -> Offered:
        assert account.id == ACCOUNT
        assert question_text
        assert now_ms
        return Offered(
            (OfferedPicture("menu", "Menüü"), OfferedPicture("hall", "Saal")), whole=True
        )


@dataclass
class ScriptedModerator:
    """Finds what it is told to, in order, then nothing; waits for ``gate`` first, if there."""

    findings: list[Finding] = field(default_factory=list)
    gate: asyncio.Event | None = None
    asked: list[tuple[tuple[str, ...], tuple[bytes, ...]]] = field(default_factory=list)

    async def check(
        self, account: Account, texts: Sequence[str], images: Sequence[bytes] = ()
    ) -> Finding:
        assert account.id == ACCOUNT
        self.asked.append((tuple(texts), tuple(images)))
        if self.gate is not None:
            await self.gate.wait()
        return self.findings.pop(0) if self.findings else NOTHING_FOUND


@pytest.fixture
async def server() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI(GOOD) as running:
        yield running


@pytest.fixture
def persona(tmp_path: Path) -> Path:
    path = tmp_path / "muuseum.md"
    path.write_text(PERSONA)
    return path


RULES = rules(settings("http://127.0.0.1:9/v1").accounts[0])
OWN = "Minu e-post on mari@kylaline.example ja vaata https://kylaline.example/pilt"
