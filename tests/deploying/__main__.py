"""``python -m tests.deploying``: ``check`` and ``render`` are two targets of the Makefile."""

from __future__ import annotations

import sys

from tests.deploying import alerts, everything, kustomized, schemas
from tests.scripts_loaded import ROOT


def check() -> int:
    """Prints what is wrong; 1 where anything is, 2 where it cannot be looked at."""
    folder = everything.definitions_folder()
    definitions = schemas.Definitions(folder)
    if not definitions.there:
        sys.stderr.write(
            "check-deploy: no CustomResourceDefinitions: VESTLUS_CRD_DIR names the folder with "
            "those of the operators\n(docs/operations.md says where they are from)\n"
        )
        return 2
    if kustomized.kubectl() is None:
        sys.stdout.write(
            "kubectl is not installed: looking at deploy/aks/rendered, whose digest must be that "
            "of its sources\n"
        )
    found = list(everything.everything(ROOT, definitions))
    for one in found:
        sys.stdout.write(f"{one}\n")
    sys.stdout.write(f"{len(found)} to mend\n" if found else "nothing to mend\n")
    return 1 if found else 0


def render() -> int:
    """Writes what is made of other files."""
    program = kustomized.kubectl()
    if program is None:
        sys.stderr.write("manifests: kubectl is not installed\n")
        return 2
    alerts.write(ROOT)
    kustomized.render(ROOT, program)
    return 0


if __name__ == "__main__":
    sys.exit({"check": check, "render": render}[sys.argv[1]]())
