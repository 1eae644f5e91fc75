"""Whether ``ray start`` takes the options that it is given: asked of its own command line, which
refuses what it does not know and starts nothing.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import click
from ray.scripts.scripts import start

from tests.deploying.findings import Finding
from tests.deploying.objects import Objects, named, of_kind

#: Options that KubeRay hands on with their word where it is true or false; others are flags
#: (``convertParamMap`` in its ``pod.go``).
_WITH_WORD: Final = frozenset({"log-color", "include-dashboard"})


def refused(where: str, words: Sequence[str]) -> Iterator[Finding]:
    """A finding where Ray does not start with these words of a command line."""
    try:
        start.make_context("ray start", list(words))
    except click.ClickException as error:
        yield Finding("options", where, f"ray start: {error.format_message()}")


def check(objects: Objects) -> Iterator[Finding]:
    """Of every group of pods of a RayService."""
    for one in of_kind(objects, "RayService"):
        cluster = one["spec"]["rayClusterConfig"]
        for group in [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]:
            where = f"{named(one)}, {group.get('groupName', 'head')}"
            try:
                words = list(_words(group.get("rayStartParams") or {}))
            except ValueError as error:
                yield Finding("options", where, f"rayStartParams: {error}")
            else:
                yield from refused(where, words)


def _words(given: Mapping[str, Any]) -> Iterator[str]:
    """What KubeRay makes of the parameters, as its shell reads it. Raises ValueError."""
    for name, value in given.items():
        if str(value).lower() in {"true", "false"} and name not in _WITH_WORD:
            if str(value).lower() == "true":
                yield f"--{name}"
        else:
            yield from shlex.split(f"--{name}={value}")
