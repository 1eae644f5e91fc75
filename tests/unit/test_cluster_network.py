"""What the runbook says of the network that Ray's launcher makes, compared with the launcher."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NoReturn

import pytest
import ray.autoscaler
import yaml
from ray.autoscaler._private import commands
from ray.autoscaler._private.cli_logger import cli_logger

from tests.scripts_loaded import ROOT

FILE = ROOT / "cluster.yaml"


def section() -> str:
    text = (ROOT / "docs/operations.md").read_text("utf-8")
    return text.split("\n## Several machines\n", 1)[1].split("\n## ", 1)[0]


# Ray leaves the file that it has read to the collector.
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_who_answers_no_has_the_network_and_no_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    class NoMachines:
        def non_terminated_nodes(self, _tags: object) -> list[str]:
            done.append("asked for machines")
            return []

    def bootstrap(config: dict[str, Any], **_: object) -> dict[str, Any]:
        done.append("made the network")
        return config

    def no(_yes: object, question: str, **_: object) -> NoReturn:
        done.append(question)
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "_bootstrap_config", bootstrap)
    monkeypatch.setattr(commands, "_get_node_provider", lambda *_: NoMachines())
    monkeypatch.setattr(cli_logger, "confirm", no)
    with pytest.raises(KeyboardInterrupt):
        commands.create_or_update_cluster(
            str(FILE), None, None, no_restart=False, restart_only=False, yes=False
        )
    question = "No head node found. Launching a new cluster."
    assert done == ["made the network", "asked for machines", question]


def test_the_runbook_calls_network_and_subnet_as_the_launcher_does() -> None:
    config = yaml.safe_load(FILE.read_text("utf-8"))
    folder = Path(ray.autoscaler.__file__).parent / "_private/_azure"
    template = json.loads((folder / "azure-config-template.json").read_text("utf-8"))
    cluster = f"{config['cluster_name']}-{config['provider']['unique_id']}"
    names = {}
    for word in ("vnetName", "subnetName"):
        form = re.fullmatch(
            r"\[concat\('(\S+)', parameters\('clusterId'\), '(\S+)'\)\]",
            template["variables"][word],
        )
        assert form
        names[word] = f"{form[1]}{cluster}{form[2]}"
    text = section()
    assert f"--vnet-name {names['vnetName']} --name {names['subnetName']} " in text
    assert set(re.findall(r"\bray-[\w-]+-vnet\b", text)) == {names["vnetName"]}


def test_the_runbook_makes_what_the_launcher_takes_as_given() -> None:
    provider = yaml.safe_load(FILE.read_text("utf-8"))["provider"]
    text = section()
    group, name = provider["msi_resource_group"], provider["msi_name"]
    assert f"az identity create --resource-group {group} --name {name}\n" in text
    # A contributor to the cluster's group may not give machines an identity of another one.
    assert f'grant "Managed Identity Operator" "$(az identity show --resource-group {group}' in text
    assert f"--resource-group {provider['resource_group']} --vnet-name" in text
