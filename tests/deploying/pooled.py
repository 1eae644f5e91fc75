"""Whether the pooler before PostgreSQL and the address by which the service asks it speak of one
mode, that of transactions (docs/settings.md, "Behind PgBouncer").
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qs, urlsplit

from tests.deploying.findings import Finding
from tests.deploying.objects import Objects, named, of_kind, pods
from tests.deploying.supplied import environment

_WANTED: Final = "transaction"

#: CloudNativePG's own, where none is said.
_DEFAULT: Final = "session"


def check(objects: Objects) -> Iterator[Finding]:
    """A finding for each pooler, and each address of one, that is of another mode."""
    names = set()
    for one in of_kind(objects, "Pooler"):
        names.add(one["metadata"]["name"])
        mode = one["spec"]["pgbouncer"].get("poolMode", _DEFAULT)
        if mode != _WANTED:
            what = (
                f"poolMode is {mode}: each connection of the service keeps one of PostgreSQL's for"
                f" itself, and limits of time are refused; it is to be {_WANTED}"
            )
            yield Finding("pooler", named(one), what)
    for some in pods(objects):
        if some.ours:
            address = urlsplit(environment(some, objects).get("VESTLUS_DATABASE_URL", ""))
            led = (address.hostname or "").partition(".")[0] in names
            if led and parse_qs(address.query).get("pooler") != [_WANTED]:
                what = f"VESTLUS_DATABASE_URL leads to a pooler and lacks pooler={_WANTED}"
                yield Finding("pooler", some.owner, what)
