"""Whether addresses in the environment are of what is encrypted, and the files there that they
name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from tests.deploying.findings import Finding
from tests.deploying.objects import Objects, Pods, config_maps, pods, secrets
from tests.deploying.supplied import environment

#: What libpq understands, and of it what never speaks in the open.
_SAFE: Final = frozenset({"require", "verify-ca", "verify-full"})

#: Parameters of addresses that are files.
_FILES: Final = ("cafile", "certfile", "keyfile", "sslrootcert", "sslcert", "sslkey")


def check(objects: Objects) -> Iterator[Finding]:
    """A finding for each that is not."""
    for one in pods(objects):
        if not one.ours:
            continue
        given = environment(one, objects)
        wanted = {name: [given[name]] for name in ("VESTLUS_CONFIG",) if name in given}
        for name in ("VESTLUS_BUS_URL", "VESTLUS_DATABASE_URL"):
            parts = urlsplit(given.get(name, ""))
            query = parse_qs(parts.query)
            wanted[name] = [file for word in _FILES for file in query.get(word, [])]
            # Others' certificates are known to everybody, those of what is in the cluster are not.
            if ".svc" in parts.netloc:
                yield from _encrypted(one.owner, name, parts.scheme, query)
        for name, files in wanted.items():
            for file in files:
                if not _mounted(one, PurePosixPath(file), objects):
                    yield Finding("volume", one.owner, f"{name}: nothing puts {file} there")


def _encrypted(
    where: str, name: str, scheme: str, query: Mapping[str, list[str]]
) -> Iterator[Finding]:
    if scheme.startswith("amqp"):
        if scheme != "amqps" or not query.get("cafile"):
            yield Finding("tls", where, f"{name}: is not amqps with the broker's cafile")
    elif not _SAFE & set(query.get("sslmode", [])):
        yield Finding("tls", where, f"{name}: does not ask for TLS: sslmode=require at least")


def mounts(one: Pods) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """What the first container mounts, each with its volume."""
    volumes = {volume["name"]: volume for volume in (one.spec or {}).get("volumes") or []}
    for mount in one.containers[0].get("volumeMounts") or []:
        yield mount, volumes.get(mount["name"], {})


def _mounted(one: Pods, file: PurePosixPath, objects: Objects) -> bool:
    """Whether a volume of the first container has it."""
    for mount, volume in mounts(one):
        place = PurePosixPath(mount["mountPath"])
        if mount.get("subPath"):
            if place == file:
                return True
        elif place in file.parents and str(file.relative_to(place)) in contents(volume, objects):
            return True
    return False


def contents(volume: Mapping[str, Any], objects: Objects) -> set[str]:
    """The files of a volume that comes of a map or of a secret."""
    sources = [volume, *((volume.get("projected") or {}).get("sources") or [])]
    found: set[str] = set()
    for source in sources:
        of_map, of_secret = source.get("configMap") or {}, source.get("secret") or {}
        items = of_map.get("items") or of_secret.get("items")
        if items:
            found |= {str(item["path"]) for item in items}
        else:
            found |= set(config_maps(objects).get(of_map.get("name", ""), {}))
            secret = of_secret.get("secretName", of_secret.get("name", ""))
            found |= secrets(objects).get(secret, set())
    return found
