"""Pods with more rights than they need, that are ended too early, or all at once."""

from __future__ import annotations

from typing import Final

from tests.deploying.broken import Case, container, gone, group, one, pod, ray

PODS: Final = {
    "an image that is another one tomorrow": Case(
        "image",
        lambda t: container(t).update(image="vestlus:latest"),
    ),
    "an image of another version": Case(
        "image", lambda t: container(t).update(image="vestlus:0.0.9")
    ),
    "a budget under which no node can be drained": Case(
        "budget",
        lambda t: one(t, "PodDisruptionBudget", "vestlus-webhook")["spec"].update(minAvailable=9),
    ),
    "a budget that Kubernetes cannot keep": Case(
        "budget",
        lambda t: one(t, "PodDisruptionBudget", "vestlus-webhook").update(
            spec={
                "maxUnavailable": 1,
                "selector": {"matchLabels": {"app.kubernetes.io/component": "webhook"}},
            }
        ),
    ),
    "a probe for a path that nobody answers": Case(
        "probe",
        lambda t: container(t)["readinessProbe"]["httpGet"].update(path="/health"),
    ),
    "a probe of a port that nobody has": Case(
        "probe",
        lambda t: container(t)["livenessProbe"]["httpGet"].update(port=52366),
    ),
    "no probe": Case("probe", lambda t: container(t).pop("livenessProbe")),
    "a root that can be written to": Case(
        "root",
        lambda t: container(t)["securityContext"].update(readOnlyRootFilesystem=False),
    ),
    "a pod that may be root's": Case(
        "root",
        lambda t: container(t)["securityContext"].update(runAsNonRoot=False),
    ),
    "a pod without a limit of memory": Case(
        "resources",
        lambda t: container(t)["resources"].pop("limits"),
    ),
    "services' addresses in the environment": Case(
        "links",
        lambda t: pod(t).pop("enableServiceLinks"),
    ),
    "pods that are spread by the labels of others": Case(
        "selector",
        lambda t: pod(t)["topologySpreadConstraints"][0].update(
            labelSelector={"matchLabels": {"app.kubernetes.io/component": "publisher"}}
        ),
    ),
    "a pod that is root's": Case("root", lambda t: pod(t)["securityContext"].update(runAsUser=0)),
    "a container that is root's": Case(
        "root", lambda t: container(t)["securityContext"].update(runAsUser=0)
    ),
    "a container that keeps capabilities": Case(
        "root", lambda t: container(t)["securityContext"].pop("capabilities")
    ),
    "a container with a capability": Case(
        "root",
        lambda t: container(t)["securityContext"]["capabilities"].update(add=["NET_ADMIN"]),
    ),
    "a container with every right": Case(
        "root", lambda t: container(t)["securityContext"].update(privileged=True)
    ),
    "a pod that sees the machine's files": Case(
        "root",
        lambda t: pod(t)["volumes"].append({"name": "all", "hostPath": {"path": "/"}}),
    ),
    "a pod on the machine's network": Case("root", lambda t: pod(t).update(hostNetwork=True)),
    "a pod that may call every part of the kernel": Case(
        "root", lambda t: pod(t)["securityContext"].pop("seccompProfile")
    ),
    "an autoscaler whose root can be written to": Case(
        "root",
        lambda t: ray(t)["autoscalerOptions"]["securityContext"].update(
            readOnlyRootFilesystem=False
        ),
    ),
    "a broker with every right": Case(
        "root",
        lambda t: one(t, "RabbitmqCluster", "vestlus-rabbitmq")["spec"]["override"]["statefulSet"][
            "spec"
        ]["template"]["spec"].update(securityContext={"runAsUser": 0}),
    ),
    "a pod that is ended when the store is away": Case(
        "probe",
        lambda t: container(t)["livenessProbe"].update(
            httpGet={"path": "/readyz", "port": "serve"}
        ),
    ),
    "a pod that is ended at the first silence": Case(
        "probe", lambda t: container(t)["livenessProbe"].update(failureThreshold=1)
    ),
    "a pod that takes no webhooks when the store is away": Case(
        "probe",
        lambda t: container(t)["readinessProbe"].update(
            httpGet={"path": "/readyz", "port": "serve"}
        ),
    ),
    "a pod that is asked whether or not requests come through": Case(
        "probe",
        lambda t: container(t).update(readinessProbe=container(t)["livenessProbe"]),
    ),
    "no budget for webhooks": Case("budget", gone("PodDisruptionBudget", "vestlus-webhook")),
    "no budget for conversations": Case(
        "budget", gone("PodDisruptionBudget", "vestlus-conversation")
    ),
    "no budget for publishers": Case(
        "budget", gone("PodDisruptionBudget", "vestlus-publisher"), only="production"
    ),
    "no budget for the broker": Case("budget", gone("PodDisruptionBudget", "vestlus-rabbitmq")),
    "no budget for the pooler": Case(
        "budget", gone("PodDisruptionBudget", "vestlus-pooler"), only="small"
    ),
    "webhooks on one machine": Case("spread", lambda t: pod(t).pop("topologySpreadConstraints")),
    "conversations on one machine": Case(
        "spread", lambda t: pod(t, 1).pop("topologySpreadConstraints")
    ),
    "pods that are spread over nothing": Case(
        "spread",
        lambda t: [x.update(topologyKey="a") for x in pod(t)["topologySpreadConstraints"]],
    ),
    "a group that nobody keeps up": Case(
        "budget",
        lambda t: group(t)["template"]["metadata"]["labels"].update(
            {"app.kubernetes.io/component": "hook"}
        ),
    ),
}
