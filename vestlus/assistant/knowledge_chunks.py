"""Cuts documents into pieces to be searched, each with the headings it stands under."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from vestlus.conversation.history import CHARACTERS_PER_TOKEN

#: A piece answers one question or two. Longer ones blur what they are about, and cost more.
CHUNK_TOKENS: Final = 300
_CHUNK_CHARACTERS: Final = int(CHUNK_TOKENS * CHARACTERS_PER_TOKEN)

#: Of the headings above a piece: what is more is the text of a careless conversion.
_MOST_HEADING_CHARACTERS: Final = 200

_HEADING: Final = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$")
_FENCE: Final = re.compile(r" {0,3}(```|~~~)")
_SENTENCE_END: Final = re.compile(r"(?<=[.!?…])\s+")


def chunks(text: str) -> Iterator[str]:
    """The pieces of a document, in order. No word is lost, except in an overlong heading.

    Cut at headings, then between paragraphs, and only where a paragraph is too long also between
    its lines, sentences and words. A piece begins with the headings it stands under, as
    ``Fees > Printing``.
    """
    for section in _sections(text):
        path = " > ".join(section.path)[:_MOST_HEADING_CHARACTERS]
        piece = ""
        for block in section.blocks:
            for part in _within(block, _CHUNK_CHARACTERS):
                if piece and len(piece) + len(part) + 2 > _CHUNK_CHARACTERS:
                    yield _headed(path, piece)
                    piece = ""
                piece = f"{piece}\n\n{part}" if piece else part
        if piece or section.bare:
            yield _headed(path, piece)


@dataclass(slots=True)
class _Section:
    """What stands under one heading. ``bare``: nothing does, nor is there a heading below it."""

    path: tuple[str, ...]
    blocks: list[str] = field(default_factory=list)
    bare: bool = False


def _sections(text: str) -> Iterator[_Section]:
    headings: list[tuple[int, str]] = []
    section = _Section(())
    block: list[str] = []
    fenced = False
    for line in text.splitlines():
        heading = None if fenced else _HEADING.match(line)
        if _FENCE.match(line):
            fenced = not fenced
        if heading is None and (line.strip() or fenced):
            block.append(line.rstrip())
            continue
        if block:
            section.blocks.append("\n".join(block))
            block = []
        if heading is None:
            continue
        level = len(heading[1])
        section.bare = bool(section.path) and not section.blocks and level <= headings[-1][0]
        yield section
        headings = [one for one in headings if one[0] < level] + [(level, heading[2])]
        section = _Section(tuple(title for _, title in headings if title))
    if block:
        section.blocks.append("\n".join(block))
    section.bare = bool(section.path) and not section.blocks
    yield section


def _headed(path: str, piece: str) -> str:
    return "\n".join(part for part in (path, piece) if part)


def _within(block: str, most: int) -> Iterator[str]:
    """The block, or parts of it no longer than ``most``: of whole lines, sentences or words."""
    if len(block) <= most:
        yield block
        return
    for pieces, joint in (
        (block.split("\n"), "\n"),
        (_SENTENCE_END.split(block), " "),
        (block.split(), " "),
    ):
        if len(pieces) > 1:
            yield from _packed(pieces, joint, most)
            return
    for start in range(0, len(block), most):
        yield block[start : start + most]


def _packed(pieces: list[str], joint: str, most: int) -> Iterator[str]:
    held = ""
    for piece in pieces:
        for part in _within(piece, most):
            if held and len(held) + len(joint) + len(part) > most:
                yield held
                held = ""
            held = f"{held}{joint}{part}" if held else part
    if held:
        yield held
