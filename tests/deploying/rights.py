"""Whether nobody may do with Kubernetes more than he needs, and no secret lies in what is applied,
where whoever reads it knows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.deploying.findings import Finding
from tests.deploying.objects import Object, Objects, named, of_kind

#: Kubernetes' own roles that let their holder take over a namespace, or all of them
#: ("Using RBAC Authorization", "User-facing roles").
_MIGHTY: Final = frozenset({"cluster-admin", "admin", "edit"})

#: Verbs by which a right makes more rights ("Role Based Access Control Good Practices").
_GROWING: Final = frozenset({"escalate", "bind", "impersonate"})

_LISTS: Final = ("verbs", "resources", "apiGroups", "nonResourceURLs")


def check(objects: Objects) -> Iterator[Finding]:
    """A finding for each right that is too much, and each secret that is written down."""
    for one in of_kind(objects, "ClusterRoleBinding", "RoleBinding"):
        yield from _binding(one)
    for one in of_kind(objects, "ClusterRole", "Role"):
        for rule in one.get("rules") or []:
            yield from _rule(named(one), rule)
    for one in of_kind(objects, "Secret"):
        if one.get("data") or one.get("stringData"):
            what = "is written down for whoever reads the manifests: leave it to External Secrets"
            yield Finding("secret", named(one), what)


def _binding(one: Object) -> Iterator[Finding]:
    role = one["roleRef"]["name"]
    if role in _MIGHTY:
        yield Finding("rights", named(one), f"gives every right that there is: {role}")
    for subject in one.get("subjects") or []:
        # Groups are Kubernetes' own, such as everybody who has signed in, or all accounts.
        if subject.get("kind") == "Group":
            yield Finding("rights", named(one), f"gives rights to all of {subject.get('name')}")


def _rule(where: str, rule: Mapping[str, Any]) -> Iterator[Finding]:
    for key in _LISTS:
        if any("*" in str(word) for word in rule.get(key) or []):
            yield Finding("rights", where, f"has a wildcard for {key}")
    if more := _GROWING & set(rule.get("verbs") or []):
        yield Finding("rights", where, f"may give itself more rights: {', '.join(sorted(more))}")
