"""Ways in which a deployment can be broken, and the rule by which each is found out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Tree = list[dict[str, Any]]


def one(tree: Tree, kind: str, name: str = "vestlus") -> Any:  # noqa: ANN401 - of any shape
    (found,) = (x for x in tree if x["kind"] == kind and x["metadata"]["name"] == name)
    return found


def group(tree: Tree, at: int = 0) -> Any:  # noqa: ANN401 - of any shape
    return one(tree, "RayService")["spec"]["rayClusterConfig"]["workerGroupSpecs"][at]


def pod(tree: Tree, at: int = 0) -> Any:  # noqa: ANN401 - of any shape
    return group(tree, at)["template"]["spec"]


def container(tree: Tree, at: int = 0) -> Any:  # noqa: ANN401 - of any shape
    return pod(tree, at)["containers"][0]


def settings(tree: Tree) -> Any:  # noqa: ANN401 - of any shape
    return one(tree, "ConfigMap", "vestlus-settings")["data"]


def policy(tree: Tree, name: str) -> Any:  # noqa: ANN401 - of any shape
    return one(tree, "NetworkPolicy", name)["spec"]


def without(tree: Tree, kind: str, name: str) -> None:
    tree.remove(one(tree, kind, name))


def public(tree: Tree) -> Any:  # noqa: ANN401 - of any shape
    return one(tree, "Ingress", "vestlus-public")


def serve_config(tree: Tree, old: str, new: str) -> None:
    spec = one(tree, "RayService")["spec"]
    assert old in spec["serveConfigV2"]
    spec["serveConfigV2"] = spec["serveConfigV2"].replace(old, new)


HTTP = "vestlus-http"

#: How an object is broken, and the rule that finds it.
BROKEN: dict[str, tuple[str, Callable[[Tree], Any]]] = {
    "a field that Kubernetes does not know": (
        "schema",
        lambda t: one(t, "Service", HTTP)["spec"].update(selectors={}),
    ),
    "a field of the wrong type": (
        "schema",
        lambda t: one(t, "PriorityClass").update(value="high"),
    ),
    "a kind that Kubernetes has no more": (
        "schema",
        lambda t: public(t).update(apiVersion="extensions/v1beta1"),
    ),
    "a service that chooses nobody": (
        "selector",
        lambda t: one(t, "Service", HTTP)["spec"]["selector"].update(role="webhooks"),
    ),
    "a service that leads to a port which no container has": (
        "port",
        lambda t: one(t, "Service", HTTP)["spec"]["ports"][0].update(targetPort=8001),
    ),
    "an ingress that leads to a service which is not there": (
        "selector",
        lambda t: without(t, "Service", HTTP),
    ),
    "an ingress that leads to a port which the service has not": (
        "port",
        lambda t: one(t, "Service", HTTP)["spec"]["ports"][0].update(name="web"),
    ),
    "a console that is open to anybody": (
        "public",
        lambda t: public(t)["spec"]["rules"][0]["http"]["paths"][0].update(path="/console"),
    ),
    "an internal console under the public class": (
        "public",
        lambda t: one(t, "Ingress", "vestlus-console")["spec"].update(
            ingressClassName="webapprouting.kubernetes.azure.com"
        ),
    ),
    "an ingress without a limit of bodies": (
        "body",
        lambda t: public(t)["metadata"]["annotations"].pop(
            "nginx.ingress.kubernetes.io/proxy-body-size"
        ),
    ),
    "an ingress that refuses what the webhook takes": (
        "body",
        lambda t: public(t)["metadata"]["annotations"].update(
            {"nginx.ingress.kubernetes.io/proxy-body-size": "1m"}
        ),
    ),
    "an ingress without TLS": ("tls", lambda t: public(t)["spec"].pop("tls")),
    "a certificate that nothing makes": (
        "secret",
        lambda t: public(t)["spec"]["tls"][0].update(secretName="tls"),
    ),
    "a setting that is misspelt": (
        "settings",
        lambda t: settings(t).update(VESTLUS_WEBHOOK_REPLICA="2"),
    ),
    "a setting of the wrong form": (
        "settings",
        lambda t: settings(t).update(VESTLUS_CONVERSATION_ACTORS="many"),
    ),
    "a required setting that nothing supplies": (
        "settings",
        lambda t: one(t, "ExternalSecret", "vestlus-secrets")["spec"]["data"].pop(0),
    ),
    "a file of settings without accounts": (
        "settings",
        lambda t: one(t, "ConfigMap", "vestlus-files")["data"].update({"vestlus.toml": ""}),
    ),
    "a variable that refers to what comes later": (
        "settings",
        lambda t: container(t)["env"].reverse(),
    ),
    "HAProxy without the flag that makes it fast": (
        "ingress",
        lambda t: settings(t).pop("RAY_SERVE_THROUGHPUT_OPTIMIZED"),
    ),
    "Ray's usage statistics on": ("usage", lambda t: settings(t).pop("RAY_USAGE_STATS_ENABLED")),
    "a secret that nothing makes": (
        "secret",
        lambda t: container(t)["envFrom"][1]["secretRef"].update(name="vestlus-secret"),
    ),
    "a key that its secret has not": (
        "secret",
        lambda t: container(t)["env"][0]["valueFrom"]["secretKeyRef"].update(key="user"),
    ),
    "a map of settings that is not there": (
        "configuration",
        lambda t: container(t)["envFrom"][0]["configMapRef"].update(name="settings"),
    ),
    "a volume that is mounted and not there": ("volume", lambda t: pod(t)["volumes"].pop(0)),
    "a broker's address with a wrong port": (
        "port",
        lambda t: next(v for v in container(t)["env"] if v["name"] == "VESTLUS_BUS_URL").update(
            value="amqps://a:b@vestlus-rabbitmq.vestlus.svc:5672/"
        ),
    ),
    "a broker to which no policy lets anybody": (
        "network",
        lambda t: without(t, "NetworkPolicy", "ray-to-rabbitmq"),
    ),
    "a database that lets nobody in": (
        "network",
        lambda t: policy(t, "pooler")["ingress"].clear(),
    ),
    "no policy that denies by default": (
        "network",
        lambda t: without(t, "NetworkPolicy", "nobody"),
    ),
    "a policy that denies what comes in only": (
        "network",
        lambda t: policy(t, "nobody").update(policyTypes=["Ingress"]),
    ),
    "Ray's dashboard open to the ingress": (
        "network",
        lambda t: policy(t, "webhook-from-ingress")["ingress"][0]["ports"][0].update(port=8265),
    ),
    "HAProxy's measures open to everybody": (
        "network",
        lambda t: policy(t, "ray-within")["ingress"].append({"ports": [{"port": 9101}]}),
    ),
    "Ray open to every pod of another namespace": (
        "network",
        lambda t: policy(t, "ray-from-operator")["ingress"][0].pop("ports"),
    ),
    "the node's own identity in reach": (
        "network",
        lambda t: policy(t, "ray-to-the-world")["egress"][0]["to"][0]["ipBlock"].pop("except"),
    ),
    "a policy for nobody": (
        "selector",
        lambda t: policy(t, "rabbitmq").update(podSelector={"matchLabels": {"app": "rabbit"}}),
    ),
    "an image that is another one tomorrow": (
        "image",
        lambda t: container(t).update(image="vestlus:latest"),
    ),
    "an image of another version": ("image", lambda t: container(t).update(image="vestlus:0.0.9")),
    "a broker of whatever version": (
        "image",
        lambda t: one(t, "RabbitmqCluster", "vestlus-rabbitmq")["spec"].update(image="rabbitmq"),
    ),
    "a budget under which no node can be drained": (
        "budget",
        lambda t: one(t, "PodDisruptionBudget", "vestlus-webhook")["spec"].update(minAvailable=2),
    ),
    "a budget that Kubernetes cannot keep": (
        "budget",
        lambda t: one(t, "PodDisruptionBudget", "vestlus-webhook").update(
            spec={
                "maxUnavailable": 1,
                "selector": {"matchLabels": {"app.kubernetes.io/component": "webhook"}},
            }
        ),
    ),
    "a probe for a path that nobody answers": (
        "probe",
        lambda t: container(t)["readinessProbe"]["httpGet"].update(path="/health"),
    ),
    "a probe of a port that nobody has": (
        "probe",
        lambda t: container(t)["livenessProbe"]["httpGet"].update(port=52366),
    ),
    "no probe": ("probe", lambda t: container(t).pop("livenessProbe")),
    "a root that can be written to": (
        "root",
        lambda t: container(t)["securityContext"].update(readOnlyRootFilesystem=False),
    ),
    "a pod that may be root's": (
        "root",
        lambda t: container(t)["securityContext"].update(runAsNonRoot=False),
    ),
    "a pod without a limit of memory": (
        "resources",
        lambda t: container(t)["resources"].pop("limits"),
    ),
    "services' addresses in the environment": (
        "links",
        lambda t: pod(t).pop("enableServiceLinks"),
    ),
    "pods that are spread by the labels of others": (
        "selector",
        lambda t: pod(t)["topologySpreadConstraints"][0].update(
            labelSelector={"matchLabels": {"app.kubernetes.io/component": "publisher"}}
        ),
    ),
    "another Ray than the locked one": (
        "ray",
        lambda t: one(t, "RayService")["spec"]["rayClusterConfig"].update(rayVersion="2.9.0"),
    ),
    "a head whose death ends the cluster": (
        "ray",
        lambda t: one(t, "RayService")["spec"]["rayClusterConfig"].pop("gcsFaultToleranceOptions"),
    ),
    "a role for which there are no nodes": (
        "cluster",
        lambda t: group(t, 1)["rayStartParams"].pop("resources"),
    ),
    "bounds of a group that contradict each other": (
        "cluster",
        lambda t: group(t, 1).update(maxReplicas=1),
    ),
    "more webhook replicas than pods": (
        "cluster",
        lambda t: settings(t).update(VESTLUS_WEBHOOK_REPLICAS="3"),
    ),
    "a webhook pod without a replica": (
        "cluster",
        lambda t: group(t).update(maxReplicas=3),
    ),
    "a key that Serve does not know": (
        "serve",
        lambda t: serve_config(t, "import_path:", "import:"),
    ),
    "another application": (
        "serve",
        lambda t: serve_config(t, "serve_app:app", "other:app"),
    ),
    "Serve on another port than the pods'": (
        "port",
        lambda t: serve_config(t, "port: 8000", "port: 8001"),
    ),
    "a monitor that chooses nothing": (
        "selector",
        lambda t: one(t, "ServiceMonitor")["spec"]["selector"]["matchLabels"].update(a="b"),
    ),
    "a monitor of a port that is not called so": (
        "port",
        lambda t: one(t, "PodMonitor", "vestlus-rabbitmq")["spec"]["podMetricsEndpoints"][0].update(
            port="prometheus"
        ),
    ),
    "alerts that differ from the shipped ones": (
        "alerts",
        lambda t: one(t, "PrometheusRule")["spec"]["groups"].pop(),
    ),
}
