"""What is wrong with an answer, measured by what was expected of it."""

from __future__ import annotations

from collections.abc import Iterator

from vestlus.conversation.reply import Reply
from vestlus.evaluation.matching import contains, language_problem, normalised
from vestlus.evaluation.questions import Asked


def judge(asked: Asked, reply: Reply) -> tuple[str, ...]:
    """Everything that is not as expected, in words; nothing if the answer passes."""
    return tuple(_problems(asked, reply))


def _problems(asked: Asked, reply: Reply) -> Iterator[str]:
    if reply.concern is not asked.concern:
        if reply.concern is not None:
            yield f"is not answered: moderation says {reply.concern}"
            return
        yield f"is answered, and moderation had to say {asked.concern}"
    text = normalised(reply.text)
    for alternatives in asked.must:
        if not any(contains(text, normalised(fact)) for fact in alternatives):
            yield "lacks " + " or ".join(f'"{fact}"' for fact in alternatives)
    for fact in asked.must_not:
        if contains(text, normalised(fact)):
            yield f'says "{fact}"'
    if asked.language is not None:
        problem = language_problem(reply.text, reply.language, asked.language)
        if problem:
            yield problem
    if asked.handover is not None and reply.handover != asked.handover:
        yield "hands over to a person" if reply.handover else "does not hand over to a person"
    yield from _pictures(asked, reply)


def _pictures(asked: Asked, reply: Reply) -> Iterator[str]:
    shown = ", ".join(reply.pictures)
    match asked.picture:
        case None:
            return
        case True:
            if not shown:
                yield "shows no picture"
        case False:
            if shown:
                yield f"shows a picture: {shown}"
        case wanted:
            if wanted not in reply.pictures:
                yield f"does not show {wanted}" + (f", but {shown}" if shown else "")
