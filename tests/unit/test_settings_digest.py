"""Whether a service that is found running has the settings of the one that joins it."""

from __future__ import annotations

import os
import subprocess
import sys

from vestlus.settings import Mode, Settings, load_settings
from vestlus.settings_digest import digest_of

GIVEN = {
    "VESTLUS_APP_SECRETS": "one,two",
    "VESTLUS_ACCESS_TOKEN": "a-token",
    "VESTLUS_ACCOUNT_ID": "1",
    "VESTLUS_EVENT_TOKENS": "shop=the-event-token",
}

PROGRAM = (
    "from vestlus.settings import Mode, load_settings;"
    "from vestlus.settings_digest import digest_of;"
    "print(digest_of(load_settings(mode=Mode.OPERATE)))"
)


def settings(**changed: str) -> Settings:
    return load_settings({**GIVEN, **changed}, mode=Mode.OPERATE)


def test_every_process_with_the_same_settings_has_the_same_digest() -> None:
    told = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            check=True,
            capture_output=True,
            text=True,
            env={"PATH": os.environ["PATH"], "PYTHONHASHSEED": seed, **GIVEN},
        ).stdout.strip()
        for seed in ("1", "2", "3")
    }
    assert told == {digest_of(settings())}


def test_another_secret_token_or_size_is_another_digest() -> None:
    others = [
        settings(VESTLUS_ACCESS_TOKEN="another"),
        settings(VESTLUS_APP_SECRETS="two,one"),
        settings(VESTLUS_CONVERSATION_ACTORS="2"),
        settings(VESTLUS_EVENT_TOKENS="shop=another-event-token"),
    ]
    assert len({digest_of(one) for one in [settings(), *others]}) == 5


def test_nothing_of_a_secret_is_in_it() -> None:
    assert "token" not in digest_of(settings())
