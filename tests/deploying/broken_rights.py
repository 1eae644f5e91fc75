"""Rights that nobody needs, and secrets that are written down."""

from __future__ import annotations

from typing import Any, Final

from tests.deploying.broken import Case

_HEAD: Final = {"kind": "ServiceAccount", "name": "vestlus-head", "namespace": "vestlus"}
_GROUP: Final = "rbac.authorization.k8s.io"


def _added(kind: str, **rest: Any) -> Any:  # noqa: ANN401 - a change
    """One object more."""
    version = f"{_GROUP}/v1" if kind != "Secret" else "v1"
    made = {"apiVersion": version, "kind": kind, "metadata": {"name": "more"}, **rest}
    return lambda tree: tree.append(made)


def _bound(kind: str, role: str, subject: dict[str, str] = _HEAD) -> Any:  # noqa: ANN401 - a change
    """One binding more."""
    wanted = {"apiGroup": _GROUP, "kind": "ClusterRole", "name": role}
    return _added(kind, roleRef=wanted, subjects=[subject])


def _role(**rule: list[str]) -> Any:  # noqa: ANN401 - a change
    """One role more."""
    whole = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], **rule}
    return _added("Role", rules=[whole])


RIGHTS: Final = {
    "an account that may do everything everywhere": Case(
        "rights", _bound("ClusterRoleBinding", "cluster-admin")
    ),
    "an account that may do everything in its namespace": Case(
        "rights", _bound("RoleBinding", "cluster-admin")
    ),
    "an account that may change everything": Case("rights", _bound("RoleBinding", "edit")),
    "rights for every account": Case(
        "rights",
        _bound(
            "ClusterRoleBinding",
            "view",
            {"apiGroup": _GROUP, "kind": "Group", "name": "system:serviceaccounts"},
        ),
    ),
    "a role for every verb": Case("rights", _role(verbs=["*"])),
    "a role for every kind": Case("rights", _role(resources=["*"])),
    "a role for every group": Case("rights", _role(apiGroups=["*"])),
    "a role for the parts of every kind": Case("rights", _role(resources=["*/scale"])),
    "a role that gives itself more": Case("rights", _role(verbs=["bind"])),
    "a secret that is written down": Case("secret", _added("Secret", data={"key": "bWFkZS11cA=="})),
    "a secret that is written down in words": Case(
        "secret", _added("Secret", stringData={"key": "made-up"})
    ),
}
