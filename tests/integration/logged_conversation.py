"""A program: a whole conversation, with everything going wrong, and everything logged.

Its standard error is what a service would write at DEBUG; ``test_logged_conversation`` searches it.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path

import stamina

from tests.fakes.openai_server import cuts, fails, says, writes
from tests.integration.hosting_support import ACCOUNT
from tests.integration.whole_way import USER, Way, whole_way
from vestlus.assistant.retrying import MAX_ATTEMPTS
from vestlus.bus.port import Queue
from vestlus.clock import system_clock
from vestlus.logs import configure_logs

WORDS = (
    "Sooviksin broneerida kahekohalist tuba",
    "Siin on minu pilt saladokumendist",
    "Kas ma saaksin inimesega rääkida palun",
    "Viimane küsimus jäi õhku rippuma",
)
ANSWER = "Muidugi, kahekohaline tuba on vaba."
NOTE = "Klient tahab kahekohalist tuba."
PICTURE = "https://lookaside.example/ig_messaging_cdn/?asset_id=1&signature=PICTURESIGNATURE"


async def talk(way: Way) -> None:
    """An answer, a failing picture, failing models, a person, refusals, dead letters."""
    way.model.script.append(says(ANSWER, note=NOTE))
    await way.writes(WORDS[0], mid="mid-first-of-the-user")
    await way.graph.took(1)
    await way.posts(_picture())
    way.model.script.extend([cuts, fails(500, message=WORDS[1]), writes(f"not JSON: {ANSWER}")])
    await way.graph.took(2)
    await way.writes(WORDS[2], mid="mid-for-a-person")
    await way.graph.took(3)
    # The user is not to be written to: the send becomes a dead letter.
    way.graph.statuses.append(400)
    await way.writes(WORDS[3], user="987654321000000", mid="mid-that-is-refused")
    await way.world.bus.publish(Queue.INBOX, 0, [f'{{"text": "{WORDS[3]}"'.encode()])
    # A signature that is none, and a body that is none.
    await way.webhook.post(WORDS[0].encode())
    await way.webhook.post(WORDS[0].encode(), headers=())
    async with asyncio.timeout(30):
        while (await way.world.store.counts()).dead_letters < 2:
            await asyncio.sleep(0.05)


def _picture() -> dict[str, object]:
    attachment = {"type": "image", "payload": {"url": PICTURE}}
    message = {"mid": "mid-of-the-picture", "text": WORDS[1], "attachments": [attachment]}
    return {
        "sender": {"id": USER},
        "recipient": {"id": ACCOUNT},
        "timestamp": system_clock(),
        "message": message,
    }


async def main(folder: Path) -> None:
    """Talks, with every library as talkative as it gets."""
    configure_logs("DEBUG")
    for name in ("openai", "httpx2", "httpx", "aiohttp", "sqlalchemy", "asyncio", "aiosqlite"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    asyncio.get_running_loop().set_debug(True)
    with stamina.set_testing(True, attempts=MAX_ATTEMPTS, cap=True):
        async with whole_way(folder, vision=True) as way:
            await talk(way)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
