"""Which pictures and passages are put before the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from image_bank.catalogue import Picture
from vestlus.assistant.knowledge import Passage, Passages
from vestlus.assistant.offers import Offer, Offers, query_of
from vestlus.assistant.pictures import (
    MAX_LISTED,
    BankPictures,
    NoPictures,
    Offered,
    OfferedPicture,
)
from vestlus.assistant.port import Question
from vestlus.conversation.history import HistoryMessage, Role
from vestlus.errors import AssistantUnavailable, StoreUnavailable
from vestlus.settings_account import Account

ACCOUNT = Account(id="17841400000000001", access_token=SecretStr("t"))
LATE = 1_772_488_740_000  # 2026-03-02 21:59 UTC, 23:59 in Tallinn


def bank_picture(number: int, **more: str) -> Picture:
    return Picture(
        id=f"p{number:03}",
        file="f.png",
        media_type="image/png",
        size=1,
        width=1,
        height=1,
        shows=f"Pilt {number}",
        tags=("menüü",),
        **more,  # type: ignore[arg-type]
    )


@dataclass
class Bank:
    pictures: tuple[Picture, ...]
    asked: list[tuple[str, date]] = field(default_factory=list)
    error: Exception | None = None

    async def sendable(self, account: str, today: date) -> tuple[Picture, ...]:
        self.asked.append((account, today))
        if self.error:
            raise self.error
        return self.pictures


@dataclass
class Search:
    best_keys: tuple[str, ...] = ()
    error: Exception | None = None
    asked: list[tuple[str, Mapping[str, str], int]] = field(default_factory=list)

    async def best(self, query: str, texts: Mapping[str, str], most: int) -> tuple[str, ...]:
        self.asked.append((query, texts, most))
        if self.error:
            raise self.error
        return self.best_keys[:most]


def many(count: int) -> tuple[Picture, ...]:
    return tuple(bank_picture(number) for number in reversed(range(count)))


async def test_a_small_bank_is_offered_whole_in_the_order_of_ids() -> None:
    search = Search()
    offered = await BankPictures(Bank(many(MAX_LISTED)), lambda _: search).offered(
        ACCOUNT, "menüü?", LATE
    )
    assert offered.whole
    assert [one.id for one in offered.items] == [f"p{n:03}" for n in range(MAX_LISTED)]
    assert offered.items[3] == OfferedPicture("p003", "Pilt 3", ("menüü",))
    assert search.asked == []


async def test_of_a_large_bank_the_best_candidates_are_offered_best_first() -> None:
    search = Search(("p040", "p007", "gone", "p001"))
    bank = Bank((bank_picture(100, alt="Tahvlil on hinnad"), *many(MAX_LISTED + 1)))
    offered = await BankPictures(bank, lambda _: search, candidates=3).offered(
        ACCOUNT, "menüü?", LATE
    )
    assert not offered.whole
    assert [one.id for one in offered.items] == ["p040", "p007"]
    ((query, texts, most),) = search.asked
    assert (query, most) == ("menüü?", 3)
    assert texts["p100"] == "Pilt 100\nTahvlil on hinnad\nmenüü"
    assert len(texts) == MAX_LISTED + 2


async def test_the_same_picture_has_the_very_same_text_each_time() -> None:
    search = Search()
    pictures = BankPictures(Bank(many(MAX_LISTED + 1)), lambda _: search)
    for _ in range(2):
        await pictures.offered(ACCOUNT, "menüü?", LATE)
    (_, one, _), (_, other, _) = search.asked
    assert all(one[key] is other[key] for key in one)


async def test_the_account_s_own_day_decides_what_may_be_sent() -> None:
    bank = Bank(())
    pictures = BankPictures(bank, lambda _: Search())
    await pictures.offered(ACCOUNT, "x", LATE)
    await pictures.offered(ACCOUNT, "x", LATE + 60_000)
    utc = Account(id="1", access_token=SecretStr("t"), timezone="UTC")
    await pictures.offered(utc, "x", LATE + 60_000)
    assert bank.asked == [
        (ACCOUNT.id, date(2026, 3, 2)),
        (ACCOUNT.id, date(2026, 3, 3)),
        ("1", date(2026, 3, 2)),
    ]


@pytest.mark.parametrize(
    ("bank", "search"),
    [
        (StoreUnavailable(), None),
        (None, AssistantUnavailable("timeout")),
    ],
)
async def test_trouble_costs_the_answer_its_pictures_and_nothing_else(
    bank: Exception | None, search: Exception | None
) -> None:
    pictures = BankPictures(Bank(many(MAX_LISTED + 1), error=bank), lambda _: Search(error=search))
    with capture_logs() as logs:
        assert await pictures.offered(ACCOUNT, "x", LATE) == Offered((), whole=False)
    assert [log["event"] for log in logs] == ["pictures_not_offered"]


async def test_a_question_without_words_is_not_searched_for() -> None:
    search = Search()
    pictures = BankPictures(Bank(many(MAX_LISTED + 1)), lambda _: search)
    assert await pictures.offered(ACCOUNT, " \n", LATE) == Offered((), whole=False)
    assert search.asked == []


async def test_without_a_bank_there_are_no_pictures() -> None:
    assert await NoPictures().offered(ACCOUNT, "x", LATE) == Offered((), whole=True)


def said(role: Role, text: str) -> HistoryMessage:
    return HistoryMessage(role, text, 0)


def question(*texts: str, history: tuple[HistoryMessage, ...] = ()) -> Question:
    messages = tuple(said(Role.USER, text) for text in texts)
    return Question(account="1", user="u", history=history, messages=messages, now_ms=LATE)


def test_a_short_question_is_searched_for_with_the_one_before_it() -> None:
    history = (said(Role.USER, "Mis kell on muuseum avatud?"), said(Role.ASSISTANT, "10-18."))
    assert query_of(question("Ja pühapäeval?", history=history)) == (
        "Mis kell on muuseum avatud?\nJa pühapäeval?"
    )
    long = "Kas ratastooliga pääseb ka teisele korrusele ja kas seal on lift?"
    assert query_of(question(long, history=history)) == long
    assert query_of(question("Tere", "Mis hind?")) == "Tere\nMis hind?"
    assert len(query_of(question("a" * 9_000))) == 2_000


@dataclass
class Documents:
    found: Passages
    asked: list[str] = field(default_factory=list)

    async def passages(self, account: Account, query: str) -> Passages:
        assert account is ACCOUNT
        self.asked.append(query)
        return self.found


async def test_an_offer_has_what_there_is() -> None:
    documents = Documents(Passages((Passage("a.md", "Avatud 9-18"),), whole=True))
    bank = BankPictures(Bank(many(1)), lambda _: Search())
    assert await Offers(pictures=None, knowledge=None).of(ACCOUNT, question("Tere")) == Offer()
    offer = await Offers(pictures=bank, knowledge=documents).of(ACCOUNT, question("Millal?"))
    assert offer.passages is documents.found
    assert [one.id for one in offer.pictures.items] == ["p000"]
    assert documents.asked == ["Millal?"]
