"""``vestlus try``: one message to the running demo, as a user would write it."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from vestlus.cli.demo_settings import DemoError, running_demo
from vestlus.settings import Mode, load_settings

#: How long an answer is waited for, seconds.
PATIENCE_SECONDS = 90.0
_SLICE_SECONDS = 20.0
#: An answer is complete when nothing more came for so long: its parts follow each other at once.
QUIET_SECONDS = 1.5


def try_out(text: str, user: str) -> list[dict[str, Any]]:
    """Sends a message through the simulator and returns the messages of the answer.

    Raises DemoError when no demo runs, when it does not take the message, or when no answer
    comes in time.
    """
    demo = running_demo(load_settings(mode=Mode.DEMO).data_dir)
    sent = _call(
        f"{demo.simulator}/control/messages",
        {"account": demo.account, "user": user, "text": text},
    )
    messages: list[dict[str, Any]] = []
    after, deadline = sent["seq"], time.monotonic() + PATIENCE_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        query = urllib.parse.urlencode(
            {
                "account": demo.account,
                "user": user,
                "after": after,
                "timeout": min(QUIET_SECONDS if messages else _SLICE_SECONDS, left),
            }
        )
        more = _call(f"{demo.simulator}/control/wait?{query}")["messages"]
        if messages and not more:
            break
        messages += more
        after = max([after, *(message["seq"] for message in more)])
    if not messages:
        raise DemoError(f"no answer within {PATIENCE_SECONDS:.0f} s: look at {demo.service}/readyz")
    return messages


def _call(url: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 - any JSON
    request = urllib.request.Request(  # noqa: S310 - the demo's own address
        url,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=_SLICE_SECONDS + 10) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            said = error.read(500).decode(errors="replace")
        raise DemoError(f"the simulator refuses it with HTTP {error.code}: {said}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise DemoError(
            "the simulator does not answer as it should: does the demo still run?"
        ) from error
