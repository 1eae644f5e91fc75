"""What the pretend model puts out when it is told to, and what is kept of a request."""

import base64
import hashlib
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from vestlus.simulator.faults import Fault
from vestlus.simulator.jsontypes import JsonObject
from vestlus.simulator.model_http import without_pictures
from vestlus.simulator.model_output import model_output
from vestlus.simulator.model_request import Prompt

SUMMARY: JsonObject = {
    "type": "object",
    "properties": {"summary": {"type": "string"}},
    "required": ["summary"],
}
REPLY: JsonObject = {
    "type": "object",
    "properties": {"text": {"type": "string"}, "handover": {"type": "boolean"}},
    "required": ["text", "handover"],
}


def prompt(*told: str, instructions: str = "", schema: JsonObject | None = None) -> Prompt:
    return Prompt("m", instructions, told[-1:], (), told, schema, 0)


def say(text: str | None, *, instructions: bool = False) -> Fault:
    return Fault("say", 0, text, instructions)


def test_it_says_what_it_is_told_to() -> None:
    assert model_output(prompt("Tere"), say("garbage {")).text == "garbage {"


@given(st.text(), st.text())
def test_the_prompt_and_the_user_can_be_quoted_inside_json(instructions: str, user: str) -> None:
    script = say('{"text": "{instructions}", "other": "{user}"}')
    said = model_output(prompt(user, instructions=instructions), script).text
    assert said is not None
    if "{user}" not in instructions:
        assert json.loads(said) == {"text": instructions, "other": user}


def test_it_can_give_its_instructions_away_in_the_form_that_is_asked_for() -> None:
    leak = say(None, instructions=True)
    said = model_output(prompt("Tere", instructions='"Secret"', schema=REPLY), leak).text
    assert json.loads(str(said)) == {"text": '"Secret"', "handover": False}
    assert model_output(prompt("Tere", instructions="Secret"), leak).text == "Secret"


def test_a_summary_has_the_first_words_and_the_markers_of_every_line() -> None:
    told = prompt(
        "User: Tere, üks kaks kolm neli viis #u1-1\nStaff: Jah", "veel #u1-2", schema=SUMMARY
    )
    summary = json.loads(str(model_output(told, None).text))["summary"]
    assert summary == "User: Tere, üks kaks kolm neli #u1-1; Staff: Jah; veel #u1-2"
    long = prompt(*(f"sõnum number {n} #u1-{n}" for n in range(500)), schema=SUMMARY)
    shortened = json.loads(str(model_output(long, None).text))["summary"]
    assert len(shortened) <= 900
    assert shortened.endswith("#u1-499")


def test_output_can_be_cut_by_length_or_by_a_filter() -> None:
    asked = prompt("Tere", schema=REPLY)
    assert model_output(asked, Fault("truncated", 0)).cut_by == "max_output_tokens"
    assert model_output(asked, Fault("filtered_output", 0)).cut_by == "content_filter"


def test_of_a_picture_size_and_hash_are_kept() -> None:
    picture = b"the bytes of a picture"
    url = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
    body: dict[str, Any] = {"input": [{"image_url": url}, "Tere õhtust"], "n": 1}
    slim = json.loads(without_pictures(json.dumps(body).encode()))
    digest = hashlib.sha256(picture).hexdigest()
    assert slim["input"] == [
        {"image_url": f"data:image/png;sha256={digest};bytes={len(picture)}"},
        "Tere õhtust",
    ]
    assert slim["n"] == 1


@given(st.binary())
def test_a_body_that_is_no_json_is_kept_as_it_is(body: bytes) -> None:
    broken = b"{" + body + b";base64,"
    assert without_pictures(broken) == broken
