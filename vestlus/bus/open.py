"""Choosing the bus by its address."""

from __future__ import annotations

from pathlib import Path

from vestlus.bus.embedded import EmbeddedBus
from vestlus.bus.port import Bus, Topology
from vestlus.bus.rabbitmq import RabbitBus
from vestlus.errors import SettingsError

#: Seconds until a publish gives up. A webhook that cannot be made durable must be refused while
#: Meta still listens.
TIMEOUT_SECONDS = 3.0


def open_bus(
    url: str, topology: Topology, *, timeout: float = TIMEOUT_SECONDS, prefix: str = ""
) -> Bus:
    """The bus at ``sqlite:///PATH`` or ``amqp(s)://…``; entering it connects.

    As with SQLAlchemy, the path is relative after three slashes and absolute after four.
    ``timeout`` is in seconds, for one publish. ``prefix`` goes before the names of queues and
    exchanges on RabbitMQ. Raises SettingsError for any other address.
    """
    scheme, _, rest = url.partition("://")
    if scheme in ("amqp", "amqps"):
        return RabbitBus(url, topology, timeout=timeout, prefix=prefix)
    if scheme == "sqlite" and len(rest) > 1 and rest.startswith("/"):
        return EmbeddedBus(Path(rest[1:]), topology, timeout=timeout)
    problem = "VESTLUS_BUS_URL: must be sqlite:///PATH or begin with amqp:// or amqps://"
    raise SettingsError((problem,))
