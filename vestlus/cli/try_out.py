"""``vestlus try``: one message to the running demo, as a user would write it."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from typing import Any

from vestlus.cli.demo import DemoError, running_demo
from vestlus.settings import Mode, load_settings

#: How long an answer is waited for, seconds.
PATIENCE_SECONDS = 90.0
_SLICE_SECONDS = 20.0


def try_out(text: str, user: str) -> list[dict[str, Any]]:
    """Sends a message through the simulator and returns the messages of the answer.

    Raises DemoError when no demo runs, or when no answer comes in time.
    """
    demo = running_demo(load_settings(mode=Mode.DEMO).data_dir)
    sent = _call(
        f"{demo.simulator}/control/messages",
        {"account": demo.account, "user": user, "text": text},
    )
    after = sent["seq"]
    left = PATIENCE_SECONDS
    while left > 0:
        query = urllib.parse.urlencode(
            {
                "account": demo.account,
                "user": user,
                "after": after,
                "timeout": min(_SLICE_SECONDS, left),
            }
        )
        answer = _call(f"{demo.simulator}/control/wait?{query}")
        if answer["messages"]:
            return list(answer["messages"])
        left -= _SLICE_SECONDS
    message = f"no answer within {PATIENCE_SECONDS:.0f} s: look at {demo.service}/readyz"
    raise DemoError(message)


def _call(url: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 - any JSON
    request = urllib.request.Request(  # noqa: S310 - the demo's own address
        url,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=_SLICE_SECONDS + 10) as answer:  # noqa: S310
        return json.load(answer)
