"""Whether who reads Key Vault and Blob Storage has an identity there: Azure's workload identity
("Use Microsoft Entra Workload ID with AKS") wants a label on the pod and a service account whose
annotation names the managed identity.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from tests.deploying.findings import Finding
from tests.deploying.objects import Objects, named, of_kind, pods
from tests.deploying.supplied import environment

_CLIENT: Final = "azure.workload.identity/client-id"
_USE: Final = "azure.workload.identity/use"
_BLOBS: Final = ".blob.core.windows.net"


def check(objects: Objects) -> Iterator[Finding]:
    """A finding for each who has none."""
    known = {
        str(one["metadata"]["name"])
        for one in of_kind(objects, "ServiceAccount")
        if _client(one["metadata"])
    }
    for some in pods(objects):
        used = some.labels.get(_USE) == "true"
        if some.role == "worker" and not used and _stores_pictures(environment(some, objects)):
            yield Finding("identity", some.owner, f"reads no pictures: lacks the label {_USE}")
        if used and some.spec is not None and some.spec.get("serviceAccountName") not in known:
            yield Finding("identity", some.owner, f"its service account names no {_CLIENT}")
    for one in of_kind(objects, "SecretStore", "ClusterSecretStore"):
        vault = (one["spec"].get("provider") or {}).get("azurekv") or {}
        account = (vault.get("serviceAccountRef") or {}).get("name")
        if vault.get("authType") == "WorkloadIdentity" and account not in known:
            yield Finding("identity", named(one), f"its service account names no {_CLIENT}")
    stores = {str(one["metadata"]["name"]): one["spec"] for one in of_kind(objects, "ObjectStore")}
    for one in of_kind(objects, "Cluster"):
        built_in = (one["spec"].get("backup") or {}).get("barmanObjectStore") or {}
        named_stores = [
            stores.get(str((plugin.get("parameters") or {}).get("barmanObjectName")), {})
            for plugin in one["spec"].get("plugins") or []
        ]
        places = [built_in, *(store.get("configuration") or {} for store in named_stores)]
        if any((place.get("azureCredentials") or {}).get("inheritFromAzureAD") for place in places):
            template = (one["spec"].get("serviceAccountTemplate") or {}).get("metadata") or {}
            labels = (one["spec"].get("inheritedMetadata") or {}).get("labels") or {}
            if not _client(template) or labels.get(_USE) != "true":
                yield Finding("identity", named(one), "has none to write its backups with")


def _client(metadata: Mapping[str, Any]) -> bool:
    return bool((metadata.get("annotations") or {}).get(_CLIENT))


def _stores_pictures(given: Mapping[str, str]) -> bool:
    """Whether they are in Blob Storage, and not reached by a signature in the address."""
    parts = urlsplit(given.get("VESTLUS_MEDIA_URL", ""))
    return (parts.hostname or "").endswith(_BLOBS) and "sig=" not in parts.query
