"""How a machine's settings get their secrets from Key Vault."""

from __future__ import annotations

import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from tests.scripts_loaded import script

reading = script("read_settings")

FILE = """
# a comment
KEY_VAULT_URL=https://example.vault/
VESTLUS_VERIFY_TOKEN=vault:verify
VESTLUS_HTTP_PORT=8000
VESTLUS_MODEL=
"""


class Vault:
    """Knows one secret, and fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        self._failures = failures

    def __call__(self, address: str, headers: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON
        self.asked.append((address, headers))
        if self._failures:
            self._failures -= 1
            raise HTTPError(address, 503, "busy", None, None)  # type: ignore[arg-type]
        if address.startswith(reading.METADATA):
            return {"access_token": "of-the-machine"}
        return {"value": "a word with spaces and $signs"}


def test_secrets_are_asked_of_the_vault_with_the_machines_identity_and_the_rest_stays() -> None:
    vault = Vault()
    assert reading.filled(FILE, vault).splitlines() == [
        "VESTLUS_VERIFY_TOKEN='a word with spaces and $signs'",
        "VESTLUS_HTTP_PORT='8000'",
    ]
    (identity, metadata), (secret, headers) = vault.asked
    assert metadata == {"Metadata": "true"}
    assert "resource=https%3A%2F%2Fvault.azure.net" in identity
    assert secret == "https://example.vault/secrets/verify?api-version=7.4"
    assert headers == {"Authorization": "Bearer of-the-machine"}


def test_without_secrets_nobody_is_asked() -> None:
    vault = Vault()
    assert reading.filled("A=1\n", vault) == "A='1'\n"
    assert vault.asked == []


def test_a_vault_that_is_busy_is_asked_again_and_one_that_stays_away_is_told_without_values() -> (
    None
):
    pauses: list[float] = []
    assert "VERIFY" in reading.filled(FILE, Vault(failures=2), pauses.append)
    assert len(pauses) == 2
    with pytest.raises(reading.NotReadError, match="identity cannot be read: status 503"):
        reading.filled(FILE, Vault(failures=99), pauses.append)


@pytest.mark.parametrize(
    "file", ["A=vault:b\n", "KEY_VAULT_URL=https://x\nA=it's\n"], ids=["no vault", "a quote"]
)
def test_what_cannot_be_filled_in_is_refused(file: str) -> None:
    with pytest.raises(reading.NotReadError):
        reading.filled(file, Vault())


def test_what_is_written_is_for_its_owner_only_and_replaces_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "in.env", tmp_path / "run" / "out.env"
    source.write_text("A=1\n")
    monkeypatch.setattr(sys, "argv", ["read_settings.py", str(source), str(target)])
    for _ in range(2):
        assert reading.main() == 0
    assert target.read_text() == "A='1'\n"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    source.unlink()
    assert reading.main() == 1
