"""The data file gives back what was put into it, and says when it cannot."""

import sqlite3
import threading
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from vestlus.simulator.persistence import (
    DROP_WEBHOOK,
    PUT_HAND_BACK,
    PUT_REFUSAL,
    PUT_TAKE_OVER,
    PUT_UPLOAD,
    PUT_USER,
    PUT_WEBHOOK,
    DataFile,
)
from vestlus.simulator.records import Attachment, HandBack, Message, Refusal, TakeOver


def no_failure(error: sqlite3.Error) -> None:
    raise AssertionError from error


def message(seq: int) -> Message:
    return Message(
        seq=seq,
        mid=f"m{seq}",
        account="A",
        user="U",
        direction="in",
        author="user",
        text="Tere õhtust" if seq % 2 else None,
        attachments=(Attachment("image", "http://x", "abc"),) if seq % 3 == 0 else (),
        timestamp_ms=seq,
        reply_to="m0" if seq % 5 == 0 else None,
        expects_answer=seq % 7 != 0,
    )


def test_what_is_put_is_there_after_closing(tmp_path: Path) -> None:
    data = DataFile(tmp_path / "new folder" / "s.sqlite", no_failure)
    assert data.open().messages == []
    messages = [message(seq) for seq in range(1, 200)]
    for each in messages:
        data.put_message(each)
    accepted = replace(messages[0], offered=1, accepted=2, accepted_at=3.5, attempts=2)
    data.put_message(accepted)
    data.put(PUT_USER, "U", "Mari")
    data.put(PUT_WEBHOOK, 1, "A", "U", '{"a":1}', "m1", "messaging")
    data.put(PUT_WEBHOOK, 2, "A", "U", '{"a":2}', None, "standby")
    data.put(DROP_WEBHOOK, 1)
    data.close()

    again = DataFile(tmp_path / "new folder" / "s.sqlite", no_failure)
    saved = again.open()
    again.close()
    expected = [accepted, *messages[1:]]
    assert [asdict(each) for each in saved.messages] == [asdict(each) for each in expected]
    assert [(user.id, user.name) for user in saved.users] == [("U", "Mari")]
    assert [(event.id, event.body, event.mid, event.channel) for event in saved.webhooks] == [
        (2, {"a": 2}, None, "standby")
    ]


def test_what_few_messages_have_is_kept_too(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    data = DataFile(path, no_failure)
    data.open()
    rich = replace(
        message(1),
        direction="out",
        author="api",
        attachments=(Attachment("image", "http://x", "abc", "A door"),),
        tag="HUMAN_AGENT",
        started=7,
        started_at=1.5,
        echoed=8,
        echoed_at=2.5,
        echo_mid="e1",
        echo_text="other",
        unsent=True,
        earlier_texts=("one", "two"),
        reaction="+",
        any_answer=True,
    )
    data.put_message(rich)
    data.put(PUT_UPLOAD, "A", "77", "image", "http://x", "abc", None)
    data.put(PUT_REFUSAL, "A", "U", 3.5, 9)
    data.put(PUT_TAKE_OVER, "A", "U", 9, 4.5)
    data.put(PUT_HAND_BACK, "A", "U", 10)
    data.close()

    again = DataFile(path, no_failure)
    saved = again.open()
    again.close()
    assert [asdict(each) for each in saved.messages] == [asdict(rich)]
    assert saved.uploads == {("A", "77"): Attachment("image", "http://x", "abc")}
    assert saved.refusals == [Refusal(account="A", user="U", at=3.5, seq=9)]
    assert saved.take_overs == [TakeOver(account="A", user="U", tick=9, at=4.5)]
    assert saved.hand_backs == [HandBack(account="A", user="U", tick=10)]


def test_a_file_of_an_earlier_version_is_taken_up(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            """CREATE TABLE message (
              seq INTEGER PRIMARY KEY, mid TEXT NOT NULL UNIQUE, account TEXT NOT NULL,
              user TEXT NOT NULL, direction TEXT NOT NULL, author TEXT NOT NULL, text TEXT,
              attachments TEXT NOT NULL, timestamp_ms INTEGER NOT NULL, reply_to TEXT,
              expects_answer INTEGER NOT NULL, offered INTEGER, accepted INTEGER, accepted_at REAL,
              attempts INTEGER NOT NULL, last_status INTEGER);
            CREATE TABLE webhook (
              id INTEGER PRIMARY KEY, account TEXT NOT NULL, user TEXT NOT NULL,
              body TEXT NOT NULL, mid TEXT);
            INSERT INTO message VALUES
              (1, 'm1', 'A', 'U', 'in', 'user', NULL,
               '[{"type": "image", "url": "http://x", "media": "abc"}]', 1, 'm0', 1,
               NULL, NULL, NULL, 0, NULL);
            INSERT INTO webhook VALUES (1, 'A', 'U', '{"a":1}', 'm1');"""
        )
    data = DataFile(path, no_failure)
    saved = data.open()
    data.put_message(message(2))
    data.close()
    assert saved.messages[0].attachments == (Attachment("image", "http://x", "abc"),)
    assert saved.webhooks[0].channel == "messaging"
    again = DataFile(path, no_failure)
    assert [each.seq for each in again.open().messages] == [1, 2]
    again.close()


def test_pictures_can_be_read_at_once(tmp_path: Path) -> None:
    data = DataFile(tmp_path / "s.sqlite", no_failure)
    data.open()
    data.write_media("abc", "image/png", b"bytes")
    assert data.read_media("abc") == ("image/png", b"bytes")
    assert data.read_media("other") is None
    data.close()


def test_a_write_that_fails_is_reported_and_not_swallowed(tmp_path: Path) -> None:
    failures: list[sqlite3.Error] = []
    reported = threading.Event()

    def on_failure(error: sqlite3.Error) -> None:
        failures.append(error)
        reported.set()

    data = DataFile(tmp_path / "s.sqlite", on_failure)
    data.open()
    data.put("INSERT INTO nowhere VALUES (?)", 1)
    assert reported.wait(10)
    assert isinstance(failures[0], sqlite3.OperationalError)
    data.close()


def test_a_folder_that_cannot_be_made_is_an_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    data = DataFile(tmp_path / "file" / "s.sqlite", no_failure)
    with pytest.raises(OSError, match="file"):
        data.open()
