"""A user's data in a form that people can read and programs can use."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from vestlus.privacy.export import Export

VALUES = st.one_of(st.none(), st.text(), st.integers(), st.binary(max_size=20))


def export(**data: list[dict[str, Any]]) -> dict[str, Any]:
    return Export("account", "user", 1_800_000_000_000, data).as_json()


def test_times_payloads_and_bodies_are_written_as_people_read_them() -> None:
    told = export(
        history=[
            {"conversation": "c", "position": 1, "text": "Tere!", "at_ms": 1_000, "mid": None},
            {"conversation": "c", "position": 0, "text": "Esimene", "at_ms": 2_000, "mid": "m"},
        ],
        inbox_event=[{"seq": 1, "payload": '{"text": "Tere!"}', "recorded_ms": 0}],
        dead_letter=[{"id": "1", "body": b"\xff"}, {"id": "0", "body": b'{"a": 1}'}],
        conversation=[{"id": "c", "silent_until_ms": 2**62, "note": "", "version": 7}],
    )
    assert told["exported_at"] == "2027-01-15T08:00:00.000+00:00"
    assert told["messages"] == [
        {"text": "Esimene", "at": "1970-01-01T00:00:02.000+00:00", "mid": "m"},
        {"text": "Tere!", "at": "1970-01-01T00:00:01.000+00:00"},
    ]
    assert told["received"] == [{"payload": {"text": "Tere!"}}]
    assert [one["body"] for one in told["given_up"]] == [{"a": 1}, {"base64": "/w=="}]
    assert told["conversation"] == [{"id": "c", "silent_until_at": 2**62}]


@given(st.lists(st.dictionaries(st.sampled_from(["text", "payload", "at_ms", "body"]), VALUES)))
def test_whatever_a_row_holds_it_is_given_out(rows: list[dict[str, Any]]) -> None:
    told = export(history=rows, dead_letter=rows)
    assert len(told["messages"]) == len(rows)
    assert json.dumps(told)
