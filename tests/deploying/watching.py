"""What others are told about us: Prometheus what it asks, RabbitMQ how it is to work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import yaml

from tests.deploying.findings import Finding
from tests.deploying.objects import Objects, named, of_kind
from tests.deploying.probes import answered

_PROMETHEUS: Final = "deploy/monitoring/prometheus.yml"
_RABBITMQ: Final = "deploy/rabbitmq.conf"

#: The job that the shipped alerts ask for.
_JOB: Final = "vestlus"

#: Keys of RabbitMQ, from its ``rabbit.schema`` and those of its plugins: those that one has reason
#: to set. With a key that it does not know it does not start.
_KEYS: Final = re.compile(
    r"listeners\.(tcp|ssl)(\.\w+)?|num_acceptors\.(tcp|ssl)|handshake_timeout|heartbeat"
    r"|loopback_users(\.\w+)?|auth_(mechanisms|backends)\.\d+|cluster_name|frame_max|channel_max"
    r"|connection_max|channel_max_per_node|max_message_size|consumer_timeout|net_ticktime"
    r"|default_(vhost|user|pass|queue_type)|default_permissions\.(configure|read|write)"
    r"|ssl_options\.(verify|fail_if_no_peer_cert|cacertfile|certfile|keyfile|depth|password"
    r"|honor_cipher_order|honor_ecc_order|client_renegotiation|secure_renegotiate"
    r"|(versions|ciphers)\.\w+)"
    r"|tcp_listen_options\.(backlog|nodelay|keepalive|sndbuf|recbuf)"
    r"|vm_memory_high_watermark\.(relative|absolute)|total_memory_available_override_value"
    r"|disk_free_limit\.(relative|absolute)|memory_monitor_interval"
    r"|cluster_partition_handling(\.pause_if_all_down\.(recover|nodes\.\w+))?"
    r"|cluster_keepalive_interval|queue_leader_locator|collect_statistics(_interval)?"
    r"|cluster_formation\.(peer_discovery_backend|target_cluster_size_hint|discovery_retry_limit"
    r"|discovery_retry_interval|node_cleanup\.(interval|only_log_warning))"
    r"|raft\.(segment_max_entries|wal_max_size_bytes|wal_max_entries|wal_hibernate_after"
    r"|wal_max_batch_size|snapshot_chunk_size|data_dir)"
    r"|quorum_queue\.(compute_checksums|property_equivalence\.\w+|continuous_membership_\w+)"
    r"|log\.(console|file|exchange)(\.(level|formatter|rotation\.(date|size|count|compress)))?"
    r"|log\.(connection|channel|queue|default)\.level|load_definitions|queue_index_\w+"
    r"|prometheus\.(path|return_per_object_metrics|(tcp|ssl)\.\w+)"
    r"|management\.(path_prefix|load_definitions|(tcp|ssl)\.\w+)"
    r"|management_agent\.disable_metrics_collector|deprecated_features\.permit\.\w+"
)


def check_files(root: Path) -> Iterator[Finding]:
    """The files that are for servers outside of Kubernetes."""
    folder = (root / _PROMETHEUS).parent
    told = yaml.safe_load((root / _PROMETHEUS).read_text("utf-8"))
    rules = told.get("rule_files") or []
    for name in rules:
        if not list(folder.glob(name)):
            yield Finding("alerts", _PROMETHEUS, f"there is no {name} beside it")
    if "rules.yml" not in rules:
        yield Finding("alerts", _PROMETHEUS, "does not read the shipped alerts: rules.yml")
    jobs = {one["job_name"]: one for one in told.get("scrape_configs") or []}
    if _JOB not in jobs:
        yield Finding("alerts", _PROMETHEUS, f"the shipped alerts ask for a job {_JOB}")
    elif not answered(jobs[_JOB].get("metrics_path", "/metrics")):
        yield Finding("probe", _PROMETHEUS, f"nobody answers {jobs[_JOB]['metrics_path']}")
    yield from _keys(_RABBITMQ, (root / _RABBITMQ).read_text("utf-8"))


def check(objects: Objects) -> Iterator[Finding]:
    """The same of what RabbitMQ's operator and Prometheus' own are told."""
    for one in of_kind(objects, "RabbitmqCluster"):
        yield from _keys(named(one), (one["spec"].get("rabbitmq") or {}).get("additionalConfig"))
    for one in of_kind(objects, "ServiceMonitor"):
        for endpoint in one["spec"]["endpoints"]:
            if not answered(endpoint.get("path", "/metrics")):
                yield Finding("probe", named(one), f"nobody answers {endpoint['path']}")


def _keys(where: str, text: str | None) -> Iterator[Finding]:
    for line in (text or "").splitlines():
        key, equals, value = (word.strip() for word in line.partition("#")[0].partition("="))
        if key and not (_KEYS.fullmatch(key) and equals and value):
            yield Finding("configuration", where, f"RabbitMQ does not know {line.strip()}")
