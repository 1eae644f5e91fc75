"""Settings, secrets and addresses that are not there, or are others than they are taken for."""

from __future__ import annotations

from typing import Final

from tests.deploying.broken import (
    Case,
    Tree,
    container,
    gone,
    group,
    head,
    one,
    pod,
    public,
    settings,
    unmounted,
    variable,
)

_BUS: Final = "VESTLUS_BUS_URL"
_DATABASE: Final = "VESTLUS_DATABASE_URL"
_USE: Final = "azure.workload.identity/use"
_CLIENT: Final = "azure.workload.identity/client-id"


def _files(tree: Tree, name: str, old: str, new: str) -> None:
    """Changes a part of a file of accounts."""
    data = one(tree, "ConfigMap", "vestlus-files")["data"]
    assert old in data[name]
    data[name] = data[name].replace(old, new)


SETTINGS: Final = {
    "a certificate that nothing makes": Case(
        "secret",
        lambda t: public(t)["spec"]["tls"][0].update(secretName="tls"),
    ),
    "a setting that is misspelt": Case(
        "settings",
        lambda t: settings(t).update(VESTLUS_WEBHOOK_REPLICA="2"),
    ),
    "a setting of the wrong form": Case(
        "settings",
        lambda t: settings(t).update(VESTLUS_CONVERSATION_ACTORS="many"),
    ),
    "a required setting that nothing supplies": Case(
        "settings",
        lambda t: one(t, "ExternalSecret", "vestlus-secrets")["spec"]["data"].pop(0),
    ),
    "a file of settings without accounts": Case(
        "settings",
        lambda t: one(t, "ConfigMap", "vestlus-files")["data"].update({"vestlus.toml": ""}),
    ),
    "a variable that refers to what comes later": Case(
        "settings",
        lambda t: container(t)["env"].reverse(),
    ),
    "HAProxy without the flag that makes it fast": Case(
        "ingress",
        lambda t: settings(t).pop("RAY_SERVE_THROUGHPUT_OPTIMIZED"),
    ),
    "replicas' logs that are nowhere": Case(
        "ingress",
        lambda t: settings(t).pop("RAY_SERVE_LOG_TO_STDERR"),
    ),
    "Ray's usage statistics on": Case(
        "usage", lambda t: settings(t).pop("RAY_USAGE_STATS_ENABLED")
    ),
    "a log that is gone with its pod": Case("logs", lambda t: settings(t).pop("RAY_LOG_TO_STDERR")),
    "a log that is in files": Case("logs", lambda t: settings(t).update(RAY_LOG_TO_STDERR="0")),
    "a secret that nothing makes": Case(
        "secret",
        lambda t: container(t)["envFrom"][1]["secretRef"].update(name="vestlus-secret"),
    ),
    "a key that its secret has not": Case(
        "secret",
        lambda t: container(t)["env"][0]["valueFrom"]["secretKeyRef"].update(key="user"),
    ),
    "a map of settings that is not there": Case(
        "configuration",
        lambda t: container(t)["envFrom"][0]["configMapRef"].update(name="settings"),
    ),
    "a volume that is mounted and not there": Case("volume", lambda t: pod(t)["volumes"].pop(0)),
    "a broker's address with a wrong port": Case(
        "port",
        lambda t: next(v for v in container(t)["env"] if v["name"] == "VESTLUS_BUS_URL").update(
            value="amqps://a:b@vestlus-rabbitmq.vestlus.svc:5672/"
        ),
    ),
    "a broker's certificate that is not mounted": Case("volume", unmounted("bus")),
    "a broker's certificate under another name": Case(
        "volume", lambda t: variable(t, _BUS, "/ca.crt", "/ca.pem")
    ),
    "a broker whose certificate is not compared": Case(
        "tls", lambda t: variable(t, _BUS, "?cafile=/etc/vestlus-bus/ca.crt", "")
    ),
    "a broker in the open": Case("tls", lambda t: variable(t, _BUS, "amqps", "amqp")),
    "a database in the open": Case(
        "tls", lambda t: variable(t, _DATABASE, "=require", "=disable"), only="small"
    ),
    "a database whose TLS is left to chance": Case(
        "tls", lambda t: variable(t, _DATABASE, "&sslmode=require", ""), only="small"
    ),
    "a file of settings that is not mounted": Case("volume", unmounted("files")),
    "an address of a service that is not there": Case(
        "selector", lambda t: variable(t, _BUS, "vestlus-rabbitmq.", "rabbitmq.")
    ),
    "a head whose Redis is not there": Case(
        "selector", gone("Service", "vestlus-redis"), only="small"
    ),
    "a head whose Redis is on another port": Case(
        "port",
        lambda t: one(t, "Service", "vestlus-redis")["spec"]["ports"][0].update(port=6380),
        only="small",
    ),
    "no store of secrets": Case("store", gone("SecretStore", "key-vault")),
    "a store of secrets by another name": Case(
        "store",
        lambda t: one(t, "ExternalSecret", "vestlus-secrets")["spec"]["secretStoreRef"].update(
            name="vault"
        ),
    ),
    "a store of secrets whose account is not there": Case(
        "account",
        lambda t: one(t, "SecretStore", "key-vault")["spec"]["provider"]["azurekv"].update(
            serviceAccountRef={"name": "nobody"}
        ),
    ),
    "a store of secrets whose account has no identity": Case(
        "identity",
        lambda t: [
            x["metadata"].pop("annotations", None) for x in t if x["kind"] == "ServiceAccount"
        ],
    ),
    "no service account": Case(
        "account",
        lambda t: t.remove(one(t, "ServiceAccount", pod(t)["serviceAccountName"])),
    ),
    "a head whose account is not there": Case(
        "account", lambda t: head(t).update(serviceAccountName="nobody")
    ),
    "a pod without an account": Case("identity", lambda t: pod(t).pop("serviceAccountName")),
    "a pod without the label of its identity": Case(
        "identity", lambda t: group(t, 1)["template"]["metadata"]["labels"].pop(_USE)
    ),
    "an account that names no identity": Case(
        "identity",
        lambda t: one(t, "ServiceAccount", pod(t)["serviceAccountName"])["metadata"][
            "annotations"
        ].pop(_CLIENT),
    ),
    "a class of priority that is not there": Case("priority", gone("PriorityClass", "vestlus")),
    "a broker of a priority that is not there": Case(
        "priority",
        lambda t: one(t, "RabbitmqCluster", "vestlus-rabbitmq")["spec"]["override"]["statefulSet"][
            "spec"
        ]["template"]["spec"].update(priorityClassName="high"),
    ),
    "a broker on a disk of no kind": Case(
        "storage",
        lambda t: one(t, "RabbitmqCluster", "vestlus-rabbitmq")["spec"]["persistence"].update(
            storageClassName="premium"
        ),
    ),
    "a broker whose certificate nothing makes": Case(
        "secret",
        lambda t: one(t, "RabbitmqCluster", "vestlus-rabbitmq")["spec"]["tls"].update(
            secretName="tls"
        ),
    ),
    "a broker whose certificate has no key": Case(
        "secret",
        lambda t: one(t, "ExternalSecret", "vestlus-rabbitmq-tls")["spec"]["target"]["template"][
            "data"
        ].pop("tls.key"),
    ),
    "a password of Redis that nothing makes": Case(
        "secret", gone("ExternalSecret", "vestlus-redis")
    ),
    "a pooler of a database that is not there": Case(
        "database",
        lambda t: one(t, "Pooler", "vestlus-pooler")["spec"]["cluster"].update(name="postgres"),
        only="small",
    ),
    "no address under which others reach us": Case(
        "settings", lambda t: settings(t).pop("VESTLUS_PUBLIC_URL")
    ),
    "an address at which nobody answers": Case(
        "settings", lambda t: settings(t).update(VESTLUS_PUBLIC_URL="https://example.org")
    ),
    "an address without TLS": Case(
        "settings", lambda t: settings(t).update(VESTLUS_PUBLIC_URL="http://dm.example.org")
    ),
    "pictures in the pod that took them in": Case(
        "settings", lambda t: settings(t).pop("VESTLUS_MEDIA_URL")
    ),
    "pictures in a folder of each pod": Case(
        "settings",
        lambda t: settings(t).update(VESTLUS_MEDIA_URL="file:///var/lib/vestlus/media"),
    ),
    "a persona that is not there": Case(
        "volume", lambda t: one(t, "ConfigMap", "vestlus-files")["data"].pop("persona.md")
    ),
    "a persona by another name": Case(
        "volume", lambda t: _files(t, "vestlus.toml", '"persona.md"', '"personas/mine.md"')
    ),
    "knowledge that is not there": Case(
        "volume",
        lambda t: _files(t, "vestlus.toml", "persona =", 'knowledge = "knowledge"\npersona ='),
    ),
}
