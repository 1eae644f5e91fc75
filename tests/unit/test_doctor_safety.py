"""What ``vestlus doctor`` says of set-ups that work and are unsafe."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from vestlus.doctor.findings import Finding, Level
from vestlus.doctor.safety import CONTROL_PORTS, _listens, check_safety, outward_address
from vestlus.settings import Settings
from vestlus.settings_secrets import SHORTEST_TOKEN

GOOD = "k3-Zq9vT0xWb7Lr2NfYh8MdCs5Ju4PaGe"


def settings(tmp_path: Path, **changed: Any) -> Settings:  # noqa: ANN401 - several types
    good: dict[str, Any] = {
        "data_dir": tmp_path / "none",
        "operator_token": SecretStr(GOOD),
        "encryption_key": SecretStr(GOOD[::-1]),
        "public_url": "https://bot.example.ee",
    }
    return Settings(**(good | changed))


async def nobody(_: str, port: int) -> bool:
    return port < 0


async def found(of: Settings, open_ports: frozenset[int] = frozenset()) -> list[Finding]:
    async def listens(_: str, port: int) -> bool:
        return port in open_ports

    return await check_safety(of, listens=listens, own_address=lambda: "10.1.2.3")


async def test_a_set_up_without_faults_gets_one_line(tmp_path: Path) -> None:
    (only,) = await found(settings(tmp_path))
    assert (only.level, only.said) == (Level.OK, "nothing unsafe was found")


async def test_a_token_that_is_long_enough_to_start_is_so_for_the_doctor(tmp_path: Path) -> None:
    shortest = settings(tmp_path, operator_token=SecretStr(GOOD[:SHORTEST_TOKEN]))
    (only,) = await found(shortest)
    assert only.level is Level.OK


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"operator_token": SecretStr("letmein")}, "VESTLUS_OPERATOR_TOKEN is short"),
        ({"operator_token": SecretStr("ab" * 20)}, "VESTLUS_OPERATOR_TOKEN is short or easily"),
        ({"event_tokens": ["shop=letmein"]}, "the token of shop in VESTLUS_EVENT_TOKENS is short"),
        ({"event_tokens": [f"shop={GOOD}"]}, "is the same as VESTLUS_OPERATOR_TOKEN"),
        ({"encryption_key": SecretStr("a" * 40)}, "VESTLUS_ENCRYPTION_KEY is short or easily"),
        ({"openai_base_url": "http://gpu.example.ee/v1"}, "OPENAI_BASE_URL is not encrypted"),
        ({"graph_url": "http://graph.example.ee"}, "VESTLUS_GRAPH_URL is not encrypted"),
        ({"media_url": "http://files.example.ee/c"}, "VESTLUS_MEDIA_URL is not encrypted"),
        ({"bus_url": "amqp://v:x@mq.example.ee"}, "VESTLUS_BUS_URL is not encrypted"),
        ({"bus_url": "amqps://guest:guest@mq.example.ee"}, "the password that everybody knows"),
        ({"database_url": "postgresql://v:x@db.example.ee/v"}, "does not ask for an encrypted"),
    ],
)
async def test_what_is_unsafe_is_warned_of_and_no_secret_is_told(
    tmp_path: Path, changed: dict[str, Any], said: str
) -> None:
    (only,) = await found(settings(tmp_path, **changed))

    assert only.level is Level.WARN
    assert said in only.said
    assert only.mend
    for secret in ("letmein", GOOD, "abab", "guest"):
        assert secret not in only.said + only.mend


@pytest.mark.parametrize(
    "near",
    [
        {"bus_url": "amqp://guest:guest@localhost"},
        {"database_url": "postgresql://postgres:postgres@[::1]/v"},
        {"database_url": "postgresql://v:x@db.example.ee/v?sslmode=verify-full"},
        {"openai_base_url": "http://model.localhost:9/v1"},
    ],
)
async def test_what_does_not_leave_the_machine_needs_no_encryption(
    tmp_path: Path, near: dict[str, Any]
) -> None:
    (only,) = await found(settings(tmp_path, **near))
    assert only.level is Level.OK


async def test_ports_of_the_control_that_others_may_reach_are_named(tmp_path: Path) -> None:
    (only,) = await found(settings(tmp_path), frozenset({8265, 8404}))

    assert only.level is Level.WARN
    assert "8265 (Ray's dashboard and jobs), 8404 (HAProxy's statistics)" in only.said
    assert set(CONTROL_PORTS) == {6379, 8265, 10001, 8404, 9101}


async def test_a_machine_that_nobody_can_reach_has_no_open_ports(tmp_path: Path) -> None:
    async def everything(_: str, port: int) -> bool:
        return port > 0

    findings = await check_safety(settings(tmp_path), listens=everything, own_address=lambda: None)
    assert [one.level for one in findings] == [Level.OK]


async def test_files_that_everybody_may_read_are_warned_of(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    of = settings(tmp_path, data_dir=folder)
    (only,) = await found(of)
    assert "VESTLUS_DATA_DIR may be read by everybody" in only.said

    folder.chmod(0o750)
    file = folder / "store.sqlite"
    file.touch()
    file.chmod(0o644)
    (only,) = await found(of)
    # Nobody else comes as far as the file.
    assert only.level is Level.OK


async def test_a_port_is_told_open_when_somebody_listens_there() -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    assert await _listens("127.0.0.1", port)
    server.close()
    await server.wait_closed()
    assert not await _listens("127.0.0.1", port)


def test_this_machines_address_is_one_that_others_see_or_none() -> None:
    address = outward_address()
    assert address is None or not address.startswith("127.")
