from __future__ import annotations

import base64
from dataclasses import dataclass, field

from vestlus.assistant.vision import MAX_SHOWN, NOT_LOADED, NOT_SHOWN, look
from vestlus.conversation.history import HistoryMessage, Role


@dataclass
class Source:
    """Has a picture at every address but those that begin with ``no``."""

    asked: list[str] = field(default_factory=list)

    async def picture(self, url: str, account: str = "") -> bytes | str:
        del account
        self.asked.append(url)
        return "status" if url.startswith("no") else url.encode()

    async def aclose(self) -> None:
        """Nothing to close."""


def message(*urls: str, text: str = "") -> HistoryMessage:
    return HistoryMessage(Role.USER, text, 0, images=urls)


async def test_pictures_that_came_with_messages_are_seen() -> None:
    messages = (message("a", "b"), message(), message("c"))
    seen = await look(messages, Source())
    assert seen.jpegs == (b"a", b"b", b"c")
    encoded = base64.b64encode(b"c").decode()
    assert seen.shown(messages[2]) == (f"data:image/jpeg;base64,{encoded}",)
    assert len(seen.shown(messages[0])) == 2
    assert seen.shown(messages[1]) == seen.words(messages[0]) == ()


async def test_a_picture_that_cannot_be_had_is_words() -> None:
    messages = (message("no", "a"),)
    seen = await look(messages, Source())
    assert seen.jpegs == (b"a",)
    assert seen.words(messages[0]) == (NOT_LOADED,)


async def test_of_many_the_newest_are_shown() -> None:
    messages = tuple(message(f"u{n}") for n in range(MAX_SHOWN + 2))
    source = Source()
    seen = await look(messages, source)
    assert source.asked == [f"u{n}" for n in range(2, MAX_SHOWN + 2)]
    assert seen.words(messages[0]) == seen.words(messages[1]) == (NOT_SHOWN,)
    assert len(seen.jpegs) == MAX_SHOWN


async def test_the_same_picture_is_fetched_once() -> None:
    source = Source()
    seen = await look((message("a"), message("a")), source)
    assert source.asked == ["a"]
    assert len(seen.jpegs) == 1


async def test_an_address_in_a_text_is_never_fetched() -> None:
    source = Source()
    typed = "https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=1"
    seen = await look((message(text=f"[a picture] {typed}"),), source)
    assert source.asked == []
    assert seen.jpegs == ()
