"""Networks that are too open, or through which does not get what has to."""

from __future__ import annotations

from typing import Any, Final

from tests.deploying.broken import Case, Tree, gone, policy

_OURS: Final = {"app.kubernetes.io/part-of": "vestlus"}
_COMPONENT: Final = "app.kubernetes.io/component"
_HEAD: Final = {_COMPONENT: "head"}
_SPACE: Final = "kubernetes.io/metadata.name"


def added(selector: dict[str, Any], ingress: dict[str, Any]) -> Any:  # noqa: ANN401 - a change
    """One policy more."""
    made = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "more", "namespace": "vestlus"},
        "spec": {"podSelector": selector, "policyTypes": ["Ingress"], "ingress": [ingress]},
    }
    return lambda tree: tree.append(made)


def opened(name: str, **ingress: Any) -> Any:  # noqa: ANN401 - a change
    """A policy with one rule more."""
    return lambda tree: policy(tree, name)["ingress"].append(ingress)


def peers(name: str, *found: Any) -> Any:  # noqa: ANN401 - a change
    """A policy whose first rule is about others."""
    return lambda tree: policy(tree, name)["ingress"][0].update({"from": list(found)})


def _undenied(tree: Tree) -> None:
    policy(tree, "nobody").update(policyTypes=["Ingress"])
    policy(tree, "names").update(podSelector={"matchLabels": _OURS})


def _port(name: str, way: str, number: int) -> Any:  # noqa: ANN401 - a change
    """A policy without a port."""

    def change(tree: Tree) -> None:
        for rule in policy(tree, name)[way]:
            rule["ports"] = [one for one in rule.get("ports") or [] if one["port"] != number] or [
                {"port": 1}
            ]

    return change


_WEBHOOK: Final = "webhook-from-ingress"

OPEN: Final = {
    "no policy that denies by default": Case("network", gone("NetworkPolicy", "nobody")),
    "policies that deny what comes in only": Case("network", _undenied),
    "Ray's dashboard open to the ingress": Case(
        "network", lambda t: policy(t, _WEBHOOK)["ingress"][0]["ports"][0].update(port=8265)
    ),
    "HAProxy's measures open to everybody": Case(
        "network", opened("ray-within", ports=[{"port": 9101}])
    ),
    "Ray open to every port of another namespace": Case(
        "network", lambda t: policy(t, "ray-from-operator")["ingress"][0].pop("ports")
    ),
    "the node's own identity in reach": Case(
        "network",
        lambda t: policy(t, "ray-to-the-world")["egress"][0]["to"][0]["ipBlock"].pop("except"),
    ),
    "the node's own identity in reach of whoever is asked on any address": Case(
        "network", lambda t: policy(t, "ray-to-the-world")["egress"].append({"ports": []})
    ),
    "everything open to every namespace": Case(
        "network", added({}, {"from": [{"namespaceSelector": {}}]})
    ),
    "the head's dashboard open to every namespace": Case(
        "network",
        added(
            {"matchLabels": _HEAD},
            {"from": [{"namespaceSelector": {}}], "ports": [{"port": 8265}]},
        ),
    ),
    "the head chosen by an expression and open to everybody": Case(
        "network",
        added(
            {
                "matchExpressions": [
                    {"key": "app.kubernetes.io/component", "operator": "In", "values": ["head"]}
                ]
            },
            {"ports": [{"port": 8265}]},
        ),
    ),
    "the dashboard by its name": Case(
        "network", added({"matchLabels": _HEAD}, {"ports": [{"port": "dashboard"}]})
    ),
    "a range of ports from the ingress": Case(
        "network",
        lambda t: policy(t, _WEBHOOK)["ingress"][0]["ports"][0].update(endPort=65535),
    ),
    "pods of our labels in every namespace": Case(
        "network",
        peers("ray-within", {"namespaceSelector": {}, "podSelector": {"matchLabels": _OURS}}),
    ),
    "every namespace but one": Case(
        "network",
        peers(
            _WEBHOOK,
            {
                "namespaceSelector": {
                    "matchExpressions": [{"key": _SPACE, "operator": "NotIn", "values": ["a"]}]
                }
            },
        ),
    ),
    "one namespace more": Case(
        "network",
        peers(
            _WEBHOOK,
            {
                "namespaceSelector": {
                    "matchExpressions": [
                        {
                            "key": _SPACE,
                            "operator": "In",
                            "values": ["app-routing-system", "default"],
                        }
                    ]
                }
            },
        ),
    ),
    "every pod of the own namespace": Case("network", peers("ray-within", {"podSelector": {}})),
    "an address of the network": Case(
        "network", peers(_WEBHOOK, {"ipBlock": {"cidr": "10.0.0.0/8"}})
    ),
    "a broker that is open to all": Case("network", opened("rabbitmq", ports=[{"port": 5671}])),
    "a database that is open to all": Case(
        "network", opened("postgres", ports=[{"port": 5432}]), only="small"
    ),
    "a Redis for all pods of the service": Case(
        "network",
        peers("redis", {"podSelector": {"matchLabels": _OURS}}),
        only="small",
    ),
    "a Redis for pods of another kind": Case(
        "network",
        peers("redis", {"podSelector": {"matchLabels": _OURS | {_COMPONENT: "webhook"}}}),
        only="small",
    ),
    "a Redis on every port": Case(
        "network", lambda t: policy(t, "redis")["ingress"][0].pop("ports"), only="small"
    ),
    "Ray's ports of datagrams": Case(
        "network", opened("ray-within", ports=[{"port": 8265, "protocol": "UDP"}])
    ),
}

CLOSED: Final = {
    **{
        f"no policy {name}": Case("network", gone("NetworkPolicy", name))
        for name in (
            *("names", "ray-within", "ray-from-operator", "webhook-from-ingress"),
            *("measures-from-prometheus", "ray-to-the-world", "ray-to-rabbitmq", "rabbitmq"),
        )
    },
    **{
        f"no policy {name}": Case("network", gone("NetworkPolicy", name), only="small")
        for name in ("ray-to-postgres", "pooler", "postgres", "postgres-measures", "head-to-redis")
    },
    "no policy ray-to-managed": Case(
        "network", gone("NetworkPolicy", "ray-to-managed"), only="production"
    ),
    "no way to the managed database": Case(
        "network", _port("ray-to-managed", "egress", 6432), only="production"
    ),
    "no way to the managed Redis": Case(
        "network", _port("ray-to-managed", "egress", 10000), only="production"
    ),
    "a Redis that lets nobody in": Case(
        "network", lambda t: policy(t, "redis")["ingress"].clear(), only="small"
    ),
    "a Redis that lets in to another port": Case(
        "network", _port("redis", "ingress", 6379), only="small"
    ),
    "a Redis that lets in by another protocol": Case(
        "network",
        lambda t: policy(t, "redis")["ingress"][0]["ports"][0].update(protocol="UDP"),
        only="small",
    ),
    "a head that is let out to a range without its port": Case(
        "network",
        lambda t: policy(t, "head-to-redis")["egress"][0]["ports"][0].update(
            port=6300, endPort=6378
        ),
        only="small",
    ),
    "a database that lets nobody in": Case(
        "network", lambda t: policy(t, "pooler")["ingress"].clear(), only="small"
    ),
    "a database whose nodes do not see each other": Case(
        "network", _port("postgres", "egress", 8000), only="small"
    ),
    "a database that its operator does not see": Case(
        "network", lambda t: policy(t, "postgres")["ingress"][1]["from"].pop(2), only="small"
    ),
    "a broker whose nodes do not find each other": Case(
        "network", _port("rabbitmq", "ingress", 4369)
    ),
    "a broker whose nodes do not speak with each other": Case(
        "network", _port("rabbitmq", "egress", 25672)
    ),
    "a broker that does not ask Kubernetes": Case("network", _port("rabbitmq", "egress", 443)),
    "a broker whose measures nobody reads": Case("network", _port("rabbitmq", "ingress", 15691)),
    "names by datagrams only": Case(
        "network", lambda t: policy(t, "names")["egress"][0]["ports"].pop()
    ),
    "Ray's nodes by some ports only": Case(
        "network",
        lambda t: policy(t, "ray-within")["egress"][0].update(
            ports=[{"port": 1024, "endPort": 32767}]
        ),
    ),
    "Ray's nodes by another protocol": Case(
        "network",
        lambda t: policy(t, "ray-within")["ingress"][0].update(ports=[{"protocol": "UDP"}]),
    ),
    "an operator of another name": Case(
        "network",
        lambda t: policy(t, "ray-from-operator")["ingress"][0]["from"][0].update(
            podSelector={"matchLabels": {"app.kubernetes.io/name": "kuberay"}}
        ),
    ),
    "the internet by a private block": Case(
        "network",
        lambda t: policy(t, "ray-to-the-world")["egress"][0]["to"][0].update(
            ipBlock={"cidr": "10.0.0.0/8"}
        ),
    ),
    "a policy for nobody": Case(
        "selector",
        lambda t: policy(t, "rabbitmq").update(podSelector={"matchLabels": {"app": "rabbit"}}),
    ),
}
