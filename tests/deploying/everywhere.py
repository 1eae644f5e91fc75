"""Whether pods have what a single process does without: an address that others fetch from, a place
for pictures that all of them see, and the files that accounts name.
"""

from __future__ import annotations

import posixpath
import tomllib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from tests.deploying.addresses import contents, mounts
from tests.deploying.findings import Finding
from tests.deploying.gateways import routes
from tests.deploying.objects import Objects, Pods, of_kind, pods
from tests.deploying.supplied import environment, files_of, settings_of
from vestlus.settings import Settings


def check(objects: Objects) -> Iterator[Finding]:
    """A finding for each pod of the service that lacks one of them."""
    hosts = {
        str(rule.get("host"))
        for one in of_kind(objects, "Ingress")
        for rule in one["spec"].get("rules") or []
    }
    hosts |= {str(host) for one in routes(objects) for host in one["spec"].get("hostnames") or []}
    for one in pods(objects):
        settings = settings_of(one, objects) if one.ours and one.lasting else None
        # What cannot be read is told by who looks at settings.
        if settings is not None:
            yield from _public(one, settings, hosts)
            yield from _pictures(one, settings)
            yield from _named(one, objects)


def _public(one: Pods, settings: Settings, hosts: set[str]) -> Iterator[Finding]:
    if settings.public_url is None:
        what = "VESTLUS_PUBLIC_URL is not set: no picture is ever offered or sent"
        yield Finding("settings", one.owner, what)
        return
    parts = urlsplit(settings.public_url)
    if parts.scheme != "https":
        yield Finding("settings", one.owner, "VESTLUS_PUBLIC_URL is not https")
    if parts.hostname not in hosts:
        what = f"VESTLUS_PUBLIC_URL: nothing answers for {parts.hostname} from outside"
        yield Finding("settings", one.owner, what)


def _pictures(one: Pods, settings: Settings) -> Iterator[Finding]:
    """By default they are in the data folder: the pod that took one in has it, and is its end."""
    place = urlsplit(settings.media_url or "")
    if place.scheme in {"http", "https"}:
        return
    for mount, volume in mounts(one):
        shared = "persistentVolumeClaim" in volume or "csi" in volume
        if place.path and shared and PurePosixPath(place.path).is_relative_to(mount["mountPath"]):
            return
    what = "VESTLUS_MEDIA_URL names no place that all pods see: pictures stay in one, and die of it"
    yield Finding("settings", one.owner, what)


def _named(one: Pods, objects: Objects) -> Iterator[Finding]:
    """Personas and folders of knowledge: without them answers are of nobody, with a line in the
    log.
    """
    environ = environment(one, objects)
    config = PurePosixPath(environ.get("VESTLUS_CONFIG", "/"))
    text = files_of(one, objects, environ).get(config.name, "")
    accounts: list[dict[str, Any]] = tomllib.loads(text).get("accounts", [])
    for account in accounts:
        for key in ("persona", "knowledge"):
            if isinstance(account.get(key), str):
                place = PurePosixPath(posixpath.normpath(config.parent / account[key]))
                if not _there(one, place, objects):
                    what = f"{key} of the account {account.get('id')}: nothing puts {place} there"
                    yield Finding("volume", one.owner, what)


def _there(one: Pods, place: PurePosixPath, objects: Objects) -> bool:
    """Whether a volume has this file, or a file below it."""
    for mount, volume in mounts(one):
        at = PurePosixPath(mount["mountPath"])
        if mount.get("subPath"):
            files = {at}
        elif "configMap" in volume or "secret" in volume or "projected" in volume:
            files = {at / name for name in contents(volume, objects)}
        else:
            # What is on a disk, nobody knows here.
            files = {place} if place.is_relative_to(at) and "emptyDir" not in volume else set()
        if any(file.is_relative_to(place) for file in files):
            return True
    return False
