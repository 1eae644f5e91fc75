"""Users know that an automated assistant answers them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.conversation.disclosure import LAPSE_MS, disclosure_due, disclosure_text

TIMES = st.integers(1, 10**13)
PRIVACY = "https://sadam.ee/privaatsus"


def text(language: str = "et", **changed: str | None) -> str:
    own = changed.pop("own", None)
    values = {"name": "Sadam", "privacy_url": None, **changed}
    return disclosure_text(
        language=language,
        name=values["name"] or "",
        privacy_url=values["privacy_url"],
        texts={"et": own} if own else {},
        account_language="et",
    )


@given(TIMES, TIMES)
def test_it_is_said_to_whom_it_was_never_said(answered: int, now: int) -> None:
    assert disclosure_due(disclosed_ms=0, answered_ms=answered, now_ms=now)


@given(TIMES, st.integers(0, 2 * LAPSE_MS), st.integers(0, 2 * LAPSE_MS))
def test_it_is_said_again_only_after_a_day_without_an_answer(
    disclosed: int, until_answer: int, since: int
) -> None:
    answered = disclosed + until_answer
    now = answered + since
    due = disclosure_due(disclosed_ms=disclosed, answered_ms=answered, now_ms=now)
    assert due == (since >= LAPSE_MS)


def test_an_answer_that_was_never_given_counts_from_the_disclosure() -> None:
    assert not disclosure_due(disclosed_ms=1000, answered_ms=0, now_ms=1000 + LAPSE_MS - 1)
    assert disclosure_due(disclosed_ms=1000, answered_ms=0, now_ms=1000 + LAPSE_MS)


def test_the_lapse_can_be_set() -> None:
    assert disclosure_due(disclosed_ms=1, answered_ms=1, now_ms=11, lapse_ms=10)
    assert not disclosure_due(disclosed_ms=1, answered_ms=2, now_ms=11, lapse_ms=10)


@pytest.mark.parametrize("language", ["et", "en", "ru", "fi"])
def test_it_names_the_account_and_ends_with_the_privacy_notice(language: str) -> None:
    said = text(language, privacy_url=PRIVACY)
    assert "Sadam" in said
    assert said.endswith(PRIVACY)
    assert len(said.encode()) < 1000


def test_without_a_name_and_a_notice_nothing_is_left_open() -> None:
    said = text("en", name="")
    assert "AI assistant" in said
    assert not set("{}()") & set(said)


def test_the_accounts_own_words_go_first_and_get_the_name_and_the_notice() -> None:
    assert text(own="Mina olen {name}.", privacy_url=PRIVACY).startswith("Mina olen Sadam. ")
    assert text(own="Mina olen robot.", privacy_url=PRIVACY).endswith(PRIVACY)
    assert text("en", own="Mina olen robot.").startswith("Hello!")


def test_a_notice_in_the_accounts_own_words_is_not_said_twice() -> None:
    own = f"Mina olen robot, vaata {PRIVACY}"
    assert text(own=own, privacy_url=PRIVACY) == own
