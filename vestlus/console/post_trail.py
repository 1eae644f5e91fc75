"""What happened to a post or a draft, in order: what its rows tell, and what people did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vestlus.console.post_views import form_of, state_key, why
from vestlus.console.words import Language, known, words
from vestlus.desk.posts import Item
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.operator_rows import DONE
from vestlus.store.plan_rows import OccurrenceRow
from vestlus.store.port import Store
from vestlus.store.post_rows import PostRow

#: What the row itself tells, whoever did it in whatever way.
_IN_ROW: Final = frozenset({"post.approve", "post.reject"})

#: Entries of the audit that are shown of one post.
_MOST: Final = 50


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened. ``note`` is what was said of it, where something was."""

    at_ms: int
    words: str
    note: str = ""


async def trail_of(store: Store, row: Item, draft: str, language: Language) -> list[Moment]:
    """Everything that is known, the oldest first. ``draft`` is the id of the occurrence that
    became this post, where it has another one.
    """
    found = _of_draft(row, language) if isinstance(row, OccurrenceRow) else _of_post(row, language)
    ids = [row.id]
    if not isinstance(row, OccurrenceRow):
        before = await store.occurrence(draft or row.id)
        if before is not None and before.post == row.id:
            found = [*_of_draft(before, language)[:-1], *found[1:]]
            ids.append(before.id)
    for id_ in dict.fromkeys(ids):
        found += await _of_people(store, id_, language)
    return sorted(found, key=lambda one: one.at_ms)


async def _of_people(store: Store, id_: str, language: Language) -> list[Moment]:
    entries = await store.audit_entries(target=id_, limit=_MOST)
    found = []
    for one in entries:
        key = f"posts.trail.{one.action}"
        if not known(key) or (one.action in _IN_ROW and one.outcome == DONE):
            continue
        said = words(language, key, by=one.person)
        if one.outcome != DONE:
            said = words(language, "posts.trail.refused", what=said)
        found.append(Moment(one.at_ms, said))
    return found


def _of_draft(row: OccurrenceRow, language: Language) -> list[Moment]:
    found = [Moment(row.created_ms, words(language, "posts.trail.planned"))]
    if row.drafted_ms:
        found.append(Moment(row.drafted_ms, words(language, "posts.trail.drafted")))
    if row.decided_ms:
        rejected = row.state is OccurrenceState.REJECTED
        key = "posts.trail.no" if rejected else "posts.trail.yes"
        note = row.problem if rejected else ""
        found.append(Moment(row.decided_ms, words(language, key, by=row.decided_by), note))
    return [*found, _state(row, language)]


def _of_post(row: PostRow, language: Language) -> list[Moment]:
    found = [Moment(row.created_ms, words(language, "posts.trail.planned"))]
    found += [
        Moment(one.made_ms, words(language, "posts.trail.container"))
        for one in row.containers
        if one.made_ms
    ]
    if row.attempted_ms:
        said = words(language, "posts.trail.attempt", number=row.attempts)
        found.append(Moment(row.attempted_ms, said))
    return [*found, _state(row, language)]


def _state(row: Item, language: Language) -> Moment:
    state = words(language, state_key(form_of(row), str(row.state)))
    rejected = str(row.state) == OccurrenceState.REJECTED
    note = "" if rejected else why(language, row.reason, row.problem)
    return Moment(row.changed_ms, words(language, "posts.trail.state", state=state), note)
