"""Lines of the log: whose messages they are about, and what libraries may not let out."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contract.store_support import ACCOUNT, message
from vestlus.log_context import About, add_subject, event_id, message_id
from vestlus.logs_foreign import ForeignFormatter, said, scrubbed, take_over

#: Words of secrets and of people, as they are really made.
secrets = st.from_regex(r"[A-Za-z0-9_-]{32,80}|[0-9]{15,20}|sk-[A-Za-z0-9]{20,40}", fullmatch=True)
places = st.sampled_from(
    [
        "GET https://graph.instagram.com/v25.0/me?access_token={}&fields=id failed",
        "amqp://guest:{}@rabbit:5672/ is gone",
        "Authorization: Bearer {}",
        '{{"api_key": "{}"}}',
        "password={} was refused",
        "request {} timed out",
        "the first line\nand {} in the second",
        "http://host/path/{}/more",
    ]
)


def record(text: object, *args: object, name: str = "httpx") -> logging.LogRecord:
    return logging.LogRecord(name, logging.WARNING, "file", 1, text, args, None)


@given(places, secrets)
def test_no_line_of_a_library_holds_a_secret_however_it_is_written(place: str, secret: str) -> None:
    text = place.format(secret)
    assert secret not in said(record(text))
    assert secret not in said(record("It was %s, and %r", text, text))
    assert secret not in said(record("It was %(it)s", {"it": text}))
    assert secret not in said(record("It was %s", ValueError(text)))


@given(st.text(), st.lists(st.one_of(st.text(), st.integers(), st.none(), st.binary())))
def test_whatever_a_library_says_becomes_one_short_line(text: str, args: list[Any]) -> None:
    line = said(record(text, *args))
    assert "\n" not in line
    assert len(line) <= 300


def test_what_a_library_says_stays_of_use() -> None:
    told = record("Connection to %r failed: %s. Again in %d s.", "rabbit:5672", OSError("no"), 5)
    assert said(told) == "Connection to 'rabbit:5672' failed: OSError. Again in 5 s."
    assert said(record("Words of %s", "somebody or other")) == "Words of …"
    assert scrubbed("https://u:p@graph.instagram.com/v25.0/1?x=1 gone") == (
        "https://graph.instagram.com gone"
    )


def rendered(one: logging.LogRecord) -> dict[str, Any]:
    formatter = ForeignFormatter([add_subject], lambda _, __, line: json.dumps(line))
    found: dict[str, Any] = json.loads(formatter.format(one))
    return found


def test_of_an_exception_its_class_and_its_place_are_told_and_not_what_it_says() -> None:
    try:
        raise ValueError("a user's words")  # noqa: TRY301 - to have a traceback
    except ValueError:
        one = record("It broke")
        one.exc_info = sys.exc_info()
    line = rendered(one)
    assert line["error"] == "ValueError"
    assert "test_logs.py" in line["place"]
    assert "words" not in json.dumps(line)


def test_a_line_says_which_messages_it_is_about_and_nothing_outside_does() -> None:
    one, other = message(mid="m-1"), message(mid="m-2")
    with About(events=(one, other, one), traceparent=f"00-{'a' * 32}-{'b' * 16}-01"):
        line = rendered(record("Hello"))
    assert line["message_id"].split() == [event_id(one), event_id(other)]
    assert line["trace_id"] == "a" * 32
    assert "message_id" not in rendered(record("Hello"))


def test_a_message_has_the_same_id_by_its_event_and_by_what_a_send_answers() -> None:
    event = message(mid="m-1")
    assert event_id(event) == message_id(ACCOUNT, "m-1")
    nameless = replace(event, mid=None)
    assert event_id(nameless) == event.key[:12]
    assert "m-1" not in event_id(event)


def test_a_library_with_handlers_of_its_own_writes_through_ours_too() -> None:
    logger, kept = logging.getLogger("a library for tests"), logging.getLogger().handlers[:]
    written: list[str] = []

    class Handler(logging.Handler):
        def emit(self, one: logging.LogRecord) -> None:
            written.append(self.format(one))

    logger.addHandler(Handler())
    logger.propagate = False
    level = logging.getLogger().level
    try:
        take_over(ForeignFormatter([], lambda _, __, line: line["event"]), logging.WARNING)
        logger.setLevel(logging.DEBUG)
        logger.info("below what libraries may say")
        logger.warning("password=%s", "secret words")
    finally:
        logger.handlers.clear()
        logging.getLogger().handlers[:] = kept
        logging.getLogger().setLevel(level)
    assert written == ["password=…"]


def test_a_reader_who_left_a_live_page_is_no_news() -> None:
    class TaskCancelledError(Exception):
        """As Ray's is called."""

    written = io.StringIO()
    kept, level = logging.getLogger().handlers[:], logging.getLogger().level
    try:
        take_over(ForeignFormatter([], lambda _, __, line: line["event"]), logging.WARNING)
        ours = next(one for one in logging.getLogger().handlers if one not in kept)
        assert isinstance(ours, logging.StreamHandler)
        ours.setStream(written)
        for name, said, error in (
            ("asyncio", "never retrieved", TaskCancelledError()),
            ("asyncio", "never retrieved", ValueError()),
            ("ray", "was cancelled", TaskCancelledError()),
        ):
            info = (type(error), error, None)
            ours.handle(logging.LogRecord(name, logging.ERROR, __file__, 1, said, None, info))
    finally:
        logging.getLogger().handlers[:] = kept
        logging.getLogger().setLevel(level)
    assert written.getvalue().splitlines() == ["never retrieved", "was cancelled"]


PROGRAM = """
import logging, sys
from vestlus.logs import configure_logs
import structlog
configure_logs("DEBUG", readable={readable})
logging.getLogger("httpx").info("GET https://host/?access_token=SALADUS")
logging.getLogger("httpx").warning("GET https://host/?access_token=SALADUS")
logging.getLogger("ray.serve").error("Request failed: SALADUS-SALADUS-SALADUS-SALADUS-SALADUS")
structlog.get_logger().debug("said", number=1)
"""


@pytest.mark.parametrize("readable", [False, True])
def test_ours_and_theirs_look_alike_for_machines_and_for_people(*, readable: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(readable=readable)],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stderr.splitlines()
    assert len(lines) == 3
    assert "SALADUS" not in done.stderr + done.stdout
    if readable:
        assert "number=1" in lines[-1]
    else:
        read: list[Mapping[str, Any]] = [json.loads(line) for line in lines]
        assert [(one["level"], one["event"]) for one in read] == [
            ("warning", "GET https://host"),
            ("error", "Request failed: …"),
            ("debug", "said"),
        ]
        assert all(one["timestamp"].endswith("Z") for one in read)
