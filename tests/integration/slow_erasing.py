"""Erasures that a user asks for in the chat, and that take as long as a test wants."""

from __future__ import annotations

import asyncio

import pytest

from vestlus.hosting.composing import PutOff
from vestlus.privacy.chat import ChatEraser


def slow_erasing(monkeypatch: pytest.MonkeyPatch) -> tuple[asyncio.Event, asyncio.Event]:
    """Set when one has begun, and what it waits for then."""
    begun, go = asyncio.Event(), asyncio.Event()
    erase = ChatEraser.__call__

    async def slowly(
        self: ChatEraser, account: str, user: str, text: str, deadline_ms: int
    ) -> PutOff | None:
        begun.set()
        await go.wait()
        return await erase(self, account, user, text, deadline_ms)

    monkeypatch.setattr(ChatEraser, "__call__", slowly)
    return begun, go
