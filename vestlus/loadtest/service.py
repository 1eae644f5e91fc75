"""`python -m vestlus.loadtest.service`: ``vestlus serve`` that ends with whoever started it."""

from __future__ import annotations

import contextlib
import os
import signal
import threading


def _end_with_stdin() -> None:
    with contextlib.suppress(OSError):  # it is closed already
        while os.read(0, 4096):
            pass
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Serve until SIGINT, SIGTERM, or the end of standard input."""
    from vestlus.cli.main import app  # noqa: PLC0415 - after the thread has begun
    from vestlus.logs import configure_logs  # noqa: PLC0415

    configure_logs("WARNING")
    app(["serve"])


if __name__ == "__main__":
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    main()
