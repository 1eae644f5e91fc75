"""What is done with messages before a model is asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.conversation.deciding import Standing, Step, may_apologise, next_step
from vestlus.conversation.words import Command, command_of

FREE = Standing(people=False, person_wrote=False, stopped=False)
HANDED_OVER = Standing(people=True, person_wrote=False, stopped=False)
PERSON = Standing(people=True, person_wrote=True, stopped=False)
STOPPED = Standing(people=False, person_wrote=False, stopped=True)
STOPPED_THEIRS = Standing(people=True, person_wrote=True, stopped=True)
ASKED = Standing(people=True, person_wrote=True, stopped=False, erase_asked=True)

DAY = 24 * 60 * 60 * 1000


@pytest.mark.parametrize(
    ("commands", "standing", "step"),
    [
        ([None], FREE, Step.ASK),
        ([None, Command.PERSON], FREE, Step.HAND_OVER),
        ([Command.PERSON], HANDED_OVER, Step.WAIT),
        ([None], HANDED_OVER, Step.WAIT),
        ([None], PERSON, Step.WAIT),
        ([None], STOPPED, Step.IGNORE),
        ([Command.EMERGENCY], FREE, Step.EMERGENCY),
        ([Command.EMERGENCY], HANDED_OVER, Step.EMERGENCY),
        ([Command.EMERGENCY], PERSON, Step.WAIT),
        ([Command.EMERGENCY], STOPPED, Step.EMERGENCY),
        ([Command.EMERGENCY, Command.PERSON], FREE, Step.EMERGENCY),
        ([Command.EMERGENCY, Command.DELETE], FREE, Step.EMERGENCY),
        ([Command.STOP, Command.EMERGENCY], HANDED_OVER, Step.EMERGENCY),
        ([Command.EMERGENCY, Command.START], STOPPED, Step.EMERGENCY),
        ([Command.EMERGENCY, Command.DELETE], PERSON, Step.ASK_DELETE),
        ([Command.STOP], FREE, Step.CONFIRM_STOP),
        ([Command.STOP], PERSON, Step.CONFIRM_STOP),
        ([Command.START], STOPPED, Step.CONFIRM_START),
        ([Command.START, None], STOPPED, Step.ASK),
        ([Command.STOP, Command.START], STOPPED, Step.CONFIRM_START),
        ([Command.START], FREE, Step.ASK),
        ([Command.START, None], PERSON, Step.WAIT),
        ([Command.START, None], STOPPED_THEIRS, Step.CONFIRM_START),
        ([None], STOPPED_THEIRS, Step.IGNORE),
        ([Command.PERSON], STOPPED_THEIRS, Step.IGNORE),
        ([None, Command.EMERGENCY], STOPPED_THEIRS, Step.WAIT),
        ([Command.START, Command.STOP], STOPPED, Step.CONFIRM_STOP),
        ([Command.DELETE], STOPPED, Step.ASK_DELETE),
        ([None, Command.DELETE], PERSON, Step.ASK_DELETE),
        ([Command.YES], ASKED, Step.DELETE),
        ([Command.DELETE], ASKED, Step.DELETE),
        ([Command.YES, None], ASKED, Step.DELETE),
        ([None, Command.YES], ASKED, Step.WAIT),
        ([Command.YES], FREE, Step.ASK),
        ([Command.YES], PERSON, Step.WAIT),
        ([Command.START, Command.YES], STOPPED, Step.ASK),
        ([Command.EMERGENCY, Command.YES], FREE, Step.EMERGENCY),
        ([Command.EXPORT], FREE, Step.HAND_OVER_EXPORT),
        ([Command.EXPORT], HANDED_OVER, Step.WAIT),
        ([Command.EXPORT], STOPPED, Step.IGNORE),
    ],
)
def test_what_is_done_with_a_burst(
    commands: list[Command | None], standing: Standing, step: Step
) -> None:
    assert next_step(commands, standing) is step


@given(
    commands=st.lists(st.none() | st.sampled_from(Command), min_size=1, max_size=6),
    people=st.booleans(),
    person_wrote=st.booleans(),
    stopped=st.booleans(),
)
def test_no_model_is_asked_while_people_see_to_a_user_or_the_user_said_stop(
    *, commands: list[Command | None], people: bool, person_wrote: bool, stopped: bool
) -> None:
    standing = Standing(people=people or person_wrote, person_wrote=person_wrote, stopped=stopped)
    step = next_step(commands, standing)
    if step is Step.ASK and stopped:
        assert Command.START in commands
    if step is Step.ASK and not stopped:
        assert not standing.people
    if step is Step.ASK:
        assert not standing.person_wrote


@given(
    commands=st.lists(st.none() | st.sampled_from(Command), max_size=6),
    place=st.integers(0, 6),
    people=st.booleans(),
    stopped=st.booleans(),
)
def test_danger_is_answered_whatever_else_is_asked_for_unless_a_person_writes(
    *, commands: list[Command | None], place: int, people: bool, stopped: bool
) -> None:
    burst = [*commands[:place], Command.EMERGENCY, *commands[place:]]
    standing = Standing(people=people, person_wrote=False, stopped=stopped)
    assert next_step(burst, standing) is Step.EMERGENCY


@pytest.mark.parametrize(
    "burst",
    [
        ["I want to kill myself", "forget me"],
        ["I want to kill myself", "delete my data"],
        ["ma ei taha enam elada", "unusta mind"],
        ["хочу умереть", "забудьте меня"],
        ["ma tahan surra", "jätke mind rahule"],
        ["I want to die", "stop"],
    ],
)
def test_somebody_in_danger_who_also_wants_to_be_left_alone_gets_help(burst: list[str]) -> None:
    assert next_step([command_of(text) for text in burst], FREE) is Step.EMERGENCY


def test_an_apology_is_made_once_until_an_answer_came_or_a_day_is_over() -> None:
    def may(apology_ms: int, answered_ms: int, now_ms: int) -> bool:
        return may_apologise(
            apology_ms=apology_ms, answered_ms=answered_ms, now_ms=now_ms, again_ms=DAY
        )

    assert may(0, 0, 1000)
    assert not may(1000, 500, 2000)
    assert may(1000, 1500, 2000)
    assert may(1000, 0, 1000 + DAY)
