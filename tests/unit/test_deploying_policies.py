"""Network policies are evaluated as Kubernetes evaluates them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.deploying.objects import matches
from tests.deploying.policies import NAME, End, bits, reached, told, witnesses

HERE = End("here", {"app": "here", "tier": "front"}, {"web": 8000})
THERE = End("there", {"app": "there"})
ELSEWHERE = End("elsewhere", {"app": "there"}, space={NAME: "other", "team": "red"})
OUTSIDE = End("outside", address="192.0.2.9")


EVERY = "every port"


def policy(**spec: object) -> dict[str, Any]:
    chosen = {"podSelector": {"matchLabels": {"app": "here"}}}
    return {"kind": "NetworkPolicy", "spec": {**chosen, **spec}}


def lets_in(*peers: object, **rule: object) -> dict[str, Any]:
    return policy(ingress=[{"from": list(peers), **rule}])


@pytest.mark.parametrize(
    ("policies", "source", "ports"),
    [
        ([], THERE, EVERY),
        ([policy()], THERE, ""),
        ([policy(policyTypes=["Egress"])], THERE, EVERY),
        ([policy(podSelector={"matchLabels": {"app": "there"}})], THERE, EVERY),
        ([policy(podSelector={})], THERE, ""),
        ([lets_in()], OUTSIDE, EVERY),
        ([lets_in(ports=[{"port": 80}])], ELSEWHERE, "80"),
        ([lets_in(ports=[{"port": 80, "endPort": 90}])], THERE, "80-90"),
        ([lets_in(ports=[{"port": "web"}])], THERE, "8000"),
        ([lets_in(ports=[{"port": "api"}])], THERE, ""),
        ([lets_in(ports=[{"port": 80, "protocol": "UDP"}])], THERE, ""),
        ([lets_in(ports=[{"protocol": "TCP"}])], THERE, EVERY),
        ([lets_in({"podSelector": {}})], THERE, EVERY),
        ([lets_in({"podSelector": {}})], ELSEWHERE, ""),
        ([lets_in({"namespaceSelector": {}})], ELSEWHERE, EVERY),
        ([lets_in({"namespaceSelector": {}})], OUTSIDE, ""),
        ([lets_in({"namespaceSelector": {"matchLabels": {"team": "red"}}})], ELSEWHERE, EVERY),
        ([lets_in({"namespaceSelector": {"matchLabels": {"team": "red"}}})], THERE, ""),
        (
            [lets_in({"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "here"}}})],
            ELSEWHERE,
            "",
        ),
        ([lets_in({"ipBlock": {"cidr": "192.0.2.0/24"}})], OUTSIDE, EVERY),
        ([lets_in({"ipBlock": {"cidr": "192.0.2.0/24", "except": ["192.0.2.8/30"]}})], OUTSIDE, ""),
        ([lets_in({"ipBlock": {"cidr": "0.0.0.0/0"}})], THERE, ""),
        ([lets_in({"podSelector": {}}), policy()], THERE, EVERY),
    ],
)
def test_what_a_policy_lets_in_is_let_in_and_nothing_else(
    policies: list[dict[str, Any]], source: End, ports: str
) -> None:
    assert told(reached(policies, source, HERE)) == ports


def test_both_ends_have_to_let_it_through() -> None:
    leaves = policy(
        podSelector={"matchLabels": {"app": "there"}},
        egress=[{"to": [{"podSelector": {}}], "ports": [{"port": 80, "endPort": 90}]}],
    )
    comes = lets_in(ports=[{"port": 85, "endPort": 99}])
    assert reached([leaves, comes], THERE, HERE) == bits(85, 90)
    # It says what goes out only, and what its own pod takes in only where it has a rule for it.
    assert reached([leaves, comes], HERE, THERE) == 0
    assert reached([{**leaves, "spec": {**leaves["spec"], "policyTypes": ["Egress"]}}], HERE, THERE)


@pytest.mark.parametrize(
    ("operator", "key", "values", "chosen"),
    [
        ("In", "app", ["here", "there"], HERE),
        ("In", "app", ["there"], None),
        ("In", "none", ["here"], None),
        ("NotIn", "app", ["here"], None),
        ("NotIn", "none", ["here"], HERE),
        ("Exists", "tier", None, HERE),
        ("Exists", "none", None, None),
        ("DoesNotExist", "none", None, HERE),
        ("DoesNotExist", "tier", None, None),
    ],
)
def test_labels_are_chosen_by_expressions(
    operator: str, key: str, values: list[str] | None, chosen: End | None
) -> None:
    expression = {"key": key, "operator": operator, **({"values": values} if values else {})}
    assert matches({"matchExpressions": [expression]}, HERE.labels) is (chosen is HERE)
    assert not matches(
        {"matchLabels": {"app": "there"}, "matchExpressions": [expression]}, HERE.labels
    )


def test_everybody_whom_a_peer_may_be_is_asked_about() -> None:
    spaces = {"matchExpressions": [{"key": NAME, "operator": "In", "values": ["a", "b"]}]}
    found = list(witnesses([lets_in({"namespaceSelector": spaces})], "ingress"))
    assert [one.space[NAME] for one in found] == ["a", "b"]
    assert all(reached([lets_in({"namespaceSelector": spaces})], one, HERE) for one in found)


@given(st.sets(st.integers(1, 65535), max_size=40))
def test_ports_are_told_as_they_are(ports: set[int]) -> None:
    mask = sum(bits(port) for port in ports)
    words = told(mask)
    read: set[int] = set()
    for word in filter(None, words.split(", ")):
        low, _, high = word.partition("-")
        read |= set(range(int(low), int(high or low) + 1))
    assert read == ports
    assert sum(bits(port) for port in read) == mask


def test_namespaces_of_different_labels_are_asked_about_one_by_one() -> None:
    peers = [{"namespaceSelector": {"matchLabels": {"team": team}}} for team in ("red", "blue")]
    found = list(witnesses([lets_in(peers[0]), lets_in(peers[1])], "ingress"))
    assert {one.space.get("team") for one in found} == {"red", "blue"}
    assert len({one.name for one in found}) == len(found)
