"""Whether pods and External Secrets get from Azure what they need, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.deploying.findings import Finding
from tests.deploying.objects import Objects, named, of_kind

_TENANT: Final = "azure.workload.identity/tenant-id"


def check(objects: Objects) -> Iterator[Finding]:
    """All of that."""
    yield from _stores(objects)


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
