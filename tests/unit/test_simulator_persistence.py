"""The data file gives back what was put into it, and says when it cannot."""

import sqlite3
import threading
from dataclasses import asdict, replace
from pathlib import Path

from vestlus.simulator.persistence import DROP_WEBHOOK, PUT_USER, PUT_WEBHOOK, DataFile
from vestlus.simulator.records import Attachment, Message


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
    data.put(PUT_WEBHOOK, 1, "A", "U", '{"a":1}', "m1")
    data.put(PUT_WEBHOOK, 2, "A", "U", '{"a":2}', None)
    data.put(DROP_WEBHOOK, 1)
    data.close()

    again = DataFile(tmp_path / "new folder" / "s.sqlite", no_failure)
    saved = again.open()
    again.close()
    expected = [accepted, *messages[1:]]
    assert [asdict(each) for each in saved.messages] == [asdict(each) for each in expected]
    assert [(user.id, user.name) for user in saved.users] == [("U", "Mari")]
    assert [(event.id, event.body, event.mid) for event in saved.webhooks] == [(2, {"a": 2}, None)]


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
