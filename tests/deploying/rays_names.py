"""Whether Ray has a variable of a name: a misspelt one is as good as none, without a word."""

from __future__ import annotations

import functools
import mmap
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import ray

from tests.deploying.findings import Finding

#: Where it reads them: its own settings, Serve's, and what its processes in C++ are told.
_SOURCES: Final = (
    "serve/_private/constants.py",
    "_private/ray_constants.py",
    "_common/usage/usage_constants.py",
    "_raylet.so",
)


def unknown(where: str, names: Iterable[str]) -> Iterator[Finding]:
    """A finding for each ``RAY_…`` that the locked version does not read."""
    for name in dict.fromkeys(names):
        if name.startswith("RAY_") and not known(name):
            yield Finding("settings", where, f"Ray has no {name}")


@functools.cache
def known(name: str) -> bool:
    """Whether that word is anywhere in them."""
    folder = Path(ray.__file__).parent
    for source in _SOURCES:
        with (
            (folder / source).open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
        ):
            at = content.find(name.encode())
            while at >= 0:
                around = content[at - 1 : at], content[at + len(name) : at + len(name) + 1]
                if not any(re.match(rb"\w", one) for one in around):
                    return True
                at = content.find(name.encode(), at + 1)
    return False
