"""What ``/metrics`` says of accounts' tokens, and of occurrences."""

from __future__ import annotations

from vestlus.counting import Sums
from vestlus.measures import exposition
from vestlus.store.rows import Counts
from vestlus.store.token_rows import TokenRow, TokenState


def lines(*rows: TokenRow) -> list[str]:
    counts = Counts(events={}, sends={}, dead_letters=0, tokens=rows)
    text = exposition(Sums(up=True, counts=counts), {})
    return [one for one in text.splitlines() if one.startswith("vestlus_token")]


def test_each_accounts_token_tells_its_end_whether_it_works_and_what_failed() -> None:
    good = TokenRow(account="1", version=3, token=b"secret", expires_ms=1_800_000_000_999)
    bad = TokenRow(
        account="2", version=1, token=b"secret", state=TokenState.REJECTED, failures=4, reason="x"
    )

    assert lines(good, bad) == [
        'vestlus_token_expires_timestamp_seconds{account="1"} 1800000000',
        'vestlus_token_usable{account="1"} 1',
        'vestlus_token_usable{account="2"} 0',
        'vestlus_token_refresh_failed{account="1"} 0',
        'vestlus_token_refresh_failed{account="2"} 4',
    ]


def test_without_tokens_nothing_is_said_of_any() -> None:
    assert lines() == []


def test_occurrences_are_counted_by_state() -> None:
    counts = Counts(events={}, sends={}, dead_letters=0, occurrences={"waiting": 2, "failed": 1})
    text = exposition(Sums(up=True, counts=counts), {})
    found = [one for one in text.splitlines() if one.startswith("vestlus_occurrences")]
    assert found == [
        'vestlus_occurrences{state="failed"} 1',
        'vestlus_occurrences{state="waiting"} 2',
    ]
