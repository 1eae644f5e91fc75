"""Objects that Kubernetes or its operators do not take, or take for less than is needed.

Those of the rule ``schema`` that change an operator's kind are found with its definition only.
"""

from __future__ import annotations

from typing import Final

from tests.deploying.broken import (
    HTTP,
    Case,
    broker,
    database,
    gone,
    one,
    policy,
    pooler,
    public,
    ray,
    variable,
)

OBJECTS: Final = {
    "a field that Kubernetes does not know": Case(
        "schema",
        lambda t: one(t, "Service", HTTP)["spec"].update(selectors={}),
    ),
    "a field of the wrong type": Case(
        "schema",
        lambda t: one(t, "PriorityClass").update(value="high"),
    ),
    "a kind that Kubernetes has no more": Case(
        "schema",
        lambda t: public(t).update(apiVersion="extensions/v1beta1"),
    ),
    "a broker of whatever version": Case(
        "image",
        lambda t: one(t, "RabbitmqCluster", "vestlus-rabbitmq")["spec"].update(image="rabbitmq"),
    ),
    "a monitor that chooses nothing": Case(
        "selector",
        lambda t: one(t, "ServiceMonitor")["spec"]["selector"]["matchLabels"].update(a="b"),
    ),
    "a monitor of a port that is not called so": Case(
        "port",
        lambda t: one(t, "PodMonitor", "vestlus-rabbitmq")["spec"]["podMetricsEndpoints"][0].update(
            port="prometheus"
        ),
    ),
    "alerts that differ from the shipped ones": Case(
        "alerts",
        lambda t: one(t, "PrometheusRule")["spec"]["groups"].pop(),
    ),
    "a broker of one node": Case("lasting", lambda t: broker(t).update(replicas=1)),
    "a broker of no told number": Case("lasting", lambda t: broker(t).pop("replicas")),
    "a broker of two halves": Case("lasting", lambda t: broker(t).update(replicas=4)),
    "a broker that keeps nothing": Case(
        "lasting", lambda t: broker(t)["persistence"].update(storage="0Gi")
    ),
    "a broker whose nodes share a machine": Case("spread", lambda t: broker(t).pop("affinity")),
    "a broker without TLS": Case("tls", lambda t: broker(t).pop("tls")),
    "a broker with and without TLS": Case(
        "tls", lambda t: broker(t)["tls"].pop("disableNonTLSListeners")
    ),
    "a broker with a key that it does not know": Case(
        "configuration",
        lambda t: broker(t)["rabbitmq"].update(
            additionalConfig="vm_memory_high_watermark.relativ = 0.6\n"
        ),
    ),
    "a monitor of the database that asks its pooler too": Case(
        "network",
        lambda t: one(t, "PodMonitor", "vestlus-postgres")["spec"]["selector"]["matchLabels"].pop(
            "cnpg.io/podRole"
        ),
        only="small",
    ),
    "a pooler with the ports of the database": Case(
        "network",
        lambda t: policy(t, "postgres")["podSelector"].pop("matchExpressions"),
        only="small",
    ),
    "a database that the pooler may ask how it is": Case(
        "network",
        lambda t: policy(t, "postgres")["ingress"][1]["from"][0]["podSelector"]["matchLabels"].pop(
            "cnpg.io/podRole"
        ),
        only="small",
    ),
    "a database to which no second instance is added": Case(
        "network",
        lambda t: policy(t, "postgres").update(
            podSelector=policy(t, "postgres-measures")["podSelector"]
        ),
        only="small",
    ),
    "a database that cannot be copied": Case(
        "network", lambda t: policy(t, "postgres")["ingress"][1]["from"].pop(1), only="small"
    ),
    "a database of one instance": Case(
        "lasting", lambda t: database(t).update(instances=1), only="small"
    ),
    "a database whose commits are on one machine": Case(
        "lasting",
        lambda t: [
            database(t).pop("minSyncReplicas", None),
            database(t)["postgresql"].pop("synchronous", None),
        ],
        only="small",
    ),
    "a database whose instances share a machine": Case(
        "spread",
        lambda t: database(t)["affinity"].update(enablePodAntiAffinity=False),
        only="small",
    ),
    "a database without a budget": Case(
        "budget", lambda t: database(t).update(enablePDB=False), only="small"
    ),
    "a database whose log is nowhere else": Case(
        "backup",
        lambda t: [database(t).pop("backup", None), database(t).pop("plugins", None)],
        only="small",
    ),
    "a database that is never backed up": Case(
        "backup", gone("ScheduledBackup", "vestlus-postgres-nightly"), only="small"
    ),
    "a database whose backups are suspended": Case(
        "backup",
        lambda t: one(t, "ScheduledBackup", "vestlus-postgres-nightly")["spec"].update(
            suspend=True
        ),
        only="small",
    ),
    "a pooler of sessions": Case(
        "pooler",
        lambda t: pooler(t)["pgbouncer"].update(poolMode="session"),
        only="small",
    ),
    "a pooler of no told mode": Case(
        "pooler", lambda t: pooler(t)["pgbouncer"].pop("poolMode"), only="small"
    ),
    "a pooler that the address does not tell of": Case(
        "pooler",
        lambda t: variable(t, "VESTLUS_DATABASE_URL", "pooler=transaction&", ""),
        only="small",
    ),
}

#: Changes of operators' kinds, which only their definitions find out.
DEFINED: Final = {
    "a field that KubeRay does not know": Case(
        "schema", lambda t: ray(t).update(gcsFaultTolerance={"backend": "redis"})
    ),
    "a field of Ray's head of the wrong type": Case(
        "schema", lambda t: ray(t)["headGroupSpec"].update(rayStartParams={"num-cpus": 0})
    ),
    "a field that RabbitMQ's operator does not know": Case(
        "schema", lambda t: broker(t).update(size=3)
    ),
    "a broker of a number in words": Case("schema", lambda t: broker(t).update(replicas="three")),
    "a field that CloudNativePG does not know": Case(
        "schema", lambda t: database(t).update(replicas=3), only="small"
    ),
    "a database without a disk's size": Case(
        "schema", lambda t: database(t).update(instances="three"), only="small"
    ),
    "a pooler of an unknown mode": Case(
        "schema",
        lambda t: pooler(t)["pgbouncer"].update(poolMode="query"),
        only="small",
    ),
    "a pooler of no type that there is": Case(
        "schema",
        lambda t: pooler(t).update(type="wr"),
        only="small",
    ),
    "a backup without a time": Case(
        "schema",
        lambda t: one(t, "ScheduledBackup", "vestlus-postgres-nightly")["spec"].pop("schedule"),
        only="small",
    ),
    "a secret from nowhere": Case(
        "schema",
        lambda t: one(t, "ExternalSecret", "vestlus-secrets")["spec"].update(source="vault"),
    ),
    "a secret without its name in the vault": Case(
        "schema",
        lambda t: one(t, "ExternalSecret", "vestlus-secrets")["spec"]["data"][0].pop("remoteRef"),
    ),
    "a store that External Secrets does not know": Case(
        "schema",
        lambda t: one(t, "SecretStore", "key-vault")["spec"]["provider"]["azurekv"].update(
            authType="Identity"
        ),
    ),
    "a store without an address": Case(
        "schema",
        lambda t: one(t, "SecretStore", "key-vault")["spec"]["provider"]["azurekv"].pop("vaultUrl"),
    ),
    "a monitor that chooses by nothing": Case(
        "schema", lambda t: one(t, "ServiceMonitor")["spec"].pop("selector")
    ),
    "a rule without an expression": Case(
        "schema", lambda t: one(t, "PrometheusRule")["spec"]["groups"][0]["rules"][0].pop("expr")
    ),
}
