"""A person and the bot share a conversation, seen from the console: through the real parts, without
Ray, with a pretend Instagram and a pretend model.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest_asyncio
from playwright.async_api import Page, expect
from pydantic import SecretStr

from publishers.service import PublisherService
from tests.fakes.outbox import MemoryPictures
from tests.integration.console_support import (
    ACCOUNT,
    IN_ONE_BROWSER,
    Site,
    browsing,
    console_settings,
    served,
    sign_in,
)
from tests.integration.hosting_support import FAST
from tests.integration.recovery_support import QUICK
from tests.integration.simulator_harness import SECRET, Client, picture
from tests.services.kept import free_port
from vestlus.assistant.open import open_assistant
from vestlus.bus.port import Topology
from vestlus.clock import system_clock
from vestlus.conversation.identity import conversation_id
from vestlus.hosting.host import ConversationHost
from vestlus.instagram.graph import GraphClient
from vestlus.simulator import Simulator, SimulatorConfig
from vestlus.store.names import inbox_lease, outbox_lease
from vestlus.store.rows import Member, MemberKind

pytestmark = IN_ONE_BROWSER

USER = "900000000007711"
PATH = f"/console/conversations/{conversation_id(ACCOUNT, USER)}"
PERSONA = Path(__file__).parents[2] / "vestlus" / "cli" / "demo_persona.md"


@dataclass
class Service:
    """All of the service but Ray, and the world around it."""

    site: Site
    instagram: Client

    async def write(self, text: str, **more: object) -> None:
        """The user writes a direct message."""
        await self.instagram.control("messages", {"user": USER, "text": text, **more})

    async def got(self, *texts: str) -> None:
        """Waits until the user has received these among others."""
        await until(lambda: self._has(texts))

    async def _has(self, texts: tuple[str, ...]) -> bool:
        return set(texts) <= set(await self.instagram.sent(USER))

    async def asked(self, text: str) -> dict[str, Any]:
        """The request to the model that ends with the user's text."""
        found = await self.instagram.get("/control/model-requests", contains=text, limit=1000)
        bodies = [one["body"] for one in found["requests"] if "input" in one["body"]]
        return next(one for one in reversed(bodies) if text in str(one["input"][-1]))


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await condition():
            await asyncio.sleep(0.05)


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Service]:
    """The webhook and the console, a host of conversations, a publisher."""
    port = free_port()
    simulator = f"http://127.0.0.1:{port}"
    account = {
        "id": ACCOUNT,
        "name": "Raamatukogu",
        "timezone": "Europe/Tallinn",
        "persona": PERSONA,
        "moderation": "off",
        "access_token": "graph-token",
    }
    settings = console_settings(
        folder,
        app_secrets=(SECRET,),
        accounts=(account,),
        openai_api_key=SecretStr("sk-test"),
        openai_base_url=f"{simulator}/openai/v1",
        model="simulator",
        media_hosts=(f"127.0.0.1:{port}",),
    )
    topology = Topology(inbox=settings.partitions)
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(served(settings))
        config = SimulatorConfig(
            data=folder / "simulator.sqlite",
            webhook_url=f"{site.address}/webhook",
            app_secret=SECRET,
            access_token="graph-token",
            account_ids=(ACCOUNT,),
            port=port,
        )
        await stack.enter_async_context(Simulator(config))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        assistant = open_assistant(settings, clock=system_clock)
        stack.push_async_callback(assistant.aclose)
        host = await stack.enter_async_context(
            ConversationHost(
                store=site.store,
                bus=site.bus,
                assistant=assistant,
                clock=system_clock,
                partitions=topology.inbox,
                outbox_partitions=topology.outbox,
                policies=FAST,
                account_of=settings.account,
            )
        )
        member = Member("c/0", MemberKind.CONVERSATION, "1", "here", 1)
        inboxes = [inbox_lease(number) for number in range(topology.inbox)]
        for lease in (await site.store.acquire(inboxes, member, 600)).values():
            await host.hold(lease)
        graph = await stack.enter_async_context(
            GraphClient(f"{simulator}/graph/v25.0", lambda _: "graph-token")
        )
        service = await stack.enter_async_context(
            PublisherService(
                bus=site.bus,
                store=site.store,
                messaging=graph,
                pictures=MemoryPictures(),
                clock=system_clock,
                monotonic=time.monotonic,
                rules=QUICK,
                chance=random.Random(0),  # noqa: S311 - no secret
                accounts=[ACCOUNT],
                topology=topology,
            )
        )
        sender = Member("p/0", MemberKind.PUBLISHER, "1", "here", 2)
        outboxes = [outbox_lease(number) for number in range(topology.outbox)]
        held = await site.store.acquire(outboxes, sender, 600)
        service.lease_extended(outboxes, time.monotonic() + 600)
        for lease in held.values():
            await service.hold(lease)
        yield Service(site, Client(simulator, http))


@pytest_asyncio.fixture(loop_scope="session")
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    async with running(tmp_path) as made:
        yield made


async def press(page: Page, button: str) -> None:
    await page.get_by_role("button", name=button, exact=True).click()
    await expect(page.get_by_role("status")).to_contain_text("Edasi antud")


async def test_a_message_arrives_live_a_person_takes_over_writes_and_hands_back_and_the_bot_knows(
    service: Service,
) -> None:
    async with browsing(service.site) as page:
        await sign_in(page, to="/console/conversations")
        await service.write("Tere! Mis kell te avate?")
        name = page.get_by_role("link", name="Kasutaja …7711")
        await expect(name).to_be_visible()
        await name.click()
        said = page.locator(".said .said-text")
        await expect(page.locator(".said.bot .state").last).to_have_text("saadetud")

        await press(page, "Võta üle")
        await expect(page.locator(".stands")).to_contain_text("Vestluse oled üle võtnud sina.")
        await service.write("Kas Mari on täna tööl?")
        await expect(said.last).to_have_text("Kas Mari on täna tööl?")
        await expect(page.locator(".said.user .state")).to_have_text("vastamata")

        await page.get_by_label("Sõnum", exact=True).fill("Mari siin! Võtmesõna on kirsipuu.")
        await press(page, "Saada")
        persons = page.locator(".said.person").last
        await expect(persons).to_contain_text("Mari siin! Võtmesõna on kirsipuu.")
        await expect(persons.locator(".who-said")).to_have_text("Mari Maasikas")
        await expect(persons.locator(".state")).to_have_text("saadetud")
        await service.got("Mari siin! Võtmesõna on kirsipuu.")
        await expect(page.locator(".stands")).not_to_contain_text("lugemata")

        await press(page, "Anna botile tagasi")
        await expect(page.locator(".stands")).to_contain_text("Bot vastab ise.")
        before = len(await service.instagram.sent(USER))
        await service.write("Aitäh! Mis aadress teil on?")
        await expect(said.filter(has_text="Mis aadress teil on?")).to_be_visible()
        await until(lambda: more_than(service, before))
        await expect(page.locator(".said").last).to_have_class("said bot is-sent")

        request = await service.asked("Mis aadress teil on?")
        told = str(request["input"])
        for words in (
            "Tere! Mis kell te avate?",
            "Kas Mari on täna tööl?",
            "Mari siin! Võtmesõna on kirsipuu.",
            "Aitäh! Mis aadress teil on?",
        ):
            assert words in told, words
    done = [one.action for one in await service.site.store.audit_entries(limit=9)]
    assert done == [
        "conversation.hand_back",
        "conversation.reply",
        "conversation.take_over",
        "session.begin",
    ]


async def more_than(service: Service, count: int) -> bool:
    return len(await service.instagram.sent(USER)) > count


async def test_pictures_that_users_send_are_shown_through_us(service: Service) -> None:
    address = await service.instagram.kept(picture(300, 200))
    async with browsing(service.site, phone=True) as page:
        await service.write("Vaata!", attachments=[{"type": "image", "url": address}])
        await service.got()
        await sign_in(page, to="/console/conversations")
        await page.get_by_role("link", name="Kasutaja …7711").click()
        image = page.locator(".said.user img")
        await expect(image).to_have_js_property("naturalWidth", 300)
        source = await image.get_attribute("src")
        assert source is not None
        assert source.startswith(f"{PATH}/received/")
        # No browser has it when its reader has signed out, or its user was erased.
        answer = await page.request.get(f"{service.site.address}{source}")
        assert (answer.ok, answer.headers["cache-control"]) == (True, "no-store")


async def test_a_page_lives_through_an_outage_of_the_store(service: Service) -> None:
    front = service.site.front
    async with browsing(service.site, complaints=True) as page:
        await service.write("Enne.")
        await sign_in(page, to="/console/conversations")
        await page.get_by_role("link", name="Kasutaja …7711").click()
        text = page.get_by_label("Sõnum", exact=True)
        await text.fill("Kirjutan edasi")
        store, front.adapters.store = front.adapters.store, None
        await service.write("Ajal.")
        await service.got()
        async with page.context.expect_page() as opened:
            await page.evaluate("path => { window.open(path); }", PATH)
        away = await opened.value
        await expect(away.get_by_role("heading", level=1)).to_have_text("Hetkel ei saa")
        await away.close()
        front.adapters.store = store
        await expect(page.locator(".said-text", has_text="Ajal.")).to_be_visible()
        await expect(text).to_have_value("Kirjutan edasi")
