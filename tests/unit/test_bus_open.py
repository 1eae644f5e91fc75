"""Which bus an address names."""

from __future__ import annotations

from pathlib import Path

import pytest

from vestlus.bus.embedded import EmbeddedBus
from vestlus.bus.open import open_bus
from vestlus.bus.port import Topology
from vestlus.bus.rabbitmq import RabbitBus
from vestlus.errors import SettingsError


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:////data/bus.sqlite", "/data/bus.sqlite"),
        ("sqlite:///var/bus.sqlite", "var/bus.sqlite"),
    ],
)
def test_sqlite_names_a_file(url: str, path: str) -> None:
    bus = open_bus(url, Topology())
    assert isinstance(bus, EmbeddedBus)
    assert bus._path == Path(path).absolute()


@pytest.mark.parametrize("url", ["amqp://user:pass@broker/vhost", "amqps://broker:5671/"])
async def test_amqp_names_a_broker(url: str) -> None:
    assert isinstance(open_bus(url, Topology()), RabbitBus)


@pytest.mark.parametrize(
    "url", ["", "amqp:broker", "sqlite://", "sqlite:///", "sqlite://bus", "postgresql://x/y", "bus"]
)
def test_any_other_address_is_a_bad_setting(url: str) -> None:
    with pytest.raises(SettingsError, match="VESTLUS_BUS_URL"):
        open_bus(url, Topology())
