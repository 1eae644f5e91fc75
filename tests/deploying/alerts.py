"""The alerts of ``deploy/monitoring`` as an object of the Prometheus operator."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from tests.deploying.findings import Finding
from tests.deploying.objects import Objects, named, of_kind

_ABOUT: Final = (
    "# Made by `make manifests` of deploy/monitoring/rules.yml; do not change it here.\n"
)

#: What there is on Kubernetes only: a target that is gone is not down, it is not there; and
#: CloudNativePG's own measures, of the instance that is the primary: where there is none of it, no
#: series. Never archived is -1 in them.
_KUBERNETES: Final = {
    "name": "vestlus-kubernetes",
    "rules": [
        {
            "alert": "VestlusNotScraped",
            "expr": 'absent(up{job="vestlus"})',
            "for": "5m",
            "labels": {"severity": "critical"},
            "annotations": {
                "summary": "Prometheus finds no Vestlus to ask.",
                "action": "See whether Ray's head runs: kubectl get pods. Webhooks are taken in "
                "without it.",
                "runbook": "docs/operations.md#alerts",
            },
        },
        {
            "alert": "VestlusPostgresNotArchived",
            "expr": "cnpg_pg_stat_archiver_last_failed_time"
            " - cnpg_pg_stat_archiver_last_archived_time > 1"
            " and on (namespace, pod) cnpg_pg_replication_in_recovery == 0",
            "for": "10m",
            "labels": {"severity": "critical"},
            "annotations": {
                "summary": "PostgreSQL's log is not copied to Blob Storage.",
                "action": "See the log of {{ $labels.pod }}: identity, role, storage account. "
                "Backups end at the last copy, and when the disk of the log is full PostgreSQL "
                "stops.",
                "runbook": "docs/operations.md#alerts",
            },
        },
    ],
}


def groups(root: Path) -> list[dict[str, Any]]:
    """What they are to be."""
    return [*_groups((root / "deploy/monitoring/rules.yml").read_text("utf-8")), _KUBERNETES]


@functools.lru_cache(maxsize=4)
def _groups(text: str) -> tuple[dict[str, Any], ...]:
    """Kept: reading them takes longer than all that is done with them."""
    return tuple(yaml.safe_load(text)["groups"])


def write(root: Path) -> None:
    """Writes the object anew."""
    rule = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "vestlus"},
        "spec": {"groups": groups(root)},
    }
    text = yaml.safe_dump(rule, sort_keys=False, allow_unicode=True, width=1000)
    (root / "deploy/aks/base/alerts.yaml").write_text(_ABOUT + text, "utf-8")


def check(root: Path, objects: Objects) -> Iterator[Finding]:
    """Whether the object has them all as they are."""
    found = list(of_kind(objects, "PrometheusRule"))
    if not found:
        yield Finding("alerts", "deploy/aks", "there are no alerts")
    for one in found:
        if one["spec"]["groups"] != groups(root):
            yield Finding("alerts", named(one), "differs from deploy/monitoring: `make manifests`")
