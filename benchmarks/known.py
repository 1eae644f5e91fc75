"""A store full of users that wrote before, made by the database itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from vestlus.clock import system_clock
from vestlus.conversation.identity import conversation_id, partition_of

ACCOUNT = "17841400000000001"

#: What Meta's ids of messages begin with in one conversation; some 150 characters in all.
_MID = "aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOjE3ODQxNDAwMDAwMDAwMDAxOjM0MDI4MjM2Njg0MTcxMDMw"

_ASKED = (
    "Tere! Kas teie kontor on homme avatud ja mis kellani?",
    "Здравствуйте, подскажите, пожалуйста, где можно подать заявление?",
    "Aitäh! Ja kas ma pean enne aja kinni panema?",
    "Can I bring my dog? It is a small one and quite old.",
)
_SAID = (
    (
        "Tere! Meie teenindussaal on avatud esmaspäevast reedeni kell 9-17, neljapäeval kuni "
        "kella 18-ni. Homme oleme avatud tavapärasel ajal. Kas saan veel millegagi aidata?"
    ),
    (
        "Здравствуйте! Заявление можно подать на нашем сайте, раздел «Услуги», или лично. "
        "Возьмите документ, удостоверяющий личность, и приходите когда вам удобно."
    ),
    (
        "Aja broneerimine ei ole kohustuslik, aga säästab ootamist. Vabu aegu näete meie "
        "kodulehel; seal saate broneeringu ka tühistada."
    ),
    (
        "Dogs are welcome in the hall on the ground floor. The offices upstairs are for people "
        "only; somebody at the desk will keep an eye on your dog while you are there."
    ),
)


@dataclass(frozen=True, slots=True)
class People:
    """Users by name: the conversation of each has ``messages`` messages."""

    names: Sequence[str]
    messages: int


def statements(
    groups: Sequence[People], known: int, *, partitions: int, series: str
) -> Iterator[str]:
    """SQL that writes these users, and ``known`` others who were answered once, long ago.

    ``series`` is the table ``n(i)`` of the numbers from 0 below ``known``, in the database's
    language. Everything is made up here: nothing comes from outside.
    """
    now = system_clock()
    columns = "id, account, user_id, partition, version, messages, language, user_ms, answered_ms"
    for people in groups:
        for first in range(0, len(people.names), 500):
            rows = ", ".join(
                f"('{conversation_id(ACCOUNT, name)}', '{ACCOUNT}', '{name}', "
                f"{partition_of(ACCOUNT, name, partitions)}, {people.messages // 2}, "
                f"{people.messages}, 'et', {now}, {now})"
                for name in people.names[first : first + 500]
            )
            yield f"INSERT INTO conversation ({columns}) VALUES {rows}"
    if most := max(people.messages for people in groups):
        places = (f"SELECT {place} AS place, '{_words(place)}' AS said" for place in range(most))
        yield (
            "INSERT INTO history (conversation, position, role, text, at_ms, mid, turn) "
            "SELECT id, place, CASE WHEN place % 2 = 0 THEN 'user' ELSE 'assistant' END, said, "
            f"{now} - 60000 * ({most} - place), "
            f"CASE WHEN place % 2 = 0 THEN '{_MID}' || id || substr(id, 1, 30) || place END, "
            f"place / 2 FROM conversation CROSS JOIN ({' UNION ALL '.join(places)}) AS kept "
            "WHERE place < messages"
        )
    if not known:
        return
    old = now - 90 * 24 * 3600 * 1000
    person = "'x' || (100000000000000 + i)"
    yield (
        f"INSERT INTO conversation ({columns}) {series} SELECT {person}, '{ACCOUNT}', "
        f"{person}, i % {partitions}, 1, 0, 'et', {old}, {old} FROM n"
    )
    yield (
        "INSERT INTO inbox_event (key, kind, account, user_id, conversation, partition, mid, "
        f"timestamp_ms, recorded_ms, state, payload) {series} SELECT 'k' || i, 'message', "
        f"'{ACCOUNT}', {person}, {person}, i % {partitions}, 'in' || i, {old}, {old}, 'answered', "
        "'{}' FROM n"
    )
    yield (
        "INSERT INTO ledger (id, outbox, account, user_id, conversation, position, text, answers, "
        "state, due_ms, deadline_ms, traceparent, sent_mid, created_ms, changed_ms) "
        f"{series} SELECT 'l' || i, i % 4, '{ACCOUNT}', {person}, {person}, 1000, 'Aitäh!', '[]', "
        f"'sent', 0, {old}, '', 'out' || i, {old}, {old} FROM n"
    )


async def fill(url: str, groups: Sequence[People], known: int, *, partitions: int) -> None:
    """Writes them into a store that was opened before."""
    if url.startswith("sqlite"):
        series = (
            f"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {known})"
        )
        with closing(sqlite3.connect(Path(url.removeprefix("sqlite:///")))) as database:
            for one in statements(groups, known, partitions=partitions, series=series):
                database.execute(one)
            database.commit()
        return
    connection = await asyncpg.connect(url)
    try:
        series = f"WITH n(i) AS (SELECT generate_series(0, {known - 1}))"
        for one in statements(groups, known, partitions=partitions, series=series):
            await connection.execute(one)
        # As the server does by itself after a while.
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


def _words(place: int) -> str:
    texts = _SAID if place % 2 else _ASKED
    return texts[place // 2 % len(texts)].replace("'", "''")
