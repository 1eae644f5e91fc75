"""Whether two processes run with the same settings, without showing them."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import SecretStr

from vestlus.settings import Settings


def digest_of(settings: Settings) -> str:
    """Tells settings apart without showing them. The same in every process that has the same.

    Pickling them would not do: sets have another order in each process.
    """
    words = json.dumps(settings.model_dump(mode="python"), sort_keys=True, default=_plain)
    return hashlib.sha256(words.encode()).hexdigest()


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever settings hold
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    return f"{type(value).__name__} {value}"
