"""``vestlus serve``: the same code with endpoints from the settings, behind either ingress."""

from __future__ import annotations

import signal
import sys
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from tests.e2e.service import running_serve, running_simulator
from tests.services import AmqpSpace
from vestlus.cli.launch import free_port

INGRESSES = ["default", "haproxy"] if sys.platform == "linux" else ["default"]


@pytest.mark.parametrize("ingress", INGRESSES)
def test_messages_are_answered_from_settings_alone(
    ingress: str, tmp_path: Path, amqp_space: AmqpSpace, postgres_database: str
) -> None:
    (tmp_path / "ours.md").write_text("Oleme avatud iga päev kell 8–20.", "utf-8")
    config = tmp_path / "own.toml"
    config.write_text(
        'VESTLUS_BURST_WAIT_SECONDS = 0.2\n[[accounts]]\nid = "17841400000000009"\n'
        'access_token = "replaced by the environment"\npersona = "ours.md"\n',
        "utf-8",
    )
    port = free_port("127.0.0.1")
    with running_simulator(tmp_path, port) as (simulator, settings):
        own = settings | {
            "VESTLUS_CONFIG": str(config),
            "VESTLUS_INGRESS": ingress,
            "VESTLUS_BUS_URL": amqp_space.url,
            "VESTLUS_DATABASE_URL": postgres_database,
        }
        with running_serve(tmp_path, simulator, own) as service:
            assert "8–20" in service.ask("somebody", "Mis kell te avate?")
            assert service.status("/readyz") == 200
            query = urllib.parse.urlencode(
                {
                    "hub.mode": "subscribe",
                    "hub.verify_token": "the verify token",
                    "hub.challenge": "4711",
                }
            )
            with urllib.request.urlopen(  # noqa: S310 - our own server
                f"{service.address}/webhook?{query}", timeout=10
            ) as answer:
                assert answer.read() == b"4711"
            forged = service.control(
                "raw-webhook",
                {"payload": {"object": "instagram", "entry": []}, "signature": "wrong"},
            )
            assert [one["status"] for one in forged["responses"]] == [401]
            assert bool(service.processes("haproxy")) == (ingress == "haproxy")
            service.process.send_signal(signal.SIGTERM)
            assert service.process.wait(120) == 0
        text = service.log.read_text("utf-8", errors="replace")
        for secret in ("the app secret", "the-access-token", "kkkkk", "Mis kell te avate"):
            assert secret not in text
