"""All that is looked at, in one go."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests import shipped
from tests.deploying import (
    addresses,
    admitted,
    alerts,
    azure,
    backups,
    commands,
    doors,
    everywhere,
    flows,
    gateways,
    identity,
    image,
    kustomized,
    lasting,
    launcher,
    machine,
    names,
    outside,
    plugin,
    pooled,
    probes,
    rays_options,
    references,
    restoring,
    rights,
    room,
    safety,
    schemas,
    serving,
    supplied,
    watching,
)
from tests.deploying.findings import Finding
from tests.deploying.objects import Objects, named
from tests.scripts_loaded import ROOT

#: Where the definitions of operators' kinds lie, if VESTLUS_CRD_DIR does not say it.
BESIDE: Final = ROOT.parent / "shared/schemas/crds"

_GATEWAYS: Final = "optional/gateway-api"

#: What is looked for in the objects by themselves.
LOOKS: Final = (
    names.check,
    references.check,
    gateways.check,
    supplied.check,
    addresses.check,
    identity.check,
    azure.check,
    flows.check,
    outside.check,
    admitted.check,
    probes.check,
    lasting.check,
    serving.check,
    watching.check,
    everywhere.check,
    rights.check,
    pooled.check,
    rays_options.check,
)


def definitions_folder() -> Path | None:
    """The folder of CustomResourceDefinitions, if there is one."""
    named = os.environ.get("VESTLUS_CRD_DIR")
    folder = Path(named) if named else BESIDE
    return folder if folder.is_dir() else None


def of_objects(objects: Objects, root: Path, definitions: schemas.Definitions) -> Iterator[Finding]:
    """Of what is applied to Kubernetes; where something has not its form, that only."""
    misshapen = list(schemas.check(objects, definitions))
    yield from misshapen
    if misshapen:
        # What has not its form cannot be asked what it means.
        return
    yield from meant(objects, root)


def meant(objects: Objects, root: Path) -> Iterator[Finding]:
    """Of what has its form."""
    for look in LOOKS:
        yield from look(objects)
    yield from doors.check(objects, azure.internal_classes(root))
    yield from safety.check(objects, safety.project_version(root))
    yield from alerts.check(root, objects)


def of_files(root: Path) -> Iterator[Finding]:
    """Of everything else."""
    yield from launcher.check_cluster(root)
    yield from image.check_image(root)
    yield from image.check_compose(root)
    yield from machine.check_machine(root)
    yield from watching.check_files(root)


def of_ports(root: Path) -> Iterator[Finding]:
    """Of every file of the repository that opens anything."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    names = [name for name in listed.stdout.split("\0") if name and (root / name).is_file()]
    for line in shipped.findings(root, names):
        where, _, what = line.partition(": ")
        yield Finding("public", where, what)


def of_overlays(root: Path, definitions: schemas.Definitions) -> Iterator[Finding]:
    """Of each overlay that is there, and of what is restored into those that are shipped."""
    yield from kustomized.check(root)
    whole = True
    for overlay in kustomized.overlays(root):
        if not kustomized.place(root, overlay).exists():
            # Told already: it is not what its sources say.
            whole = False
            continue
        objects = kustomized.kept(root, overlay)
        found = list(of_objects(objects, root, definitions))
        for one in found:
            yield Finding(one.rule, f"{overlay}: {one.where}", one.what)
        if any(one.rule == "schema" for one in found):
            # What has not its form can neither be added up nor restored.
            whole = False
        else:
            yield from room.check(root, objects, overlay)
            yield from commands.check(root, objects)
    if whole:
        yield from restoring.check(root, definitions)
        yield from of_gateways(root)
        found = list(of_plugin(root, definitions))
        yield from found
        if not any(one.rule == "rendering" for one in found):
            yield from backups.check(root)


def with_gateways(objects: Objects, root: Path) -> Objects:
    """An overlay whose ways in are by Gateway API, without what the patch there takes away."""
    gone = {named(one) for one in azure.beside(root, _GATEWAYS, deleting=True)}
    kept = [one for one in objects if named(one) not in gone]
    return [*kept, *azure.beside(root, _GATEWAYS)]


def of_plugin(root: Path, definitions: schemas.Definitions) -> Iterator[Finding]:
    """Of the overlay ``small`` with the plugin that makes backups."""
    try:
        objects = plugin.with_plugin(kustomized.kept(root, "small"), root)
    except LookupError as error:
        yield Finding("rendering", plugin.FOLDER, f"patches what is not there: {error}")
        return
    for one in (*plugin.check(objects, root, definitions), *meant(objects, root)):
        yield Finding(one.rule, f"{plugin.FOLDER}: {one.where}", one.what)


def of_gateways(root: Path) -> Iterator[Finding]:
    """Of what is shipped, with those. Their form is compared where there are definitions of it."""
    for overlay in kustomized.SHIPPED:
        for one in meant(with_gateways(kustomized.kept(root, overlay), root), root):
            yield Finding(one.rule, f"{_GATEWAYS}, {overlay}: {one.where}", one.what)


def everything(root: Path, definitions: schemas.Definitions) -> Iterator[Finding]:
    """All of it."""
    yield from of_overlays(root, definitions)
    yield from azure.check_beside(root, definitions)
    yield from of_files(root)
    yield from of_ports(root)
