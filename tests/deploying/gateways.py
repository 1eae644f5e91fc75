"""What is reached through Kubernetes' Gateway API ("API Reference", "HTTP routing" in its
documentation): the public paths, by TLS, and all else from the own network only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tests.deploying.findings import Finding
from tests.deploying.objects import Object, Objects, matches, named, of_kind, services
from tests.deploying.policies import NAME, OWN
from tests.deploying.safety import PUBLIC

GROUP: Final = "gateway.networking.k8s.io"

#: Classes that hand annotations of ``infrastructure`` on to their load balancer: those of AKS.
_AZURES: Final = frozenset({"approuting-istio", "istio"})

_INTERNAL: Final = "service.beta.kubernetes.io/azure-load-balancer-internal"
_CERTIFICATE: Final = "kubernetes.azure.com/tls-cert-keyvault-uri"
_READER: Final = "kubernetes.azure.com/tls-cert-service-account"
_CLIENT: Final = "azure.workload.identity/client-id"

#: Kinds of the group that were looked at. Others open ways of their own.
_KNOWN: Final = frozenset({"Gateway", "HTTPRoute"})

#: Filters that change nothing about who is led where.
_HARMLESS: Final = frozenset({"RequestHeaderModifier", "ResponseHeaderModifier"})


def gateways(objects: Objects) -> dict[tuple[str, str], Object]:
    """By namespace and name."""
    return {(_space(one), str(one["metadata"]["name"])): one for one in _of(objects, "Gateway")}


def routes(objects: Objects) -> Iterator[Object]:
    """Those of HTTP."""
    return _of(objects, "HTTPRoute")


def parents(route: Object, objects: Objects) -> Iterator[tuple[Mapping[str, Any], Object | None]]:
    """What a route wants to be of, each with the gateway that it names, if there is one."""
    there = gateways(objects)
    for wanted in route["spec"].get("parentRefs") or []:
        place = (str(wanted.get("namespace", _space(route))), str(wanted.get("name")))
        kind = (wanted.get("group", GROUP), wanted.get("kind", "Gateway"))
        yield wanted, there.get(place) if kind == (GROUP, "Gateway") else None


def check(objects: Objects) -> Iterator[Finding]:
    """A finding for each way in that is not one of those, and each that leads nowhere."""
    for one in objects:
        group = str(one.get("apiVersion")).partition("/")[0]
        if group == GROUP and one.get("kind") not in _KNOWN:
            yield Finding("public", named(one), "what this kind opens, nobody has looked at")
    for one in gateways(objects).values():
        yield from _gateway(one, objects)
    for one in routes(objects):
        yield from _attached(one, objects)
        yield from _rules(one, objects)


def _of(objects: Objects, kind: str) -> Iterator[Object]:
    for one in of_kind(objects, kind):
        if str(one.get("apiVersion")).startswith(f"{GROUP}/"):
            yield one


def _space(one: Object) -> str:
    return str(one["metadata"].get("namespace", OWN))


def _internal(gateway: Object) -> bool:
    spec = gateway["spec"]
    annotations = (spec.get("infrastructure") or {}).get("annotations") or {}
    return spec.get("gatewayClassName") in _AZURES and annotations.get(_INTERNAL) == "true"


def _gateway(one: Object, objects: Objects) -> Iterator[Finding]:
    if _space(one) == OWN:
        what = "its pods would be where everything is closed: give it another namespace"
        yield Finding("network", named(one), what)
    for listener in one["spec"].get("listeners") or []:
        where = f"{named(one)}, {listener.get('name')}"
        tls = listener.get("tls") or {}
        if listener.get("protocol") != "HTTPS" or tls.get("mode", "Terminate") != "Terminate":
            yield Finding("tls", where, "is served without TLS that ends here")
        if not listener.get("hostname"):
            yield Finding("tls", where, "answers for names of which it has no certificate")
        spaces = (listener.get("allowedRoutes") or {}).get("namespaces") or {}
        if not _takes(spaces, OWN):
            yield Finding("selector", where, f"takes no routes of the namespace {OWN}")
        if _takes(spaces, "another"):
            yield Finding("public", where, "takes routes of namespaces that are not ours")
        yield from _certificate(where, one, tls, objects)


def _takes(spaces: Mapping[str, Any], space: str) -> bool:
    """Whether a listener takes routes of a namespace; ``Same`` is that of the gateway."""
    if spaces.get("from", "Same") == "Selector":
        return matches(spaces.get("selector") or {}, {NAME: space})
    return spaces.get("from") == "All"


def _certificate(
    where: str, gateway: Object, tls: Mapping[str, Any], objects: Objects
) -> Iterator[Finding]:
    """Where it is from: AKS reads it in Key Vault with an account of the gateway's namespace."""
    options = tls.get("options") or {}
    if not options.get(_CERTIFICATE):
        yield Finding("secret", where, f"names no certificate in Key Vault: {_CERTIFICATE}")
        return
    accounts = {
        str(one["metadata"]["name"]): one["metadata"].get("annotations") or {}
        for one in of_kind(objects, "ServiceAccount")
        if _space(one) == _space(gateway)
    }
    reader = options.get(_READER)
    if reader not in accounts:
        yield Finding("account", where, f"there is no ServiceAccount {reader} beside it")
    elif not accounts[reader].get(_CLIENT):
        yield Finding("identity", where, f"its service account names no {_CLIENT}")


def _attached(route: Object, objects: Objects) -> Iterator[Finding]:
    hosts = set(route["spec"].get("hostnames") or [])
    if not hosts:
        yield Finding("tls", named(route), "is for whatever name is asked for: hostnames")
    found = list(parents(route, objects))
    if not found:
        yield Finding("selector", named(route), "is of no gateway: parentRefs")
    for wanted, gateway in found:
        listeners: Sequence[Mapping[str, Any]] = gateway["spec"]["listeners"] if gateway else []
        section = wanted.get("sectionName")
        chosen = [one for one in listeners if section in (None, one.get("name"))]
        if not chosen:
            what = f"there is no gateway {wanted.get('name')} with a listener {section or ''}"
            yield Finding("selector", named(route), what.rstrip())
        for host in sorted(hosts - {str(one.get("hostname")) for one in chosen} if chosen else ()):
            yield Finding("tls", named(route), f"no listener of its gateway is for {host}")


def _rules(route: Object, objects: Objects) -> Iterator[Finding]:
    inside = all(one is not None and _internal(one) for _, one in parents(route, objects))
    for rule in route["spec"].get("rules") or [{}]:
        for each in (rule, *(rule.get("backendRefs") or [])):
            for used in each.get("filters") or []:
                if used.get("type") not in _HARMLESS:
                    what = f"may lead elsewhere than its paths say: {used.get('type')}"
                    yield Finding("public", named(route), what)
        # Without a match, or without a path in it, it is for every path.
        for match in rule.get("matches") or [{}]:
            if not inside:
                yield from _path(named(route), match.get("path") or {})
        yield from _backends(route, rule.get("backendRefs") or [], objects)


def _path(where: str, path: Mapping[str, Any]) -> Iterator[Finding]:
    value, kind = path.get("value", "/"), path.get("type", "PathPrefix")
    if value not in PUBLIC:
        yield Finding("public", where, f"{value} is open to anybody")
    if kind not in {"Exact", "PathPrefix"}:
        yield Finding("public", where, f"what {value} means is the gateway's choice")


def _backends(
    route: Object, wanted: Sequence[Mapping[str, Any]], objects: Objects
) -> Iterator[Finding]:
    there = services(objects)
    if not wanted:
        yield Finding("selector", named(route), "a rule leads nowhere: backendRefs")
    for one in wanted:
        name = str(one.get("name"))
        ours = one.get("namespace", _space(route)) == OWN and one.get("kind", "Service")
        if ours != "Service" or name not in there:
            yield Finding("selector", named(route), f"there is no service {name} of ours")
        elif one.get("port") not in there[name]:
            yield Finding("port", named(route), f"the service {name} has no port {one.get('port')}")
