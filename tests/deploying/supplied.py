"""Whether what is deployed would start: its environment and files are read as the service reads
them, with something made up in the place of each secret.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from tests.deploying.findings import Finding
from tests.deploying.objects import Objects, Pods, config_maps, pods, secrets
from tests.deploying.rays_names import unknown
from vestlus.errors import SettingsError
from vestlus.settings import Mode, Settings, load_settings

_MADE_UP: Final = "made-up-" * 6

#: Secrets that have a form.
_FORMS: Final[Mapping[str, str]] = {
    "VESTLUS_EVENT_TOKENS": f"portal={_MADE_UP}",
    "VESTLUS_DATABASE_URL": "postgresql://a:b@database.example.org:6432/c?pooler=transaction",
    "VESTLUS_BUS_URL": "amqps://a:b@broker.example.org:5671/",
    "VESTLUS_SMTP_URL": "smtp://a:b@mail.example.org:587",
}

#: In the place of what only an operator has.
OPERATORS: Final = {
    "VESTLUS_APP_SECRETS": "made-up",
    "VESTLUS_VERIFY_TOKEN": "made-up",
    "VESTLUS_OPERATOR_TOKEN": _MADE_UP,
    "VESTLUS_ENCRYPTION_KEY": _MADE_UP,
    "OPENAI_API_KEY": "made-up",
}

#: In the place of what a file of settings on a machine has, or the vault.
OF_A_MACHINE: Final = {
    **OPERATORS,
    "VESTLUS_BUS_URL": "amqps://a:b@broker.example.org:5671/",
    "VESTLUS_DATABASE_URL": "postgresql://a:b@database.example.org:5432/c",
}

#: What Ray Serve must be told where HAProxy is its ingress: without the second it is slow, and
#: without the third what replicas log is nowhere.
_FLAGS: Final = (
    "RAY_SERVE_ENABLE_HA_PROXY",
    "RAY_SERVE_THROUGHPUT_OPTIMIZED",
    "RAY_SERVE_LOG_TO_STDERR",
)


def environment(one: Pods, objects: Objects) -> dict[str, str]:
    """What a pod's first container finds in its environment."""
    found: dict[str, str] = {}
    maps, known = config_maps(objects), secrets(objects)
    container = one.containers[0]
    for source in container.get("envFrom") or []:
        found |= maps.get((source.get("configMapRef") or {}).get("name", ""), {})
        for key in known.get((source.get("secretRef") or {}).get("name", ""), set()):
            found[key] = _FORMS.get(key, _MADE_UP)
    for variable in container.get("env") or []:
        name = variable["name"]
        value = variable.get("value")
        if value is None:
            value = _FORMS.get(name, "made-up")
        # As Kubernetes does: of what was named before.
        found[name] = re.sub(r"\$\((\w+)\)", lambda at: found.get(at[1], at[0]), str(value))
    return found


def loaded(environ: Mapping[str, str], files: Mapping[str, str], mode: Mode) -> Settings:
    """The settings of an environment, beside whose configuration lie these files.

    Raises SettingsError.
    """
    found = _loaded(tuple(sorted(environ.items())), tuple(sorted(files.items())), mode)
    if isinstance(found, SettingsError):
        raise SettingsError(found.problems)
    return found


@functools.lru_cache(maxsize=64)
def _loaded(
    environ: tuple[tuple[str, str], ...], files: tuple[tuple[str, str], ...], mode: Mode
) -> Settings | SettingsError:
    """Kept: all pods of a deployment have the same."""
    try:
        return _read(dict(environ), dict(files), mode)
    except SettingsError as error:
        return error


def _read(environ: Mapping[str, str], files: Mapping[str, str], mode: Mode) -> Settings:
    with tempfile.TemporaryDirectory() as folder, _beside(Path(folder)):
        for name, text in files.items():
            Path(folder, name).write_text(text, "utf-8")
        own = {name: value for name, value in environ.items() if name != "VESTLUS_CONFIG"}
        if named := environ.get("VESTLUS_CONFIG"):
            own["VESTLUS_CONFIG"] = str(Path(folder, Path(named).name))
        return load_settings(own, mode=mode)


@contextlib.contextmanager
def _beside(folder: Path) -> Iterator[None]:
    """In another working folder, so that no vestlus.toml of ours is read."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def problems(
    where: str, environ: Mapping[str, str], files: Mapping[str, str], mode: Mode = Mode.SERVE
) -> Iterator[Finding]:
    """A finding for each setting that is unknown, wrong or missing."""
    try:
        loaded(environ, files, mode)
    except SettingsError as error:
        for problem in error.problems:
            yield Finding("settings", where, problem)


def settings_of(one: Pods, objects: Objects) -> Settings | None:
    """The settings of a pod, where they can be read."""
    environ = environment(one, objects)
    try:
        return loaded(environ, files_of(one, objects, environ), _mode(one))
    except SettingsError:
        return None


def _mode(one: Pods) -> Mode:
    """The service's own pods want all settings; Jobs want those of commands."""
    return Mode.SERVE if one.lasting else Mode.OPERATE


def check(objects: Objects) -> Iterator[Finding]:
    """Of every pod of the service."""
    for one in pods(objects):
        if not one.ours:
            continue
        environ = environment(one, objects)
        yield from problems(one.owner, environ, files_of(one, objects, environ), _mode(one))
        if one.lasting and environ.get("VESTLUS_INGRESS") == "haproxy":
            for name in _FLAGS:
                if environ.get(name) != "1":
                    yield Finding("ingress", one.owner, f"{name} is not 1, and HAProxy is wanted")
        if one.lasting and environ.get("RAY_USAGE_STATS_ENABLED") != "0":
            yield Finding("usage", one.owner, "Ray's usage statistics are not off")
        # Nobody shows a terminal what Ray's workers write: KubeRay starts the application without a
        # driver of ours ("Redirecting Ray logs to stderr" in Ray's "Configuring Logging").
        if one.lasting and environ.get("RAY_LOG_TO_STDERR") != "1":
            what = "the service's log is in files that are gone with the pod: RAY_LOG_TO_STDERR"
            yield Finding("logs", one.owner, what)
        yield from unknown(one.owner, environ)
        for name, value in environ.items():
            if "$(" in value:
                yield Finding("settings", one.owner, f"{name} refers to what comes later or never")


def files_of(one: Pods, objects: Objects, environ: Mapping[str, str]) -> Mapping[str, str]:
    """The files of the map that is mounted where VESTLUS_CONFIG is."""
    folder = str(Path(environ.get("VESTLUS_CONFIG", "/")).parent)
    volumes = {volume["name"]: volume for volume in (one.spec or {}).get("volumes") or []}
    for mount in one.containers[0].get("volumeMounts") or []:
        given = volumes.get(mount["name"], {}).get("configMap")
        if mount["mountPath"] == folder and given:
            return config_maps(objects).get(given["name"], {})
    return {}
