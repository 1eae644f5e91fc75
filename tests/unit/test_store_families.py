"""What ``/metrics`` says of what the store has open."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vestlus.counting import Sums
from vestlus.measuring.store_families import bounded, families_of_store
from vestlus.store.measure_rows import OpenWork
from vestlus.store.token_rows import TokenRow, TokenState


def told(work: OpenWork | None, name: str, *, up: bool = True, now_ms: int = 0) -> dict[str, float]:
    """The samples of one family, by the values of their labels."""
    return {
        "/".join(sample.labels.values()): sample.value
        for family in families_of_store(Sums(up=up, work=work), now_ms)
        for sample in family.samples
        if sample.name == name
    }


def test_each_accounts_token_tells_its_end_whether_it_works_and_what_failed() -> None:
    good = TokenRow(account="1", version=3, token=b"secret", expires_ms=1_800_000_000_999)
    bad = TokenRow(
        account="2", version=1, token=b"secret", state=TokenState.REJECTED, failures=4, reason="x"
    )
    work = OpenWork(tokens=(good, bad))
    assert told(work, "vestlus_token_expires_timestamp_seconds") == {"1": 1_800_000_000}
    assert told(work, "vestlus_token_usable") == {"1": 1, "2": 0}
    assert told(work, "vestlus_token_refresh_failed") == {"1": 0, "2": 4}
    assert told(OpenWork(), "vestlus_token_usable") == {}


def test_a_stopped_account_is_told_as_one_and_nothing_of_its_token() -> None:
    good = TokenRow(account="1", version=3, token=b"secret", expires_ms=1_000)
    stopped = TokenRow(
        account="2",
        version=2,
        token=b"secret",
        state=TokenState.STOPPED,
        expires_ms=1_000,
        failures=4,
    )
    work = OpenWork(tokens=(good, stopped))
    assert told(work, "vestlus_account_stopped") == {"1": 0, "2": 1}
    for measure in ("usable", "expires_timestamp_seconds", "refresh_failed"):
        assert told(work, f"vestlus_token_{measure}").keys() == {"1"}


def test_what_waits_is_told_by_kind_and_state() -> None:
    work = OpenWork(
        events={"message/pending": 3, "echo/undetermined": 1},
        sends={"pending": 2, "draft": 1},
        posts={"dead": 1},
        occurrences={"waiting": 2, "failed": 1},
    )
    assert told(work, "vestlus_events") == {"message/pending": 3, "echo/undetermined": 1}
    assert told(work, "vestlus_sends") == {"pending": 2, "draft": 1}
    assert told(work, "vestlus_posts") == {"dead": 1}
    assert told(work, "vestlus_occurrences") == {"waiting": 2, "failed": 1}


def test_ages_are_told_where_there_is_something_of_that_age() -> None:
    work = OpenWork(unanswered_since_ms=1_000, deadline_ms=60_000, waiting_since_ms=9_000)
    assert told(work, "vestlus_unanswered_age_seconds", now_ms=31_000) == {"": 30}
    assert told(work, "vestlus_send_deadline_seconds", now_ms=31_000) == {"": 29}
    assert told(work, "vestlus_send_deadline_seconds", now_ms=70_000) == {"": -10}
    assert told(work, "vestlus_due_send_age_seconds", now_ms=31_000) == {}
    # By a clock that is behind the database's, nothing is younger than now.
    assert told(work, "vestlus_waiting_for_person_age_seconds", now_ms=8_000) == {"": 0}


def test_of_a_store_that_is_away_only_that_is_told() -> None:
    families = list(families_of_store(Sums(), 0))
    assert [family.name for family in families] == ["vestlus_store_up"]
    assert told(None, "vestlus_store_up", up=False) == {"": 0}
    assert told(None, "vestlus_store_up") == {"": 1}


def test_dead_letters_are_told_together_and_by_reason() -> None:
    work = OpenWork(dead_letters={"window_closed": 2, "not json: 'Tere, Mari!'": 1})
    assert told(work, "vestlus_dead_letters") == {"": 3}
    assert told(work, "vestlus_dead_letters_by_reason") == {"window_closed": 2, "other": 1}


@given(st.dictionaries(st.text(max_size=80), st.integers(1, 9), max_size=60))
def test_whatever_the_reasons_they_are_few_words_and_every_letter_counts(
    reasons: dict[str, int],
) -> None:
    kept = bounded(reasons)
    assert sum(kept.values()) == sum(reasons.values())
    assert len(kept) <= 31
    assert all(word.isascii() and " " not in word for word in kept)
