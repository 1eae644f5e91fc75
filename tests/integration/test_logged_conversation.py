"""What a whole conversation leaves in the log: enough to follow a message, and nobody's words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration import logged_conversation as conversation
from tests.integration.hosting_support import ACCOUNT
from tests.integration.whole_way import GRAPH_TOKEN, OPENAI_KEY, USER
from tests.unit.webhook_front import SECRET, TOKEN
from vestlus.log_context import message_id


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> str:
    """All that a process wrote while it talked at DEBUG."""
    folder = tmp_path_factory.mktemp("conversation")
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.logged_conversation", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OPENAI_LOG": "debug"},
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stderr + done.stdout


def lines(log: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.splitlines()]


def test_no_words_no_secrets_and_no_ids_of_users_or_messages_are_in_it(log: str) -> None:
    words = {
        word
        for text in (*conversation.WORDS, conversation.ANSWER, conversation.NOTE)
        for word in text.split()
        if len(word) > 5
    }
    hidden = {
        *words,
        *(USER, "987654321000000", "mid-first", "mid-for-a", "mid-of-the", "mid-that"),
        *(GRAPH_TOKEN, OPENAI_KEY, SECRET, TOKEN, "k" * 32),
        *("PICTURESIGNATURE", "lookaside"),
    }
    assert {one for one in hidden if one in log} == set()


def test_one_search_follows_a_message_from_the_webhook_to_graph(log: str) -> None:
    wanted = message_id(ACCOUNT, "mid-first-of-the-user-0")
    its = [one["event"] for one in lines(log) if wanted in one.get("message_id", "").split()]
    steps = ["webhook_durable", "recorded", "turn_committed", "send_step"]
    assert [one for one in its if one in steps] == steps


def test_what_went_wrong_says_with_which_message(log: str) -> None:
    def said_of(mid: str) -> set[str]:
        wanted = message_id(ACCOUNT, mid)
        return {one["event"] for one in lines(log) if wanted in one.get("message_id", "").split()}

    assert {"picture_not_usable", "model_request_failed"} <= said_of("mid-of-the-picture")
    assert "send_given_up" in said_of("mid-that-is-refused-0")


def test_every_line_is_a_whole_one_with_level_and_time(log: str) -> None:
    assert len(lines(log)) > 20
    for line in lines(log):
        assert {"event", "level", "timestamp"} <= line.keys()
