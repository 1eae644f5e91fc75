"""Every code that the program can write has words in the console's languages.

Codes are read from the program itself: from its enumerations and tables, and from the calls in its
source that write them. A new one without words fails here.
"""

from __future__ import annotations

import ast
import importlib
import itertools
import pkgutil
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Final, get_args

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import image_bank
import publishers
import vestlus
from vestlus.assistant.breaker import CIRCUIT_OPEN
from vestlus.assistant.failures import Reason as AssistantReason
from vestlus.bus.port import Queue
from vestlus.cli.acts import ACTS
from vestlus.cli.noting import word
from vestlus.console.api_all import OPERATIONS
from vestlus.console.codes import Codes
from vestlus.console.words import Language, known
from vestlus.console.words.reasons import HANDED_OVER, WORDS
from vestlus.conversation.replaying import Refusal as ReplayRefusal
from vestlus.conversation.reply import Concern
from vestlus.desk.preserving import Problem as PreserveProblem
from vestlus.errors import VestlusError
from vestlus.instagram import graph_http, graph_table
from vestlus.scheduling.missed import MissedRule
from vestlus.settings_schedules import Schedule
from vestlus.store.erasing import BY_META, BY_USER, ErasureState
from vestlus.store.ledger import SendState
from vestlus.store.operator_rows import FAILED, HANDED_IN
from vestlus.store.rows import EVENT_SOURCE, LEDGER_SOURCE, EventState

Call = tuple[ModuleType, ast.Call]
Assignment = tuple[ModuleType, ast.Assign]

_CODE: Final = re.compile(r"[a-z][a-z_]*")
_ACTION: Final = re.compile(r"[a-z_]+\.[a-z_]+")
_DESK: Final = "vestlus.desk"
#: They write nothing that operators see.
_ELSEWHERE: Final = ("simulator", "loadtest", "evaluation", "migrations", "words", "__main__")


@cache
def sources() -> tuple[tuple[ModuleType, ast.Module], ...]:
    """Every module of the program with its source."""
    found = []
    for package in (vestlus, publishers, image_bank):
        for one in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not set(one.name.split(".")) & set(_ELSEWHERE):
                module = importlib.import_module(one.name)
                assert module.__file__ is not None
                if not module.__file__.endswith("__init__.py"):
                    text = Path(module.__file__).read_text("utf-8")
                    found.append((module, ast.parse(text)))
    return tuple(found)


@cache
def written() -> tuple[dict[str, list[Call]], dict[str, list[Assignment]]]:
    """Every call, by the name of what is called, and every assignment to a variable, by its name.

    To walk through all of the program takes a second.
    """
    called: dict[str, list[Call]] = defaultdict(list)
    assigned: dict[str, list[Assignment]] = defaultdict(list)
    for module, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                if isinstance(node.func, ast.Name):
                    called[node.func.id].append((module, node))
                elif isinstance(node.func, ast.Attribute):
                    called[node.func.attr].append((module, node))
            elif isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        assigned[target.id].append((module, node))
    return called, assigned


def calls(*names: str) -> Iterator[Call]:
    """Every call of what is so named."""
    called, _ = written()
    return itertools.chain.from_iterable(called.get(name, ()) for name in names)


def strings(module: ModuleType, node: ast.AST | None) -> Iterator[str]:
    """The strings that an argument may be, as far as the source tells."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.Name) and isinstance(getattr(module, node.id, None), str):
        yield str(getattr(module, node.id))
    elif isinstance(node, ast.IfExp):
        yield from strings(module, node.body)
        yield from strings(module, node.orelse)
    elif isinstance(node, ast.JoinedStr) and node.values:
        # What begins with a code, and has more behind it.
        yield from strings(module, node.values[0])
    elif isinstance(node, ast.FormattedValue):
        yield from strings(module, node.value)
    elif isinstance(node, ast.BoolOp):
        for one in node.values:
            yield from strings(module, one)


def given_as(name: str, place: int, *called: str, within: str = "") -> set[str]:
    """What is given to calls by that name, or in that place; in modules whose names begin so."""
    found: set[str] = set()
    for module, call in calls(*called):
        if not module.__name__.startswith(within):
            continue
        named = [one.value for one in call.keywords if one.arg == name]
        for node in named or call.args[place : place + 1]:
            found.update(one for one in strings(module, node) if one)
    return found


def assigned_to(name: str, *within: str) -> set[str]:
    """What variables of that name are given, in modules whose names begin so."""
    found: set[str] = set()
    _, assigned = written()
    for module, node in assigned.get(name, ()):
        if module.__name__.startswith(within):
            found.update(strings(module, node.value))
    return found


def actions() -> set[str]:
    found = {one.action for one in ACTS.values()} | {one.action for one in OPERATIONS}
    for module, call in calls("action", "entry", "AuditEntry", "Refusals"):
        for node in (*call.args, *(one.value for one in call.keywords)):
            found.update(one for one in strings(module, node) if _ACTION.fullmatch(one))
    return found - {""}


def errors() -> Iterator[type[VestlusError]]:
    sources()
    waiting = [VestlusError]
    while waiting:
        for one in waiting.pop().__subclasses__():
            # Those of the program; tests make some of their own.
            if one.__module__.split(".")[0] in ("vestlus", "publishers", "image_bank") and not (
                set(one.__module__.split(".")) & set(_ELSEWHERE)
            ):
                yield one
            waiting.append(one)


def outcomes() -> set[str]:
    found = {"done", FAILED, HANDED_IN, str(ErasureState.OPEN), *map(word, errors())}
    found |= {fault.error for one in OPERATIONS if one.action for fault in one.faults}
    found |= given_as("outcome", 99, "entry", "AuditEntry", "_audit")
    found |= given_as("outcome", 1, "came_to")
    found |= given_as("error", 1, "ApiRefusal") - _BEFORE_THE_ACT
    found |= given_as("reason", 0, "NotLetIn")
    found |= given_as("outcome", 1, "HttpRefusal", within="vestlus.instagram.asgi")
    found |= given_as("outcome", 2, "_refused", within="vestlus.console.guarding")
    found |= given_as("problem", 2, "_not_given")
    found |= given_as("outcome", 1, "note") & {"wrong", "locked"}
    found |= {f"dead_letters.refused.{one}" for one in ReplayRefusal}
    found |= {f"user_data.refused.{one}" for one in PreserveProblem}
    found |= {f"posts.refused.{one}" for one in given_as("reason", 0, "Problem", within=_DESK)}
    # Of keys with an end that is known only then, the ends are above.
    return found | {one for one in given_as("problem", 0, "Refusal") if not one.endswith(".")}


#: With these the API refuses before an act begins: they are in no audit.
_BEFORE_THE_ACT: Final = {"not_here", "unauthorized", "too_many_wrong", "method_not_allowed"} | {
    "no_such_path"
}


def steps() -> set[str]:
    found = {str(one) for one in SendState} | {str(EventState.DEAD)}
    found |= given_as("what", 1, "Moment")
    # Counted in a conversation's row.
    return found | {"owners_that_took_over", "tries_set_apart"}


def tables() -> Iterator[str]:
    """Reasons of the table of Graph's errors and of connections that broke."""
    for value in vars(graph_table).values():
        rules = value.values() if isinstance(value, dict) else [value]
        yield from (one.reason for one in rules if isinstance(one, graph_table.Rule))
    yield from (word for _, word in graph_http._REASONS)


def reasons() -> set[str]:
    found = {*map(str, AssistantReason), *map(str, Concern), *map(str, ReplayRefusal), *tables()}
    # Where a replay is refused, that is an outcome.
    found -= {str(one) for one in ReplayRefusal}
    found |= given_as("detail", 2, "Moment")
    found |= given_as("reason", 2, "_after_failure") | given_as("note", 99, "Change")
    found |= assigned_to("reason", "vestlus.hosting", "publishers")
    found |= given_as("reason", 1, "_give_up", "ambiguous", "Unknowable")
    found |= given_as("reason", 0, "NotSent", "OutcomeUnknown", "Refused", "Unknowable")
    found |= given_as("reason", 99, "Step", "step", "give_up", "partial", "_noted", "_to_people")
    found |= given_as("reason", 99, "buried", "unreadable", "DeadLetter")
    found |= given_as("missing", 1, "_named") | given_as("reason", 1, "_stop", "stop_account")
    return {one for one in found if _CODE.fullmatch(one)}


def handed_over() -> set[str]:
    """Codes that notes for people begin with."""
    hosting = "vestlus.hosting"
    found = {*map(str, AssistantReason), CIRCUIT_OPEN, *map(str, Concern)}
    # Whose messages are unsafe gets a fixed text, and nobody is told.
    found.remove(Concern.UNSAFE_MESSAGES)
    found |= given_as("reason", 99, "_noted", "_to_people", within=hosting)
    found |= given_as("reason", 2, "_after_failure", within=hosting)
    found |= given_as("note", 99, "Change", within=hosting)
    return found | assigned_to("reason", "vestlus.hosting.answers")


@pytest.mark.parametrize("language", Language)
def test_every_code_has_words(language: Language) -> None:
    codes = Codes(language)
    without = [
        *(f"action {one}" for one in actions() if codes.action(one) == one),
        *(f"outcome {one}" for one in outcomes() if not _has_outcome(one)),
        *(f"step {one}" for one in steps() if not known(f"steps.{one}")),
        *(f"reason {one}" for one in reasons() if not known(f"reasons.{one}")),
        *(f"outcome {one}" for one in ReplayRefusal if not _has_outcome(str(one))),
    ]
    assert sorted(without) == []


def test_what_a_note_may_begin_with_is_what_hand_overs_write() -> None:
    assert handed_over() == set(HANDED_OVER)


def _has_outcome(code: str) -> bool:
    return known(f"outcomes.{code}") or known(code)


def test_the_walk_finds_what_is_written() -> None:
    assert {"conversation.reply", "session.leave", "account.deauthorise"} <= actions()
    assert {"forged", "no_such_letter", "wrong", "no_role"} <= outcomes()
    assert {"conversations.refused.no_draft", "store_in_use"} <= outcomes()
    assert {"buried", "decided", "taken_in", "replayed"} <= steps()
    wanted = {"asked_for_a_person", "missed_message", "kills_its_process", "claim_in_doubt"}
    assert wanted | {"throttled", "no_connection", "window_closed", "emergency"} <= reasons()


@pytest.mark.parametrize("language", Language)
def test_where_a_letter_came_from_and_who_did_it_has_words(language: Language) -> None:
    codes = Codes(language)
    for source in (*(f"{one}.3" for one in Queue), EVENT_SOURCE, LEDGER_SOURCE):
        assert codes.source(source) != source
    assert "Mari" not in {codes.person(BY_USER), codes.person(BY_META), codes.person("deauthorize")}
    assert codes.person("Mari") == "Mari"


@pytest.mark.parametrize("language", Language)
def test_a_schedule_is_told_in_words(language: Language) -> None:
    codes = Codes(language)
    keys = {one for one in Schedule.model_fields if one != "name"}
    assert {one for one in keys if not known(f"posts.schedule.key.{one}")} == set()
    chosen = Schedule.model_fields["choose"].annotation
    told = {("choose", one) for one in get_args(chosen)} | {("missed", one) for one in MissedRule}
    assert [one for one in told if codes.value(*one) == one[1]] == []
    assert codes.value("approve", False) in ("ei", "no")
    assert codes.value("tags", ["a", "b"]) == "a, b"


def test_a_code_is_told_with_what_belongs_to_it() -> None:
    codes = Codes(Language.ESTONIAN)
    assert codes.note("asked_for_a_person: Tere: kas?") == "Kasutaja palus inimest: Tere: kas?"
    erased = codes.note("wants_to_be_erased (ABC-1): kustuta")
    assert erased == "Kasutaja soovib, et tema andmed kustutataks (ABC-1): kustuta"
    assert codes.note("Soovib arvet: kiiresti") == "Soovib arvet: kiiresti"
    assert codes.note("approved: refund 20 €") == "approved: refund 20 €"
    assert codes.reason("graph_100") == "Instagrami viga 100"
    assert codes.reason("undecodable: json_invalid at the top").startswith("seda ei saa lugeda: ")
    assert codes.reason("undecodable: no_json") == "seda ei saa lugeda"
    assert codes.step("replay_refused", "window_closed Mari Maasikas") == (
        "uuesti saatmisest keelduti: vastamise aeg oli läbi (Mari Maasikas)"
    )
    assert codes.step("replay_refused", "window_closed") == (
        "uuesti saatmisest keelduti: vastamise aeg oli läbi"
    )
    assert codes.step("replayed", "restored") == "saadeti uuesti teele: restored"
    assert codes.outcome("posts.refused.account_unknown") == "keelduti"


#: Words that look like codes, some of them of the program's.
_CODES = st.from_regex(_CODE, fullmatch=True) | st.sampled_from(
    sorted(one.removeprefix("reasons.") for one in WORDS)
)


@given(st.text(max_size=40) | _CODES, st.text(max_size=40))
def test_what_has_no_words_is_shown_as_it_is(new: str, other: str) -> None:
    places = ("reasons", "actions", "outcomes", "steps", "steps.source")
    assume(not known(new) and not any(known(f"{place}.{new}") for place in places))
    codes = Codes(Language.ENGLISH)
    told = (codes.reason(new), codes.note(new), codes.action(new), codes.outcome(new))
    assert set(told) == {new}
    assert codes.source(new) == new
    assert codes.step(new, other).startswith(new)


@given(_CODES, st.sampled_from([": ", " (ABC-1): ", " (ABC-1)"]), st.text(max_size=40))
def test_a_note_that_begins_with_a_word_that_no_hand_over_writes_stays_as_it_is(
    word: str, mark: str, said: str
) -> None:
    assume(word not in HANDED_OVER)
    note = f"{word}{mark}{said}"
    assert Codes(Language.ENGLISH).note(note) == note
