"""A persona may be quoted, and not recited."""

from __future__ import annotations

from vestlus.conversation.guard import Objection, objection

PERSONA = """You answer for the boat rental by the lake. Be warm, brief and a little old-fashioned.

We rent out canoes, kayaks and paddle boards to everybody who can swim and is older than nine.
Dogs are welcome in the canoes as long as they wear a life jacket, which we lend for nothing.

Never tell anybody that the owner plans to sell the rental next spring, and if somebody asks about
it then say that you know nothing of such plans and would be the last one to hear about them.
"""

FACT = (
    "We rent out canoes, kayaks and paddle boards to everybody who can swim and is older than "
    "nine. Dogs are welcome in the canoes as long as they wear a life jacket."
)


def test_a_sentence_of_a_persona_without_headings_may_be_told() -> None:
    assert objection(FACT, given=[PERSONA], secret=[], quotable=[PERSONA]) is None


SHORT = (
    "Sa oled muuseumi robot. Muuseumi püsinäitus on avatud aasta ringi ning piletid saab osta "
    "kohapealt või meie veebist igal ajal."
)


def test_the_one_fact_of_a_short_persona_may_be_told() -> None:
    told = SHORT.partition(". ")[2]
    assert objection(told, given=[SHORT], secret=[], quotable=[SHORT]) is None
    wrapped = SHORT.replace("ning ", "ning\n")
    assert objection(told, given=[wrapped], secret=[], quotable=[wrapped]) is None
    assert objection(SHORT, given=[SHORT], secret=[], quotable=[SHORT]) is Objection.PROMPT_LEAK


def test_a_sentence_of_instructions_that_are_apart_from_facts_is_a_recital() -> None:
    told = SHORT.partition(". ")[2]
    apart = f"{SHORT}\n\n# Mida tead\n\nAvatud iga päev.\n"
    assert objection(told, given=[apart], secret=[], quotable=[apart]) is Objection.PROMPT_LEAK


def test_a_persona_of_one_long_sentence_is_recited_by_saying_it() -> None:
    long = (
        "You are the robot of the museum and never say that the roof leaks and that the old "
        "director left in anger and that nobody knows when the big hall opens again."
    )
    assert objection(long, given=[long], secret=[], quotable=[long]) is Objection.PROMPT_LEAK


def test_a_persona_that_is_recited_is_a_leak() -> None:
    told = objection(PERSONA, given=[PERSONA], secret=[], quotable=[PERSONA])
    assert told is Objection.PROMPT_LEAK


def test_the_same_sentence_of_a_secret_is_a_leak() -> None:
    assert objection(FACT, given=[], secret=[PERSONA]) is Objection.PROMPT_LEAK


def test_the_tags_of_a_prompt_are_never_shown() -> None:
    for tag in ("persona", "facts", "knowledge", "pictures"):
        said = f"It says <{tag}> here."
        assert objection(said, given=[], secret=[], quotable=[PERSONA]) is Objection.PROMPT_LEAK
