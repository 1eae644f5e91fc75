"""A replica's HTTP surface as a process of its own, so that what it takes can be measured.

``python -m tests.fuzzing.server FOLDER`` prints its port, and ends with SIGTERM.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import uvicorn

from tests.fuzzing.requests import EVENT, EVENT_TOKEN, OPERATOR, SECRET
from vestlus.logs import configure_logs
from vestlus.settings import Settings
from vestlus.web import Front

ACCOUNT = "17841400000000001"


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
    config = uvicorn.Config(Front(settings), log_level="critical", timeout_graceful_shutdown=2)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
