"""The public page of an erasure promises what holds on every store, and no more."""

from __future__ import annotations

import re

import pytest

from vestlus.privacy.status_page import status_page
from vestlus.store.erasing import Erasure, ErasureState, Way

#: What PostgreSQL, RabbitMQ and backups do in their own time.
PROMISES = {
    "et": r"ööpäev|päeva jooksul|tunni jooksul|lõplikult|täielikult|lõpetatud\.",
    "en": r"within|\bdays?\b|\bhours?\b|permanently|for good|complete\.",
}
BACKUPS = {"et": "Varukoopiates on andmed alles", "en": "Backup copies keep the data until"}


def page(language: str, state: ErasureState) -> str:
    erasure = Erasure(
        code="ABCDEFGH",
        asked_ms=1_795_000_000_000,
        done_ms=1_795_050_000_000 if state is ErasureState.DONE else 0,
        way=Way.META,
        state=state,
        by="data-deletion",
    )
    body = bytes(status_page(erasure, language).body).decode()
    return re.sub(r"<style>.*?</style>", "", body)


@pytest.mark.parametrize("language", ["et", "en"])
@pytest.mark.parametrize("state", [ErasureState.ERASED, ErasureState.DONE])
def test_who_asked_is_told_of_backups_and_of_no_time_that_a_store_does_not_keep(
    language: str, state: ErasureState
) -> None:
    told = page(language, state)
    assert BACKUPS[language] in told
    assert re.findall(PROMISES[language], told) == []


@pytest.mark.parametrize(
    ("language", "freed", "still"),
    [("et", "on vabastatud", "vabastatakse veel"), ("en", "is freed", "still being freed")],
)
def test_that_space_is_freed_is_said_only_once_it_is(language: str, freed: str, still: str) -> None:
    erased, done = page(language, ErasureState.ERASED), page(language, ErasureState.DONE)
    assert (still in erased, freed in erased) == (True, False)
    assert (still in done, freed in done) == (False, True)


@pytest.mark.parametrize("language", ["et", "en"])
def test_what_waits_for_a_person_is_not_said_to_be_erased(language: str) -> None:
    told = page(language, ErasureState.OPEN)
    assert BACKUPS[language] not in told
    assert "data are erased" not in told
    assert "on kustutatud" not in told
