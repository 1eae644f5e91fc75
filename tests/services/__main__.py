"""The services of the tests, from a shell.

python -m tests.services ensure         make sure that all can be had, installing what is missing
python -m tests.services run -- CMD...  start RabbitMQ and PostgreSQL, run CMD with
                                        VESTLUS_TEST_AMQP_URL and VESTLUS_TEST_POSTGRES_URL set,
                                        stop both
"""

import os
import signal
import subprocess
import sys

from tests.services import (
    ServiceError,
    azurite,
    chromium,
    provide_postgres,
    provide_rabbitmq,
    running,
)
from tests.services.provision import PGBOUNCER, POSTGRES, RABBITMQ, Source, ensure


def say(text: str) -> None:
    """Print at once, also into a pipe."""
    print(text, flush=True)  # noqa: T201  a command's output


def main(arguments: list[str]) -> int:
    """Carry out one command and return its exit status: 2 for a wrong call, 3 for no service."""
    # SIGTERM ends this as Ctrl-C does, through the context managers below.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if arguments == ["ensure"]:
            for service in (RABBITMQ, POSTGRES, PGBOUNCER):
                source = ensure(service, say)
                how = f"from {service.variable}" if source is Source.GIVEN else source
                say(f"{service.name}: {how}")
            say(f"Azurite: {azurite.ensure(say)}")
            say(f"Chromium: {chromium.ensure(say)}")
            return 0
        if arguments[:2] == ["run", "--"] and arguments[2:]:
            return run_with_services(arguments[2:])
    except ServiceError as error:
        say(str(error))
        return 3
    except KeyboardInterrupt:
        return 130
    say((__doc__ or "").strip())
    return 2


def run_with_services(command: list[str]) -> int:
    """Run a command while both services run, and return its exit status."""
    with running(provide_rabbitmq(say)) as rabbitmq, running(provide_postgres(say)) as postgres:
        environ = {**os.environ, RABBITMQ.variable: rabbitmq.url, POSTGRES.variable: postgres.url}
        return subprocess.run(command, env=environ, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
