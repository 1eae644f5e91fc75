"""Whatever is asked for is a value: quotes end no text and marks of LIKE stand for themselves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contract.erasing_support import dumped
from tests.contract.store_support import hold, message, recorded, store
from tests.contract.test_store_posts import planned
from vestlus.store.operator_rows import AuditEntry, AuditWanted
from vestlus.store.port import Store
from vestlus.store.post_rows import PostPicture
from vestlus.store.rows import DeadLetter, LettersWanted
from vestlus.store.talk_rows import Wanted

__all__ = ["store"]

HOSTILE = (
    "'",
    "''",
    '"',
    "' OR '1'='1",
    "' OR 1=1 --",
    "') OR ('1'='1",
    "'; DROP TABLE conversation; --",
    "'; UPDATE audit SET person='x'; --",
    "' UNION SELECT token FROM account_token --",
    "/* ' */",
    "$$",
    "E'\\x27'",
    ":name",
    "%(name)s",
    "{0}",
    "?",
    "%",
    "%%",
    "_",
    "a_b",
    "100%",
    "\\",
    "\\%",
    "\\'",
    "/",
    "/%",
    "[a-z]",
)
PLAIN = "axb 100 protsenti"


async def tables(store: Store) -> dict[str, int]:
    return {name: len(rows) for name, rows in (await dumped(store)).items()}


async def test_a_search_finds_what_was_said_and_nothing_else_for_it(store: Store) -> None:
    inbox = await hold(store)
    texts = {f"u{n}": f"Tere {one} siin" for n, one in enumerate(HOSTILE)} | {"plain": PLAIN}
    for user, text in texts.items():
        await recorded(store, inbox, message(user, text=text))
    before = await tables(store)
    for one in HOSTILE:
        words = one.split()
        found = await store.talks_saying(words, limit=99)
        saying = {user for user, text in texts.items() if _has(text, words)}
        assert {talk.row.user for talk in found.talks} == saying, one
        assert (await store.talks_saying(["tere"], limit=9, account=one)).talks == (), one
        listed = await store.talks(Wanted.NEWEST, now_ms=1, limit=9, account=one)
        assert listed.talks == (), one
    assert await tables(store) == before


def _has(text: str, words: list[str]) -> bool:
    return all(word.casefold() in text.casefold() for word in words)


@pytest.mark.parametrize("field", ["target", "person", "way", "outcome", "action"])
async def test_a_filter_of_the_audit_fits_what_is_the_same(store: Store, field: str) -> None:
    usual = AuditEntry(1, "mari", "admin", "token", "a.b", "t")
    for one in (*HOSTILE, PLAIN):
        await store.audit(replace(usual, **{field: one}))  # type: ignore[arg-type]  # a text's
    before = await tables(store)
    for one in HOSTILE:
        wanted = replace(AuditWanted(), **{field: one})  # type: ignore[arg-type]  # a text's
        found = await store.audit_entries(wanted=wanted, limit=99)
        assert [getattr(entry, field) for entry in found] == [one]
    assert await tables(store) == before


async def test_the_beginning_of_an_action_is_no_pattern(store: Store) -> None:
    for one in HOSTILE:
        await store.audit(AuditEntry(1, "mari", "admin", "token", f"{one}.done", "t"))
    await store.audit(AuditEntry(1, "mari", "admin", "token", "post.done", "t"))
    for one in HOSTILE:
        found = await store.audit_entries(wanted=AuditWanted(action=f"{one}."), limit=99)
        assert [entry.action for entry in found] == [f"{one}.done"]


async def test_a_filter_of_dead_letters_fits_what_is_the_same(store: Store) -> None:
    reasons = (*HOSTILE, PLAIN)
    await store.bury(
        [
            DeadLetter(id=f"inbox.1.{n}", source="inbox.1", reason=one, body=b"{", at_ms=n)
            for n, one in enumerate(reasons)
        ]
    )
    for one in HOSTILE:
        found = await store.dead_letters(limit=99, wanted=LettersWanted(reason=one))
        assert [letter.reason for letter in found] == [one]
        assert await store.dead_letters(limit=9, wanted=LettersWanted(account=one)) == ()
        assert await store.dead_letter(one) is None


async def test_posts_that_show_a_picture_are_those_of_that_very_name(store: Store) -> None:
    for place, one in enumerate((*HOSTILE, PLAIN)):
        await planned(store, planned_ms=place, pictures=(PostPicture(one), PostPicture("aed")))
    for one in HOSTILE:
        found = await store.posts_showing(one, limit=99, among=99)
        assert [row.pictures[0].id for row in found] == [one]
