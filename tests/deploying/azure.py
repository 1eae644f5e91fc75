"""Whether pods and External Secrets get from Azure and Kubernetes what they need, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import yaml

from tests.deploying import rights, schemas
from tests.deploying.findings import Finding
from tests.deploying.objects import Object, Objects, named, of_kind

_TENANT: Final = "azure.workload.identity/tenant-id"
_INTERNAL: Final = "service.beta.kubernetes.io/azure-load-balancer-internal"
_CONTROLLER: Final = "NginxIngressController"
_LOG: Final = "nginx.ingress.kubernetes.io/enable-access-log"


def check(objects: Objects) -> Iterator[Finding]:
    """All of that."""
    yield from _stores(objects)
    yield from _accounts(objects)
    yield from _classes(objects)


def _stores(objects: Objects) -> Iterator[Finding]:
    """External Secrets refuses a store that names a service account and no tenant
    (``buildWorkloadIdentityCredential`` in its ``keyvault_new_sdk.go``).
    """
    accounts = {one["metadata"]["name"]: one for one in of_kind(objects, "ServiceAccount")}
    for one in of_kind(objects, "SecretStore"):
        vault = one["spec"]["provider"].get("azurekv") or {}
        account = accounts.get((vault.get("serviceAccountRef") or {}).get("name"))
        annotations = account["metadata"].get("annotations") or {} if account else {}
        if not vault.get("tenantId") and _TENANT not in annotations:
            yield Finding("identity", named(one), "says no tenant, neither does its account")


def _accounts(objects: Objects) -> Iterator[Finding]:
    """KubeRay lets the head's service account change Ray clusters and pods (``BuildRole`` in its
    ``rbac.go``), and External Secrets' reads the vault: neither is that of pods which take in what
    comes from outside, and these have no token for Kubernetes.
    """
    readers = {
        (one["spec"]["provider"].get("azurekv") or {}).get("serviceAccountRef", {}).get("name")
        for one in of_kind(objects, "SecretStore")
    }
    for one in of_kind(objects, "RayService"):
        cluster = one["spec"]["rayClusterConfig"]
        head = cluster["headGroupSpec"]["template"]["spec"].get("serviceAccountName")
        for group in [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]:
            where = f"{named(one)}, {group.get('groupName', 'head')}"
            spec = group["template"]["spec"]
            account = spec.get("serviceAccountName")
            if account in readers:
                yield Finding("identity", where, "may read every secret of the vault")
            if "groupName" in group and account == head:
                yield Finding("identity", where, "may do what the head's autoscaler may do")
            if "groupName" in group and spec.get("automountServiceAccountToken") is not False:
                yield Finding("identity", where, "has a token for Kubernetes")


def beside(root: Path, folder: str, *, deleting: bool = False) -> list[Object]:
    """The objects of a folder of ``deploy/aks`` that is in no overlay, kustomizations apart; or
    those that patches in it take away.
    """
    read = [
        one
        for file in sorted((root / "deploy/aks" / folder).rglob("*.y*ml"))
        for one in yaml.safe_load_all(file.read_text("utf-8"))
        # Lists are patches.
        if isinstance(one, dict)
    ]
    made = [one for one in read if one.get("kind", "Kustomization") != "Kustomization"]
    return [one for one in made if (one.get("$patch") == "delete") is deleting]


def internal_classes(root: Path) -> frozenset[str]:
    """Classes of ingress of the controllers in ``deploy/aks/cluster`` whose load balancer has an
    address of the own network only.
    """
    specs = [one.get("spec") or {} for one in of_kind(beside(root, "cluster"), _CONTROLLER)]
    return frozenset(
        str(spec.get("ingressClassName"))
        for spec in specs
        if (spec.get("loadBalancerAnnotations") or {}).get(_INTERNAL) == "true"
    )


def check_beside(root: Path, definitions: schemas.Definitions) -> Iterator[Finding]:
    """Whether what is applied beside an overlay has its form, and every controller is internal:
    the public one is Azure's own. Kinds of which the folder has no definition are let be.
    """
    for folder in ("cluster", "optional"):
        for one in beside(root, folder):
            group = str(one.get("apiVersion")).partition("/")[0]
            if schemas.defined(group) and not definitions.validator(one["apiVersion"], one["kind"]):
                continue
            for fault in (*schemas.check([one], definitions), *rights.check([one])):
                yield Finding(fault.rule, f"{folder}: {fault.where}", fault.what)
    known = internal_classes(root)
    for one in of_kind(beside(root, "cluster"), _CONTROLLER):
        if (one.get("spec") or {}).get("ingressClassName") not in known:
            yield Finding("public", f"cluster: {named(one)}", f'{_INTERNAL} is not "true"')


def _classes(objects: Objects) -> Iterator[Finding]:
    """The console's addresses have what operators search for in them."""
    for one in of_kind(objects, "Ingress"):
        paths = [path["path"] for rule in one["spec"]["rules"] for path in rule["http"]["paths"]]
        annotations = one["metadata"].get("annotations") or {}
        if "/console" in paths and annotations.get(_LOG) != "false":
            yield Finding("identity", named(one), "what operators search for gets into its log")
