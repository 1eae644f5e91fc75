"""How the Dockerfile is read where there is no engine, and the bill of materials."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from tests.scripts_loaded import ROOT, script

rehearsal = script("rehearse_image")
sbom = script("sbom")

FILE = """
# about it
ARG BASE=debian:x-slim
ARG MORE
FROM ${BASE} AS build
RUN one \\
    && two
COPY a b ./
FROM $BASE
ENV A=1 \\
    B="two words" PATH=/own:$PATH
USER 5:5
CMD ["serve"]
"""


def test_a_dockerfile_is_read_as_stages_with_their_steps() -> None:
    build, last = rehearsal.stages(FILE)
    assert (build.base, build.name) == ("debian:x-slim", "build")
    assert [word for word, _ in build.steps] == ["RUN", "COPY"]
    assert build.steps[0][1].split() == ["one", "&&", "two"]
    assert last.steps[-1] == ("CMD", '["serve"]')


def test_a_build_argument_that_is_given_wins_over_its_default() -> None:
    assert rehearsal.stages(FILE, {"BASE": "debian:y-slim"})[1].base == "debian:y-slim"


def test_variables_may_have_spaces_and_refer_to_those_before() -> None:
    rest = rehearsal.stages(FILE)[1].steps[0][1]
    assert rehearsal.variables(rest, {"PATH": "/bin"}) == {
        "A": "1",
        "B": "two words",
        "PATH": "/own:/bin",
    }


@pytest.mark.parametrize("line", ["ADD a b", "VOLUME /x", "RUN too early\nFROM x"])
def test_an_instruction_that_is_not_known_is_refused_and_not_left_out(line: str) -> None:
    text = line if "FROM" in line else f"FROM x\n{line}"
    with pytest.raises(rehearsal.NotRehearsedError):
        rehearsal.stages(text)


def test_our_own_dockerfile_has_only_what_the_rehearsal_knows() -> None:
    stages = rehearsal.stages((ROOT / "Dockerfile").read_text("utf-8"))
    assert [stage.base for stage in stages] == ["debian:trixie-slim"] * 2


def test_the_bill_names_each_package_once_with_its_version_and_what_it_needs() -> None:
    bill = sbom.bill()
    named = [one["purl"] for one in bill["components"]]
    assert len(named) == len(set(named))
    assert f"pkg:pypi/ray@{version('ray')}" in named
    assert bill["metadata"]["component"]["name"] == "vestlus"
    (own,) = (one for one in bill["dependencies"] if "/vestlus@" in one["ref"])
    assert f"pkg:pypi/ray@{version('ray')}" in own["dependsOn"]
    assert sbom.bill() == bill
