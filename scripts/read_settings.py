"""Fills in a file of settings for systemd: ``vault:NAME`` is that secret of Azure Key Vault.

    read_settings.py /etc/vestlus/settings.env /run/vestlus/settings.env

The vault is that of ``KEY_VAULT_URL`` in the same file, and the machine's managed identity is who
asks ("How to use managed identities on an Azure VM to acquire an access token", "Get Secret"). What
is written can be read by nobody but its owner, and lies in memory where /run does. With nothing but
Python's standard library: it runs before the service.
"""

from __future__ import annotations

import functools
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

#: The machine's own metadata, which only it reaches.
METADATA: Final = "http://169.254.169.254/metadata/identity/oauth2/token"

_VAULT: Final = "https://vault.azure.net"
_SECONDS: Final = 10
#: A machine that starts may be asked before its identity is there.
_TRIES: Final = 6
_BETWEEN_SECONDS: Final = 5.0

Fetch = Callable[[str, Mapping[str, str]], Any]


class NotReadError(Exception):
    """The vault or the identity does not give it. The message names no value."""


def fetched(address: str, headers: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON
    """What is at an address. Raises OSError and ValueError."""
    request = urllib.request.Request(address, headers=dict(headers))  # noqa: S310 - http or https
    with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
        return json.load(answer)


def filled(text: str, fetch: Fetch, pause: Callable[[float], None] = time.sleep) -> str:
    """The lines of a settings file with its secrets. Raises NotReadError.

    Comments and empty lines are left out, and so are settings without a value.
    """
    settings: dict[str, str] = {}
    for line in text.splitlines():
        name, given, value = line.strip().partition("=")
        if given and value and not name.startswith("#"):
            settings[name] = value
    vault = settings.pop("KEY_VAULT_URL", "").rstrip("/")
    wanted = {name: value for name, value in settings.items() if value.startswith("vault:")}
    if wanted and not vault:
        raise NotReadError("KEY_VAULT_URL is not set, and secrets are to come from there")
    if wanted:
        token = _patiently(lambda: _token(fetch), "the machine's identity", pause)
        for name, value in wanted.items():
            read = functools.partial(_secret, fetch, vault, value.removeprefix("vault:"), token)
            settings[name] = _patiently(read, name, pause)
    return "".join(f"{name}={_quoted(name, value)}\n" for name, value in settings.items())


def _token(fetch: Fetch) -> str:
    query = urllib.parse.urlencode({"api-version": "2018-02-01", "resource": _VAULT})
    return str(fetch(f"{METADATA}?{query}", {"Metadata": "true"})["access_token"])


def _secret(fetch: Fetch, vault: str, name: str, token: str) -> str:
    address = f"{vault}/secrets/{urllib.parse.quote(name)}?api-version=7.4"
    return str(fetch(address, {"Authorization": f"Bearer {token}"})["value"])


def _patiently(read: Callable[[], str], what: str, pause: Callable[[float], None]) -> str:
    problem = ""
    for attempt in range(_TRIES):
        if attempt:
            pause(_BETWEEN_SECONDS)
        try:
            return read()
        except urllib.error.HTTPError as error:
            problem = f"status {error.code}"
        except (OSError, ValueError, KeyError) as error:
            problem = type(error).__name__
    raise NotReadError(f"{what} cannot be read: {problem}")


def _quoted(name: str, value: str) -> str:
    """As systemd reads it back: what is in single quotes is taken as it is."""
    if "\n" in value or "'" in value:
        raise NotReadError(f"{name}: has a line's end or a quote in it, which settings cannot have")
    return value if value.startswith(("'", '"')) else f"'{value}'"


def main() -> int:
    """The command; 1 where something is not read, with the reason."""
    source, target = map(Path, sys.argv[1:])
    try:
        text = filled(source.read_text("utf-8"), fetched)
    except (OSError, NotReadError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
