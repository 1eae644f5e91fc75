"""What the pretend model puts out for a prompt, or is told to put out."""

import json

from vestlus.simulator import persona_match
from vestlus.simulator.captions import caption_output, wants_caption
from vestlus.simulator.faults import Fault
from vestlus.simulator.jsontypes import JsonObject
from vestlus.simulator.markers import MARKER, find_markers
from vestlus.simulator.model_replies import Output
from vestlus.simulator.model_request import Prompt
from vestlus.simulator.schema_instance import SUMMARY_NAME, Filling, make_instance

REFUSAL = "I cannot help with that."
# A note for a colleague, and a summary, are short.
NOTE_CHARACTERS = 160
SUMMARY_CHARACTERS = 900
SUMMARY_WORDS = 6


def model_output(prompt: Prompt, fault: Fault | None) -> Output:
    """Return the output for a prompt, changed by a fault if one fires."""
    kind = fault.kind if fault else None
    if kind == "refusal":
        return Output(refusal=REFUSAL)
    if kind == "empty":
        return Output()
    if fault is not None and kind == "say":
        return Output(scripted(fault, prompt))
    said = persona_match.answer(
        prompt.instructions, prompt.unanswered, picture=bool(prompt.seen), seen=prompt.seen
    )
    text = said.text
    if wants_caption(prompt.schema) and kind != "bad_output":
        text = caption_output(prompt)
    elif prompt.schema is not None and kind != "bad_output":
        filling = Filling(
            said.text,
            said.language,
            said.wants_person,
            note=_note(prompt) if said.wants_person else "",
            picture=said.picture,
            summary=_summary(prompt) if _wants_summary(prompt.schema) else "",
        )
        text = json.dumps(make_instance(prompt.schema, filling), ensure_ascii=False)
    if kind == "truncated":
        return Output(text[: len(text) // 2], cut_by="max_output_tokens")
    if kind == "filtered_output":
        return Output(text[: len(text) // 2], cut_by="content_filter")
    return Output(text)


def scripted(fault: Fault, prompt: Prompt) -> str:
    """Return what a rule `say` makes the model put out.

    `{instructions}` and `{user}` in its text stand for the prompt's instructions and the newest
    text of the user, both as they are written inside a JSON string. Without a text, the
    instructions are the answer, in the form that was asked for.
    """
    if fault.text is None:
        if prompt.schema is None:
            return prompt.instructions
        filling = Filling(prompt.instructions, "en", handover=False)
        return json.dumps(make_instance(prompt.schema, filling), ensure_ascii=False)
    text = fault.text.replace("{instructions}", _escaped(prompt.instructions))
    return text.replace("{user}", _escaped(_last(prompt)))


def _escaped(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _last(prompt: Prompt) -> str:
    return prompt.unanswered[-1] if prompt.unanswered else ""


def _note(prompt: Prompt) -> str:
    asked = " ".join(MARKER.sub(" ", _last(prompt)).split())
    return f"The user asks for a person: {asked}"[:NOTE_CHARACTERS]


def _wants_summary(schema: JsonObject) -> bool:
    properties = schema.get("properties")
    return isinstance(properties, dict) and SUMMARY_NAME in properties


def _summary(prompt: Prompt) -> str:
    """Return the first words and the markers of every line that was said."""
    pieces: list[str] = []
    for line in (line for text in prompt.told for line in text.splitlines()):
        spoken = " ".join(MARKER.sub(" ", line).split()[:SUMMARY_WORDS])
        piece = " ".join(filter(None, [spoken, *find_markers(line)]))
        if piece:
            pieces.append(piece)
    text = "; ".join(pieces)
    # The end of a conversation matters more than its beginning.
    return text[-SUMMARY_CHARACTERS:] or "Nothing was said."
