"""``vestlus serve``: the same code with endpoints from the settings, behind either ingress."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.service import Service, running_serve, running_simulator, wait_for
from tests.services import AmqpSpace
from vestlus.cli.ports import free_port

INGRESSES = ["default", "haproxy"] if sys.platform == "linux" else ["default"]


@pytest.mark.parametrize("ingress", INGRESSES)
def test_messages_are_answered_from_settings_alone(
    ingress: str, tmp_path: Path, amqp_space: AmqpSpace, postgres_database: str
) -> None:
    (tmp_path / "ours.md").write_text("Oleme avatud iga päev kell 8–20.", "utf-8")
    config = tmp_path / "own.toml"
    config.write_text(
        'VESTLUS_BURST_WAIT_SECONDS = 0.2\n[[accounts]]\nid = "17841400000000009"\n'
        'access_token = "replaced by the environment"\npersona = "ours.md"\n'
        '[[event_rules]]\nname = "uudis"\nevent = "news"\ntags = ["news"]\n'
        'caption = "{{ event.title }}"\n',
        "utf-8",
    )
    port = free_port("127.0.0.1")
    with running_simulator(tmp_path, port) as (simulator, settings):
        own = settings | {
            "VESTLUS_CONFIG": str(config),
            "VESTLUS_INGRESS": ingress,
            "VESTLUS_BUS_URL": amqp_space.url,
            "VESTLUS_DATABASE_URL": postgres_database,
            "VESTLUS_EVENT_TOKENS": "shop=the-event-token",
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
            _an_event_of_another_system_is_taken_once(service, own)
            _a_revoked_token_is_replaced_in_the_same_processes(service, own)
            _the_doctor_finds_all_well_but_the_certificate(service, own)
            service.process.send_signal(signal.SIGTERM)
            assert service.process.wait(120) == 0
        text = service.log.read_text("utf-8", errors="replace")
        assert "token_rejected" in text
        for secret in (
            "IGSIM",
            "the app secret",
            "the-access-token",
            "kkkkk",
            "Mis kell te avate",
            "the-event-token",
        ):
            assert secret not in text


def _an_event_of_another_system_is_taken_once(service: Service, settings: dict[str, str]) -> None:
    def tell(name: str, token: str) -> tuple[int, bytes]:
        request = urllib.request.Request(  # noqa: S310 - our own server
            f"{service.address}/events/{name}",
            data=b'{"title":"Uus raamat"}',
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/json",
                "Idempotency-Key": "4711",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - as above
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read()

    status, body = tell("news", "the-event-token")
    assert status == 202
    assert tell("news", "the-event-token") == (202, body)
    assert tell("news", "another")[0] == 401
    assert tell("none", "the-event-token")[0] == 404
    unknown, known = _vestlus(settings, "events", "list")
    assert (unknown["event"], unknown["outcomes"][0]["reason"]) == ("none", "unknown_event")
    assert (known["id"], known["source"]) == (json.loads(body)["id"], "shop")


def _a_revoked_token_is_replaced_in_the_same_processes(
    service: Service, settings: dict[str, str]
) -> None:
    senders = service.processes("PublisherActor")
    service.control("revoke-token", {})
    asked = service.write("somebody", "Mis kell te suletate?")

    def noticed() -> bool:
        (account,) = _vestlus(settings, "accounts", "list")
        return bool(account["state"] == "rejected")

    wait_for("the rejected token is noted", noticed, seconds=60)
    token = service.control("tokens", {"account": service.account})["token"]
    done = _vestlus(settings | {"NEW_TOKEN": token}, "accounts", "connect", "--token-env=NEW_TOKEN")

    assert done["account"] == service.account
    # A minute after the last try the token would be tried by itself.
    assert "8–20" in service.answers("somebody", int(asked["seq"]), seconds=30)[0]
    assert service.processes("PublisherActor") == senders


def _the_doctor_finds_all_well_but_the_certificate(
    service: Service, settings: dict[str, str]
) -> None:
    own = settings | {"VESTLUS_PUBLIC_URL": service.address}
    findings = _vestlus(own, "doctor", status=1)["findings"]

    (wrong,) = [one for one in findings if one["level"] == "fail"]
    assert "https" in wrong["said"]
    assert [one["level"] for one in findings if one["name"] == "public address"] == ["fail", "ok"]


def _vestlus(settings: dict[str, str], *arguments: str, status: int = 0) -> Any:  # noqa: ANN401 - JSON
    """What a command prints as JSON, with the service's settings."""
    done = subprocess.run(
        [sys.executable, "-m", "vestlus.cli.main", *arguments, "--json"],
        env=os.environ | settings,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout)
