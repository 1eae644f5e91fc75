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


def test_a_persona_that_is_recited_is_a_leak() -> None:
    told = objection(PERSONA, given=[PERSONA], secret=[], quotable=[PERSONA])
    assert told is Objection.PROMPT_LEAK


def test_the_same_sentence_of_a_secret_is_a_leak() -> None:
    assert objection(FACT, given=[], secret=[PERSONA]) is Objection.PROMPT_LEAK


def test_the_tags_of_a_prompt_are_never_shown() -> None:
    for tag in ("persona", "facts", "knowledge", "pictures"):
        said = f"It says <{tag}> here."
        assert objection(said, given=[], secret=[], quotable=[PERSONA]) is Objection.PROMPT_LEAK
