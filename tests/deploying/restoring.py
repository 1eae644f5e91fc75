"""Whether what a restore needs fits what is restored: ``deploy/aks/restore``.

Applied by hand, each at its time, so it is in no overlay. Patches are applied here as kubectl does.
"""

from __future__ import annotations

import copy
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from tests.deploying import kustomized, schemas
from tests.deploying.findings import Finding
from tests.deploying.objects import Object, Objects, matches, named, of_kind

FOLDER: Final = Path("deploy/aks/restore")

#: What goes into an overlay, or is made of one.
_OPTIONAL: Final = Path("deploy/aks/optional")

#: The folder of the Job for each overlay, with the patches that come on top of the first.
_JOBS: Final = {"production": ("job", ()), "small": ("job-small", ("job-small/database.yaml",))}


def check(root: Path, definitions: schemas.Definitions) -> Iterator[Finding]:
    """All of that."""
    yield from _built(root)
    for overlay, (folder, patches) in _JOBS.items():
        objects = kustomized.kept(root, overlay)
        (job,) = _read(root, "job/job.yaml")
        for patch in patches:
            job = patched(job, _read(root, patch)[0])
        yield from _told(f"restore/{folder}", schemas.check([job], definitions))
        yield from _told(f"restore/{folder}", _job(job, objects))
        (service,) = of_kind(objects, "RayService")
        service = patched(service, _read(root, f"{overlay}/service.yaml")[0])
        if service["metadata"]["labels"].get("vestlus/restore") != "last":
            what = "nothing can be applied without it: it has no label"
            yield Finding("restoring", f"restore/{overlay}: {named(service)}", what)
    (before,) = of_kind(kustomized.kept(root, "small"), "Cluster")
    after = patched(before, _read(root, "small/recovery.yaml")[0])
    yield from _told("restore/small", schemas.check([after], definitions))
    yield from _told("restore/small", _cluster(before, after))


def patched(one: Object, operations: list[dict[str, Any]]) -> dict[str, Any]:
    """An object after the operations ``add``, ``replace``, ``remove`` of a JSON patch (RFC 6902).

    Raises LookupError where a place is not there.
    """
    found: dict[str, Any] = copy.deepcopy(dict(one))
    for each in operations:
        *way, last = each["path"].strip("/").split("/")
        at: Any = found
        for word in way:
            at = at[int(word)] if isinstance(at, list) else at[word]
        if isinstance(at, list) and each["op"] == "add":
            at.insert(int(last), each["value"])
            continue
        key: Any = int(last) if isinstance(at, list) else last
        if each["op"] != "add" and not isinstance(at, list) and key not in at:
            raise LookupError(each["path"])
        if each["op"] == "remove":
            del at[key]
        else:
            at[key] = each["value"]
    return found


def _read(root: Path, name: str) -> list[Any]:
    return list(yaml.load_all((root / FOLDER / name).read_text("utf-8"), schemas.Loader))


def _told(where: str, found: Iterator[Finding]) -> Iterator[Finding]:
    for one in found:
        yield Finding(one.rule, f"{where}: {one.where}", one.what)


def _built(root: Path) -> Iterator[Finding]:
    """Whether kubectl makes anything of it, where there is one."""
    program = kustomized.kubectl()
    folders = (root / FOLDER, root / _OPTIONAL)
    files = [file for folder in folders for file in sorted(folder.rglob("kustomization.yaml"))]
    for file in files if program else ():
        done = subprocess.run(
            [str(program), "kustomize", str(file.parent)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            where = str(file.parent.relative_to(root))
            yield Finding("rendering", where, done.stderr.strip()[-500:])


def _job(job: Object, objects: Objects) -> Iterator[Finding]:
    """It must have what the head has, and be chosen by nothing but the policies of both."""
    template = job["spec"]["template"]
    labels = template["metadata"]["labels"]
    (own,) = template["spec"]["containers"]
    if own.get("command") != ["vestlus", "restored"]:
        yield Finding("restoring", named(job), "does not run `vestlus restored`")
    if "VESTLUS_DATABASE_URL" not in {one["name"] for one in own["env"]}:
        yield Finding("restoring", named(job), "knows no database")
    (ray,) = of_kind(objects, "RayService")
    for what in _unlike(template, ray["spec"]["rayClusterConfig"]["headGroupSpec"]["template"]):
        yield Finding("restoring", named(job), f"{what} is not that of the service's pods")
    if not matches({"app.kubernetes.io/part-of": "vestlus"}, labels):
        yield Finding("restoring", named(job), "no policy lets it reach the database")
    for some in of_kind(objects, "Service", "PodDisruptionBudget"):
        if matches(some["spec"]["selector"], labels):
            yield Finding("restoring", named(job), f"is chosen by {named(some)}")


def _unlike(template: Object, head: Object) -> Iterator[str]:
    """What of a pod is not as in the head's, although it must be."""
    (own,), (theirs,) = template["spec"]["containers"], head["spec"]["containers"]
    for name in ("image", "envFrom", "securityContext"):
        if own.get(name) != theirs.get(name):
            yield name
    for name in ("securityContext", "enableServiceLinks"):
        if template["spec"].get(name) != head["spec"].get(name):
            yield name
    known = {one["name"]: one for one in theirs["env"]}
    yield from (one["name"] for one in own["env"] if known.get(one["name"]) != one)
    files = [one for one in own["volumeMounts"] if one["name"] == "files"]
    if not files or files[0] not in theirs["volumeMounts"]:
        yield "the place of vestlus.toml"


def _cluster(before: Object, after: Object) -> Iterator[Finding]:
    """It must read where it wrote, write where nothing is, and be called as before."""
    where, spec = named(after), after["spec"]
    recovery, first = spec["bootstrap"].get("recovery") or {}, before["spec"]["bootstrap"]["initdb"]
    sources = {one["name"]: one["barmanObjectStore"] for one in spec.get("externalClusters") or []}
    read = sources.get(recovery.get("source"))
    written = spec["backup"]["barmanObjectStore"]
    if read is None:
        yield Finding("restoring", where, "is made of no backup")
        return
    for name in ("destinationPath", "azureCredentials"):
        if read.get(name) != before["spec"]["backup"]["barmanObjectStore"].get(name):
            yield Finding("restoring", where, f"{name} is not where the backups are")
    name = after["metadata"]["name"]
    if read.get("serverName", name) == written.get("serverName", name):
        yield Finding("restoring", where, "would write its log over the one that it reads")
    for key in ("database", "owner"):
        if recovery.get(key) != first[key]:
            yield Finding("restoring", where, f"the {key} is not {first[key]}")
