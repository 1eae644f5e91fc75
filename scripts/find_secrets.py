"""Looks for secrets in what is in the repository: a part of ``make check``.

detect-secrets does the looking. In the product's own code all of its detectors are on; what they
find there and is none is in ``.secrets.baseline``, and ``docs/security.md`` says of each file why.
In tests, examples, benchmarks and documentation, where secrets are made up and are meant to look
like some, those detectors are on that know a provider's own format (OpenAI, Meta, Azure, GitHub, a
private key, a JSON web token and a few more): made-up values do not have it.

A file that was found clean is not read again until it, this program or the detectors change.

    find_secrets.py              says what is new; exit status 1 where something is
    find_secrets.py --accept     writes the baseline anew: look at the difference before you commit
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from detect_secrets.core import baseline
from detect_secrets.core.potential_secret import PotentialSecret
from detect_secrets.core.scan import scan_file
from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import transient_settings

BASELINE: Final = Path(".secrets.baseline")

#: Digests of files that were found clean; not in the repository.
CLEAN: Final = Path(".secrets_clean.json")

#: Guess by a word beside the value, by its randomness, or by an address with a password.
GUESSING: Final = frozenset(
    {
        "Base64HighEntropyString",
        "BasicAuthDetector",
        "HexHighEntropyString",
        "IPPublicDetector",
        "KeywordDetector",
    }
)

#: Know a format of their own, of providers whose secrets the service or its makers have.
KNOWING: Final = (
    "AWSKeyDetector",
    "AzureStorageKeyDetector",
    "GitHubTokenDetector",
    "GitLabTokenDetector",
    "JwtTokenDetector",
    "OpenAIDetector",
    "PrivateKeyDetector",
    "PypiTokenDetector",
    "SlackDetector",
)

#: Where values are made up.
MADE_UP: Final = ("tests/", "docs/", "examples/", "benchmarks/", "README.md", "CHANGELOG.md")

#: Locks, which hold digests by the thousand; `scripts/lock` writes them.
PASSED_OVER: Final = ("requirements/", BASELINE.name)

#: Folders that are not looked into where there is no Git to ask.
_GENERATED: Final = frozenset({"var", "build", "dist", "__pycache__"})


def meta_detector() -> str:
    """Where the detector of Meta's tokens is, as detect-secrets takes it."""
    return (Path(__file__).parent / "meta_tokens.py").absolute().as_uri()


def settings_for(path: str) -> dict[str, Any]:
    """What is looked for in that file."""
    guessing: list[dict[str, Any]] = []
    if not path.startswith(MADE_UP):
        guessing = [{"name": name} for name in sorted(GUESSING)]
        for one in guessing:
            if one["name"].endswith("EntropyString"):
                one["limit"] = 4.5 if one["name"].startswith("Base64") else 3.0
    return {
        "plugins_used": [
            *guessing,
            *({"name": name} for name in KNOWING),
            {"name": "MetaTokenDetector", "path": meta_detector()},
        ],
        "filters_used": [
            {"path": f"detect_secrets.filters.heuristic.{name}"}
            for name in (
                "is_indirect_reference",
                "is_likely_id_string",
                "is_not_alphanumeric_string",
                "is_potential_uuid",
                "is_prefixed_with_dollar_sign",
                "is_sequential_string",
                "is_templated_secret",
            )
        ]
        + [{"path": "detect_secrets.filters.allowlist.is_line_allowlisted"}],
    }


def files() -> list[str]:
    """All that is, or may come to be, in the repository."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, capture_output=True, check=True, text=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        # A copy without its history.
        names = [
            path.as_posix()
            for path in Path().rglob("*")
            if not any(part.startswith(".") or part in _GENERATED for part in path.parts)
        ]
    else:
        names = listed.stdout.split("\0")
    return sorted(
        name
        for name in set(names)
        if name and not name.startswith(PASSED_OVER) and Path(name).is_file()
    )


def looked_into(path: str) -> list[PotentialSecret]:
    """What is found in one file."""
    with transient_settings(settings_for(path)):
        return list(scan_file(path))


def _digests(paths: Iterable[str]) -> dict[str, str]:
    own = [Path(__file__), Path(__file__).parent / "meta_tokens.py"]
    program = b"".join(path.read_bytes() for path in own) + version("detect-secrets").encode()
    return {
        path: hashlib.sha256(
            b"\0".join((program, path.encode(), Path(path).read_bytes()))
        ).hexdigest()
        for path in paths
    }


def found() -> SecretsCollection:
    """What is found in all files."""
    digests = _digests(files())
    known: set[str] = set(json.loads(CLEAN.read_text())) if CLEAN.is_file() else set()
    new = [path for path, digest in digests.items() if digest not in known]
    secrets = SecretsCollection()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for path, here in zip(new, pool.map(looked_into, new, chunksize=16), strict=True):
            for secret in here:
                secrets[path].add(secret)
            if not here:
                known.add(digests[path])
    CLEAN.write_text(json.dumps(sorted(known & set(digests.values()))))
    return secrets


def main(arguments: list[str]) -> int:
    """See the module."""
    secrets = found()
    if "--accept" in arguments:
        with transient_settings(settings_for("")):
            written = baseline.format_for_output(secrets)
        # Neither when nor where it was written, so that nothing changes but what was found.
        del written["generated_at"], written["plugins_used"], written["filters_used"]
        for entries in written["results"].values():
            for entry in entries:
                entry["is_secret"] = False
                # Lines move; a secret is known by its digest.
                del entry["line_number"]
        BASELINE.write_text(json.dumps(written, indent=2) + "\n")
        print(f"{BASELINE}: {sum(map(len, written['results'].values()))} accepted")  # noqa: T201
        return 0
    accepted = _accepted()
    new = [one for _, one in secrets if (one.filename, one.type, one.secret_hash) not in accepted]
    for one in sorted(new, key=lambda secret: (secret.filename, secret.line_number)):
        print(f"{one.filename}:{one.line_number}: {one.type}")  # noqa: T201 - never the value
    if new:
        print(  # noqa: T201
            'Secrets do not belong into the repository: docs/security.md, "Secrets in the code".'
        )
    return 1 if new else 0


def _accepted() -> set[tuple[str, str, str]]:
    if not BASELINE.is_file():
        return set()
    results = json.loads(BASELINE.read_text())["results"]
    return {
        (path, entry["type"], entry["hashed_secret"])
        for path, entries in results.items()
        for entry in entries
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
