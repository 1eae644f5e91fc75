"""What the simulator is told is checked before it is believed."""

import base64
import io
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vestlus.simulator.__main__ import parse_arguments
from vestlus.simulator.config import ACCESS_TOKEN_VARIABLE, APP_SECRET_VARIABLE, SimulatorConfig
from vestlus.simulator.jsontypes import BadInputError, Json, JsonObject, parse_object
from vestlus.simulator.model_request import read_chat, read_responses
from vestlus.simulator.webhook_settings import WebhookSettings

ARGUMENTS = ["--data", "x.sqlite", "--webhook-url", "http://h", "--account-id", "1"]


def test_secrets_come_from_the_environment_or_the_command_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(APP_SECRET_VARIABLE, "from-environment")
    monkeypatch.setenv(ACCESS_TOKEN_VARIABLE, "token-from-environment")
    assert parse_arguments(ARGUMENTS).app_secret == "from-environment"
    config = parse_arguments([*ARGUMENTS, "--app-secret", "given", "--account-id", "2"])
    assert (config.app_secret, config.access_token) == ("given", "token-from-environment")
    assert config.account_ids == ("1", "2")


def test_missing_secrets_end_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(APP_SECRET_VARIABLE, raising=False)
    with pytest.raises(SystemExit):
        parse_arguments(ARGUMENTS)
    assert "secret" in capsys.readouterr().err


@pytest.mark.parametrize("accounts", [(), ("",), ("1", "1")])
def test_accounts_must_be_there_and_differ(accounts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="account"):
        SimulatorConfig(
            data=Path("x"),
            webhook_url="http://h",
            app_secret="s",
            access_token="t",
            account_ids=accounts,
        )


def test_secrets_are_not_shown_by_the_configuration() -> None:
    config = parse_arguments([*ARGUMENTS, "--app-secret", "hush", "--access-token", "hushed"])
    assert "hush" not in repr(config)


def test_webhook_settings_change_one_by_one() -> None:
    changed = WebhookSettings().changed({"batch_events": 7, "delay_seconds": [0.1, 0.2]})
    assert changed.batch_events == 7
    assert changed.delay_seconds == (0.1, 0.2)
    assert changed.changed({"paused": True}).batch_events == 7
    assert changed.to_json()["delay_seconds"] == [0.1, 0.2]
    echoes = changed.changed({"echo_mids": "different", "echo_texts": "altered"})
    assert (echoes.echo_mids, echoes.echo_texts, echoes.echo_first) == (
        "different",
        "altered",
        False,
    )


@pytest.mark.parametrize(
    "body",
    [
        {"batch_event": 7},
        {"batch_events": 0},
        {"batch_events": 1001},
        {"duplicate_probability": 2},
        {"delay_seconds": [2, 1]},
        {"delay_seconds": "long"},
        {"paused": "yes"},
        {"timeout_seconds": 0},
        {"echo_mids": "none"},
        {"echo_texts": 3},
        {"echo_first": "yes"},
    ],
)
def test_wrong_webhook_settings_are_refused(body: JsonObject) -> None:
    with pytest.raises(BadInputError):
        WebhookSettings().changed(body)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.binary() | st.text())
def test_anything_is_either_an_object_or_refused(raw: bytes | str) -> None:
    with suppress(BadInputError):
        assert isinstance(parse_object(raw), dict)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "model": st.just("m"),
            "input": json_values,
            "messages": json_values,
            "instructions": json_values,
            "text": json_values,
            "response_format": json_values,
        },
    )
)
def test_a_request_to_the_model_is_either_read_or_refused(body: JsonObject) -> None:
    for read in (read_responses, read_chat):
        with suppress(BadInputError):
            assert read(body).model == "m"


def test_the_unanswered_messages_are_those_after_the_last_answer() -> None:
    items: list[Json] = [
        {"role": "developer", "content": "Avatud 9-17"},
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [{"type": "output_text", "text": "b"}]},
        {"role": "user", "content": [{"type": "input_text", "text": "c"}]},
        {"role": "user", "content": [{"type": "input_image", "image_url": "http://x"}]},
    ]
    prompt = read_responses({"model": "m", "instructions": "Persona", "input": items})
    assert prompt.unanswered == ("c", "")
    assert prompt.seen == ("[image]",)
    assert prompt.instructions == "Persona\nAvatud 9-17"
    assert prompt.told == ("a", "b", "c", "")


def test_a_picture_is_seen_with_its_size_and_a_broken_one_is_refused() -> None:
    made = io.BytesIO()
    Image.new("RGB", (31, 17)).save(made, "PNG")

    def asked(body: bytes) -> JsonObject:
        url = f"data:image/png;base64,{base64.b64encode(body).decode()}"
        part: JsonObject = {"type": "image_url", "image_url": {"url": url}}
        return {"model": "m", "messages": [{"role": "user", "content": [part]}]}

    assert read_chat(asked(made.getvalue())).seen == ("[image 31x17]",)
    with pytest.raises(BadInputError):
        read_chat(asked(b"no picture"))


def test_a_developers_note_between_ends_the_earlier_messages_but_not_the_last() -> None:
    note: JsonObject = {"role": "developer", "content": "Now: Monday"}
    items: list[Json] = [
        {"role": "user", "content": "old"},
        note,
        {"role": "user", "content": "new"},
        {"role": "user", "content": "newer"},
        note,
    ]
    assert read_responses({"model": "m", "input": items}).unanswered == ("new", "newer")


def test_nothing_is_unanswered_when_the_assistant_spoke_last() -> None:
    items: list[Json] = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
    ]
    assert read_chat({"model": "m", "messages": items}).unanswered == ()
