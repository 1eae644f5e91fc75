"""A replica's HTTP surface as a process of its own, so that what it takes can be measured.

``python -m tests.fuzzing.server FOLDER`` prints its port, and ends with SIGTERM.
"""

from __future__ import annotations

import itertools
import socket
import sys
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.fuzzing.requests import EVENT, EVENT_TOKEN, OPERATOR, SECRET
from vestlus.logs import configure_logs
from vestlus.settings import Settings
from vestlus.web import Front

ACCOUNT = "17841400000000001"

#: Of the block for private networks (RFC 1918).
_FIRST: Final = int(IPv4Address("10.0.0.1"))
_ADDRESSES: Final = 1 << 23


class FromElsewhere:
    """Each request comes from an address of its own: from one, a few wrong tokens would shut the
    API to all that follows.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._places = itertools.count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or runs the lifespan."""
        if scope["type"] == "http":
            address = IPv4Address(_FIRST + next(self._places) % _ADDRESSES)
            scope["client"] = (str(address), 40_000)
        await self._app(scope, receive, send)


def main(folder: Path) -> None:
    """Serves until it is told to stop."""
    configure_logs("ERROR")
    rule = {"name": "opened", "event": EVENT, "caption": "Tere!", "tags": ("x",)}
    settings = Settings.model_validate(
        {
            "data_dir": folder,
            "app_secrets": (SECRET,),
            "verify_token": "verify",
            "operator_token": OPERATOR,
            "encryption_key": "k" * 40,
            "event_tokens": (f"house={EVENT_TOKEN}",),
            "accounts": ({"id": ACCOUNT, "timezone": "Europe/Tallinn"},),
            "event_rules": (rule,),
        }
    )
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(128)
    print(listening.getsockname()[1], flush=True)  # noqa: T201 - whoever started us reads it
    config = uvicorn.Config(
        FromElsewhere(Front(settings)), log_level="critical", timeout_graceful_shutdown=2
    )
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
