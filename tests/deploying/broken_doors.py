"""Ways in that are not the public paths."""

from __future__ import annotations

from typing import Any, Final

from tests.deploying.broken import HTTP, Case, gone, one, public, ray

_NGINX: Final = "nginx.ingress.kubernetes.io/"


def _annotated(name: str, value: str) -> Any:  # noqa: ANN401 - a change
    """The public ingress with one annotation more."""
    return lambda tree: public(tree)["metadata"]["annotations"].update({_NGINX + name: value})


def _service(**more: Any) -> Any:  # noqa: ANN401 - a change
    """The service behind the ingress, otherwise."""
    return lambda tree: one(tree, "Service", HTTP)["spec"].update(more)


def _more(name: str, spec: dict[str, Any]) -> Any:  # noqa: ANN401 - a change
    """One service more."""
    made = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "vestlus"},
        "spec": {"ports": [{"port": 8000, "targetPort": "serve"}], **spec},
    }
    return lambda tree: tree.append(made)


_HEADS: Final = {
    "app.kubernetes.io/part-of": "vestlus",
    "app.kubernetes.io/component": "head",
}

DOORS: Final = {
    "a service that chooses nobody": Case(
        "selector",
        lambda t: one(t, "Service", HTTP)["spec"]["selector"].update(role="webhooks"),
    ),
    "a service that leads to a port which no container has": Case(
        "port",
        lambda t: one(t, "Service", HTTP)["spec"]["ports"][0].update(targetPort=8001),
    ),
    "an ingress that leads to a service which is not there": Case(
        "selector",
        gone("Service", HTTP),
    ),
    "an ingress that leads to a port which the service has not": Case(
        "port",
        lambda t: one(t, "Service", HTTP)["spec"]["ports"][0].update(name="web"),
    ),
    "a console that is open to anybody": Case(
        "public",
        lambda t: public(t)["spec"]["rules"][0]["http"]["paths"][0].update(path="/console"),
    ),
    "an internal console under the public class": Case(
        "public",
        lambda t: one(t, "Ingress", "vestlus-console")["spec"].update(
            ingressClassName="webapprouting.kubernetes.azure.com"
        ),
    ),
    "an ingress without a limit of bodies": Case(
        "body",
        lambda t: public(t)["metadata"]["annotations"].pop(
            "nginx.ingress.kubernetes.io/proxy-body-size"
        ),
    ),
    "an ingress that refuses what the webhook takes": Case(
        "body",
        lambda t: public(t)["metadata"]["annotations"].update(
            {"nginx.ingress.kubernetes.io/proxy-body-size": "1m"}
        ),
    ),
    "an ingress without TLS": Case("tls", lambda t: public(t)["spec"].pop("tls")),
    "an ingress that leads on what no path names": Case(
        "public",
        lambda t: public(t)["spec"].update(
            defaultBackend={"service": {"name": HTTP, "port": {"name": "http"}}}
        ),
    ),
    "an ingress that asks for another path": Case(
        "public", _annotated("rewrite-target", "/api/v1")
    ),
    "an ingress with words of NGINX's own": Case(
        "public", _annotated("configuration-snippet", "return 200;")
    ),
    "an ingress whose paths are expressions": Case("public", _annotated("use-regex", "true")),
    "an ingress whose path means what its controller likes": Case(
        "public",
        lambda t: public(t)["spec"]["rules"][0]["http"]["paths"][0].update(
            pathType="ImplementationSpecific"
        ),
    ),
    "an ingress without TLS besides": Case("tls", _annotated("ssl-redirect", "false")),
    "a service with a balancer of its own": Case("public", _service(type="LoadBalancer")),
    "a service on a port of every node": Case("public", _service(type="NodePort")),
    "a service with addresses from outside": Case("public", _service(externalIPs=["203.0.113.9"])),
    "a balancer for the head": Case(
        "public", _more("head", {"type": "LoadBalancer", "selector": _HEADS})
    ),
    "a name for what is elsewhere": Case(
        "public", _more("other", {"type": "ExternalName", "externalName": "example.org"})
    ),
    "a service that chooses everybody": Case("selector", _more("all", {"selector": {}})),
    "a balancer of KubeRay's": Case(
        "public",
        lambda t: one(t, "RayService")["spec"].update(
            serveService={"spec": {"type": "LoadBalancer"}}
        ),
    ),
    "a head on a port of every node": Case(
        "public", lambda t: ray(t)["headGroupSpec"].update(serviceType="NodePort")
    ),
    "an ingress for Ray's dashboard": Case(
        "public", lambda t: ray(t)["headGroupSpec"].update(enableIngress=True)
    ),
    "a port of the machine's": Case(
        "public",
        lambda t: ray(t)["headGroupSpec"]["template"]["spec"]["containers"][0]["ports"][0].update(
            hostPort=6379
        ),
    ),
    "a broker with a balancer": Case(
        "public",
        lambda t: one(t, "RabbitmqCluster", "vestlus-rabbitmq")["spec"].update(
            service={"type": "LoadBalancer"}
        ),
    ),
    "a pooler with a balancer": Case(
        "public",
        lambda t: one(t, "Pooler", "vestlus-pooler")["spec"].update(
            serviceTemplate={"spec": {"type": "LoadBalancer"}}
        ),
        only="small",
    ),
    "Ray without a token": Case("auth", lambda t: ray(t).pop("authOptions")),
    "Ray with its token off": Case("auth", lambda t: ray(t)["authOptions"].update(mode="disabled")),
}
