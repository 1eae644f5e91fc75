"""Each error of Meta's lists, given by the simulator to the real publisher: what becomes of it."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.sending import Stage, stage
from publishers.rules import SendingRules
from publishers.service import PublisherService
from vestlus.instagram.graph_table import RULES, SUBCODES, Remedy
from vestlus.store.rows import DeadLetter

QUICK = SendingRules(
    settling_seconds=0.3,
    first_look_seconds=0.1,
    look_retry_seconds=0.1,
    retry_seconds=0.02,
    token_probe_seconds=0.3,
    clock_tolerance_seconds=1.0,
    poll_seconds=0.2,
)
#: What a throttled account is told to wait, seconds; what the table says would take too long.
TOLD = 2
STOPPING = {Remedy.STOP_ACCOUNT, Remedy.REAUTHENTICATE}
GIVEN_UP = {Remedy.DROP, Remedy.FIX_INPUT, Remedy.NEW_CONTAINER}


@dataclass(frozen=True)
class Case:
    """An error that the first message of an account meets, and perhaps all later ones."""

    account: str
    code: int
    subcode: int
    remedy: Remedy
    reason: str
    #: Whether the message was sent all the same.
    done: bool = False

    @property
    def name(self) -> str:
        return f"{self.code}/{self.subcode}" + (" done" if self.done else "")

    def rule(self) -> dict[str, object]:
        throttled = self.remedy is Remedy.RETRY_AFTER
        return {
            "kind": "error",
            "account": self.account,
            "code": self.code,
            "subcode": self.subcode,
            "done": self.done,
            "retry_after": TOLD if throttled else 0,
            **({"probability": 1} if self.remedy in STOPPING else {"next": 1}),
        }


def cases() -> list[Case]:
    """One account for each row of the table, two where nobody can know what was done."""
    rows = [(codes, rule) for codes, rule in RULES.items()]
    rows += [((7, subcode), rule) for subcode, rule in SUBCODES.items()]
    found: list[Case] = []
    for (code, subcode), rule in rows:
        for done in (False, True) if rule.remedy is Remedy.LOOK_FIRST else (False,):
            account = str(17841400000001000 + len(found))
            case = Case(account, code, subcode or 0, rule.remedy, rule.reason, done)
            found.append(case)
    return found


async def until(condition: Callable[[], object], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def until_only_stopped_wait(opened: Stage, rows: int) -> None:
    async with asyncio.timeout(60):
        while True:
            sends = (await opened.store.counts()).sends
            if sends.get("pending", 0) == rows and not (
                sends.get("looking", 0) + sends.get("sending", 0)
            ):
                return
            await asyncio.sleep(0.1)


@dataclass
class Seen:
    """What users received and what was given up, by account."""

    texts: dict[str, list[str]]
    first_at: dict[str, float]
    letters: dict[str, DeadLetter]
    errors: dict[str, int]


async def look(opened: Stage) -> Seen:
    texts: defaultdict[str, list[str]] = defaultdict(list)
    first_at: dict[str, float] = {}
    for message in await opened.received():
        texts[message["account"]].append(message["text"])
        first_at.setdefault(message["account"], message["started_at"])
    letters = {one.account or "": one for one in await opened.store.dead_letters(limit=1000)}
    calls = (await opened.told("stats"))["graph_calls"]
    return Seen(texts, first_at, letters, calls)


def problem(case: Case, seen: Seen, began: float) -> str:
    """What is not as it must be once a case that stops nothing is over; empty for nothing."""
    texts, letter = seen.texts[case.account], seen.letters.get(case.account)
    met = seen.errors.get(f"error {case.code}/{case.subcode}", 0)
    if case.remedy in GIVEN_UP:
        fine = texts == ["u 2/2"] and letter is not None and letter.reason == case.reason
    else:
        fine = texts == ["u 1/2", "u 2/2"] and letter is None
    if case.remedy is Remedy.RETRY_AFTER:
        fine = fine and seen.first_at[case.account] >= began + TOLD
    # None is met twice: what was looked for, in two accounts, once each.
    fine = fine and met == (2 if case.remedy is Remedy.LOOK_FIRST else 1)
    return "" if fine else f"{case.name} {case.remedy}: {texts} {letter} met {met}"


async def test_the_stated_thing_happens_for_every_row_of_the_table(tmp_path: Path) -> None:
    all_cases = cases()
    stopping = [case for case in all_cases if case.remedy in STOPPING]
    others = [case for case in all_cases if case.remedy not in STOPPING]
    healthy = "17841400000000001"
    accounts = [healthy, *(case.account for case in all_cases)]
    async with stage(tmp_path, accounts=accounts) as opened:
        for account in accounts:
            await opened.wait_for_answers(["u"], 2, account)
        await opened.control("faults", {"rules": [case.rule() for case in all_cases]})
        began = time.time()
        async with opened.publishing(QUICK) as service:
            await until_only_stopped_wait(opened, 2 * len(stopping))
            seen = await look(opened)
            problems = [problem(case, seen, began) for case in others]
            problems += [
                f"{case.name} {case.remedy} was sent"
                for case in stopping
                if seen.texts[case.account]
            ]
            assert not [one for one in problems if one]
            assert seen.texts[healthy] == ["u 1/2", "u 2/2"]
            await stopped_accounts_are_tried_now_and_then(opened, service, stopping)

            await opened.control("faults", {"clear": True})
            async with asyncio.timeout(20):
                await opened.until_finished()
        seen = await look(opened)
        assert {case.name: seen.texts[case.account] for case in stopping} == {
            case.name: ["u 1/2", "u 2/2"] for case in stopping
        }
        stats = service.stats()
        assert stats.throttled == sum(case.remedy is Remedy.RETRY_AFTER for case in all_cases)
        looked_for = sum(case.remedy is Remedy.LOOK_FIRST for case in all_cases)
        assert (stats.found, stats.resent) == (looked_for // 2, looked_for // 2)


async def stopped_accounts_are_tried_now_and_then(
    opened: Stage, service: PublisherService, stopping: list[Case]
) -> None:
    """Each by one message at a time, and their messages keep waiting."""
    before = service.stats()
    await until(
        lambda: (
            service.stats().account_stopped + service.stats().token_rejected
            >= before.account_stopped + before.token_rejected + 2 * len(stopping)
        )
    )
    sends = (await opened.store.counts()).sends
    assert sends.get("dead", 0) == sum(case.remedy in GIVEN_UP for case in cases())
    assert sends.get("unknown", 0) == 0
    assert sends.get("pending", 0) + sends.get("sending", 0) == 2 * len(stopping)


def test_every_remedy_is_among_the_cases() -> None:
    assert {case.remedy for case in cases()} == set(Remedy)


async def test_accounts_in_trouble_delay_no_other(tmp_path: Path) -> None:
    throttled, rejected, hanging, healthy = (str(17841400000000001 + n) for n in range(4))
    trouble: list[dict[str, object]] = [
        {"kind": "error", "account": throttled, "code": 613, "subcode": 2534040},
        {"kind": "error", "account": rejected, "code": 190, "subcode": 463},
        {"kind": "hang", "account": hanging, "seconds": 60},
    ]
    accounts = [throttled, rejected, hanging, healthy]
    async with stage(tmp_path, accounts=accounts) as opened:
        for account in accounts:
            await opened.wait_for_answers([f"u{n}" for n in range(30)], 1, account)
        rules = [{**rule, "probability": 1} for rule in trouble]
        await opened.control("faults", {"rules": rules})
        async with opened.publishing(SendingRules(drain_seconds=0)):
            async with asyncio.timeout(20):
                while (await opened.store.counts()).sends.get("sent", 0) < 30:
                    await asyncio.sleep(0.05)
            seen = await look(opened)
        assert {account: len(texts) for account, texts in seen.texts.items()} == {healthy: 30}
        at = [message["started_at"] for message in await opened.received()]
        # 30 messages take a third of a second: none of them waited for another account's answer.
        assert at[-1] - at[0] < 5
