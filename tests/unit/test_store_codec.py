from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.conversation.events import Attachment, Event, EventKind
from vestlus.store.sql_codec import (
    LARGEST,
    cleaned,
    event_of,
    event_payload,
    indexed,
    rows_parameter,
    within_range,
)

#: Whatever Python can hold in a string, half surrogate pairs included.
anything = st.text(st.characters(categories=None))
clean = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
maybe = st.none() | anything


def events(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Event]:
    """Events of every kind and shape, with such texts in them."""
    maybe = st.none() | texts
    return st.builds(
        Event,
        key=texts,
        kind=st.sampled_from(EventKind),
        account=texts,
        user=maybe,
        conversation=maybe,
        mid=maybe,
        timestamp_ms=st.integers(-(10**20), 10**20),
        text=maybe,
        attachments=st.lists(st.builds(Attachment, texts, maybe, maybe, maybe)).map(tuple),
        payload=maybe,
        emoji=maybe,
        number=st.none() | st.integers(),
        is_self=st.booleans(),
        is_unsupported=st.booleans(),
    )


@given(anything)
def test_a_cleaned_text_is_unicode_without_nul_and_as_long(text: str) -> None:
    result = cleaned(text)

    assert "\x00" not in result
    assert result.encode().decode() == result
    assert len(result) == len(text)


@given(clean)
def test_what_is_clean_stays_as_it_is(text: str) -> None:
    assert cleaned(text) == text


@given(st.lists(st.dictionaries(st.sampled_from("abc"), maybe | st.integers(0, LARGEST))))
def test_rows_travel_with_each_text_cleaned(rows: list[dict[str, str | int | None]]) -> None:
    parameter = rows_parameter(rows)

    parameter.encode()
    assert json.loads(parameter) == [
        {name: cleaned(v) if isinstance(v, str) else v for name, v in row.items()} for row in rows
    ]


@given(events(clean | st.just("a\x00b")))
def test_an_event_comes_back_as_it_was(event: Event) -> None:
    assert event_of(event_payload(event)) == event


@given(events(anything))
def test_an_event_with_broken_texts_comes_back_with_them_replaced(event: Event) -> None:
    payload = event_payload(event)

    payload.encode()
    back = event_of(payload)
    assert (back.kind, back.number, back.is_self) == (event.kind, event.number, event.is_self)
    assert back.text is None if event.text is None else len(back.text or "") == len(event.text)


@pytest.mark.parametrize(
    ("number", "kept"),
    [(0, 0), (LARGEST, LARGEST), (LARGEST + 1, LARGEST), (-(10**30), -LARGEST)],
)
def test_numbers_are_kept_within_what_databases_hold(number: int, kept: int) -> None:
    assert within_range(number) == kept


@given(maybe, clean)
def test_a_mid_is_indexed_whole_or_not_at_all(mid: str | None, owner: str) -> None:
    assert indexed(mid, owner) in (mid, None)


@pytest.mark.parametrize(
    ("length", "owner", "found"),
    [(200, "a", True), (1_999, "a", True), (2_000, "a", False), (1_000, "õ" * 501, False)],
)
def test_a_mid_that_no_index_takes_is_not_indexed(length: int, owner: str, found: bool) -> None:  # noqa: FBT001
    mid = "m" * length

    assert indexed(mid, owner) == (mid if found else None)
