"""What ``deploy/monitoring`` ships goes by what ``/metrics`` tells, and the documents by both."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from tests.exposed import All, exposed

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "deploy" / "monitoring"
DOCS = ROOT / "docs"

#: Told by Prometheus itself of each target.
OWN_OF_PROMETHEUS = {"up": frozenset({"job", "instance"})}

#: A selector: a name of ours or Prometheus' own, and what stands in its braces.
SELECTOR = re.compile(r"\b(vestlus_\w+|up)\b(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"(?:[^"\\]|\\.)*"')
BY = re.compile(r"\b(?:by|without|on)\s*\(([^)]*)\)")
DURATION = re.compile(r"\d+(ms|s|m|h|d|w|y)")
ROW = re.compile(r"^\| `(vestlus_\w+)` \| (\w+) \| (.*?) \| (.+) \|$", re.MULTILINE)


def read(name: str) -> Any:  # noqa: ANN401 - YAML
    return yaml.safe_load((MONITORING / name).read_text("utf-8"))


def rules() -> list[dict[str, Any]]:
    return [rule for group in read("rules.yml")["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((MONITORING / "dashboard.json").read_text("utf-8"))[
        "panels"
    ]
    return found


def queries() -> Iterator[tuple[str, str]]:
    """Every query that is shipped, by where it stands."""
    for rule in rules():
        yield rule["alert"], rule["expr"]
    for panel in panels():
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]


def known() -> dict[str, frozenset[str]]:
    """The labels of each sample that Prometheus can have."""
    samples = {
        sample: one.labels | ({"le"} if sample.endswith("_bucket") else frozenset())
        for one in exposed().values()
        for sample in one.samples
    }
    return samples | OWN_OF_PROMETHEUS


def problems(query: str) -> list[str]:
    """What is wrong with the names and labels of a query."""
    labels_of, found, used = known(), [], frozenset[str]()
    for name, braces in SELECTOR.findall(query):
        if name not in labels_of:
            found.append(f"nobody tells {name}")
            continue
        used |= labels_of[name]
        rest = MATCHER.sub("", braces).replace(",", "").strip()
        if rest:
            found.append(f"{name}: {rest} is no matcher")
        asked = {match[0] for match in re.findall(r"(\w+)\s*(=~|!~|!=|=)", braces)}
        found += [f"{name} has no label {label}" for label in asked - labels_of[name]]
    for names in BY.findall(query):
        by = {name.strip() for name in names.split(",") if name.strip()}
        found += [f"nothing has the label {label}" for label in by - used]
    if not SELECTOR.search(query):
        found.append("asks for nothing")
    plain = re.sub(r'"(?:[^"\\]|\\.)*"', "", query)
    for opening, closing in ("()", "{}", "[]"):
        if plain.count(opening) != plain.count(closing):
            found.append(f"{opening} and {closing} do not match")
    return found


def test_queries_ask_only_for_what_is_told_by_labels_that_it_has() -> None:
    shipped = list(queries())
    assert len(shipped) > 80
    assert {where: found for where, query in shipped if (found := problems(query))} == {}


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("vestlus_nothing > 1", "nobody tells vestlus_nothing"),
        ("vestlus_turns > 1", "nobody tells vestlus_turns"),
        ('vestlus_turns_total{user="1"}', "vestlus_turns_total has no label user"),
        ("sum by (user) (vestlus_turns_total)", "nothing has the label user"),
        ("vestlus_turns_total{account}", "vestlus_turns_total: account is no matcher"),
        ("rate(vestlus_turns_total[5m]", "( and ) do not match"),
        ("1 > 0", "asks for nothing"),
    ],
)
def test_a_query_that_asks_for_something_else_is_found(query: str, problem: str) -> None:
    assert problems(query) == [problem]


def test_each_alert_says_what_it_is_what_to_do_and_where_more_stands() -> None:
    found = rules()
    names = [rule["alert"] for rule in found]
    assert len(set(names)) == len(names)
    for rule in found:
        name = rule["alert"]
        assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}, name
        assert re.fullmatch(r"Vestlus([A-Z][a-z]+)+", name), name
        assert DURATION.fullmatch(rule.get("for", "0m")), name
        assert rule["labels"]["severity"] in ("critical", "warning"), name
        said = rule["annotations"]
        assert said.keys() == {"summary", "action", "runbook"}, name
        assert said["summary"].endswith("."), name
        assert said["action"].endswith("."), name
        assert said["runbook"] == f"docs/alerts.md#{name.lower()}"


def test_what_an_alert_says_names_labels_that_its_query_leaves() -> None:
    for rule in rules():
        said = " ".join(rule["annotations"].values())
        for label in re.findall(r"\$labels\.(\w+)", said):
            grouped = {name for names in BY.findall(rule["expr"]) for name in names.split(",")}
            kept = grouped or {
                label for name, _ in SELECTOR.findall(rule["expr"]) for label in known()[name]
            }
            assert label in {name.strip() for name in kept}, rule["alert"]


def test_each_alert_has_its_heading_in_the_documents_and_each_heading_its_alert() -> None:
    text = (DOCS / "alerts.md").read_text("utf-8")
    headings = re.findall(r"^### (\S+)$", text, re.MULTILINE)
    assert headings == [rule["alert"] for rule in rules()]
    for rule in rules():
        part = text.partition(f"### {rule['alert']}\n")[2].partition("\n### ")[0]
        assert part.strip().startswith(f"*{rule['labels']['severity'].capitalize()}.*")
        assert "\n1. " in part, rule["alert"]
    links = re.findall(r"\]\(#(\w+)\)", text)
    assert set(links) <= {heading.lower() for heading in headings}


def test_each_alert_is_tried_by_promtools_tests_and_fires_there_once_at_least() -> None:
    tried = read("rules_test.yml")
    assert tried["rule_files"] == ["rules.yml"]
    fired = {
        one["alertname"]
        for case in tried["tests"]
        for one in case["alert_rule_test"]
        if one["exp_alerts"]
    }
    assert fired == {rule["alert"] for rule in rules()}
    series = [one["series"] for case in tried["tests"] for one in case["input_series"]]
    assert {one for one in series if problems(one)} == set()


def test_the_scrape_configuration_asks_metrics_of_one_target_and_reads_the_rules() -> None:
    read_ = read("prometheus.yml")
    assert read_["rule_files"] == ["rules.yml"]
    (job,) = read_["scrape_configs"]
    assert (job["job_name"], job["metrics_path"]) == ("vestlus", "/metrics")
    (targets,) = job["static_configs"]
    assert len(targets["targets"]) == 1


def test_the_dashboard_has_panels_that_ask_and_do_not_overlap() -> None:
    found = panels()
    assert len({panel["id"] for panel in found}) == len(found)
    for panel in found:
        where = panel["gridPos"]
        assert 0 <= where["x"] <= where["x"] + where["w"] <= 24, panel["title"]
        if panel["type"] != "row":
            assert panel["targets"], panel["title"]
            assert {target["refId"] for target in panel["targets"]} >= {"A"}
            assert panel["datasource"]["uid"] == "${datasource}"
    for one, other in combinations(found, 2):
        a, b = one["gridPos"], other["gridPos"]
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        apart = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        assert beside or apart, (one["title"], other["title"])


def test_the_table_of_measures_is_what_is_told() -> None:
    text = (DOCS / "measures.md").read_text("utf-8")
    rows = {
        name: (kind, frozenset(re.findall(r"`(\w+)`", labels)))
        for name, kind, labels, _ in ROW.findall(text)
    }
    own = re.findall(r"^\| `(vestlus_\w+)`", text, re.MULTILINE)
    assert sorted(own) == sorted(rows), "a row that cannot be read, or one that stands twice"
    told = {name: (one.type, one.labels - {"process"}) for name, one in exposed().items()}
    if not sys.platform.startswith("linux"):
        # The operating system tells them on Linux alone.
        rows = {name: row for name, row in rows.items() if name in told}
    assert rows == told


def test_everything_that_is_told_is_read_by_the_librarys_parser() -> None:
    text = generate_latest(All()).decode()
    read_ = {
        sample.name: family.type
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert read_.keys() == {sample for one in exposed().values() for sample in one.samples}
    assert all(name.startswith("vestlus_") for name in read_)
    for line in text.splitlines():
        assert line.startswith(("# HELP vestlus_", "# TYPE vestlus_", "vestlus_")), line
