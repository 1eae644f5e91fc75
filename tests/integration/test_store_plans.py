"""What is asked often is found by indexes, however much is finished."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, TextClause, text

from tests.contract.store_support import another, hold, message, recorded
from vestlus.store.pruning import Remains
from vestlus.store.sql_open_work import OpenQuestions
from vestlus.store.sql_store import SqlStore

_ROWS = 20_000

#: SQLite has no function for it.
_NUMBERS = """
    (WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < :rows)
     SELECT n FROM g) AS g
"""

_LEDGER = f"""
    INSERT INTO ledger (id, outbox, account, user_id, conversation, position, text, answers,
                        state, due_ms, deadline_ms, traceparent, sent_mid, created_ms,
                        attempted_ms, changed_ms, echo_mid, turn)
    SELECT 'id' || n, n % 2, 'a', 'u', 'c' || (n % 900), n, 'Tere', '[]',
           CASE WHEN n > 19900 THEN 'pending' WHEN n > 19890 THEN 'draft' ELSE 'sent' END,
           1, n, '', CASE WHEN n > 19890 THEN NULL ELSE 'm' || n END, 1,
           n, n, CASE WHEN n > 19890 THEN NULL ELSE 'e' || n END, n
    FROM {_NUMBERS}
"""  # noqa: S608

_EVENTS = f"""
    INSERT INTO inbox_event (key, kind, account, user_id, conversation, partition, mid,
                             timestamp_ms, recorded_ms, state, payload)
    SELECT 'k' || n, CASE WHEN n % 2 = 0 THEN 'echo' ELSE 'message' END, 'a', 'u',
           'c' || (n % 900), 1, 'm' || n, n, n,
           CASE WHEN n > 19900 THEN 'pending' WHEN n > 19890 THEN 'undetermined'
                ELSE 'answered' END, '{{}}'
    FROM {_NUMBERS}
"""  # noqa: S608

_CONVERSATIONS = f"""
    INSERT INTO conversation (id, account, user_id, partition, messages, waiting_ms)
    SELECT 'c' || n, 'a', 'u' || n, 1, 20, CASE WHEN n % 500 = 0 THEN n ELSE 0 END
    FROM {_NUMBERS}
"""  # noqa: S608

_HISTORY = f"""
    INSERT INTO history (conversation, position, role, text, at_ms, mid, turn)
    SELECT 'c' || (n % 900), n / 900, 'user', 'Tere', n, 'm' || n, n
    FROM {_NUMBERS}
"""  # noqa: S608

_POSTS = f"""
    INSERT INTO post (id, key, outbox, account, kind, pictures, caption, state, planned_ms, due_ms,
                      deadline_ms, attempted_ms, media_id, created_ms)
    SELECT 'p' || n, 'k' || n, n % 2, 'a' || (n % 100), 'picture', '[]', '',
           CASE WHEN n > 19900 THEN 'planned' ELSE 'published' END, n, n, n, n,
           CASE WHEN n > 19900 THEN NULL ELSE 'm' || n END, n
    FROM {_NUMBERS}
"""  # noqa: S608

_CONTAINERS = f"""
    INSERT INTO post_container (post, number, account, round, position, begun_ms)
    SELECT 'p' || n, 1, 'a' || (n % 100), 1, 0, n FROM {_NUMBERS}
"""  # noqa: S608

_SCHEDULES = f"""
    INSERT INTO schedule (name, keeper, account, definition, look_ms, paused, created_ms)
    SELECT 's' || n, 'hand', 'a' || (n % 100), '{{}}', n, n % 2, n FROM {_NUMBERS}
"""  # noqa: S608

_OCCURRENCES = f"""
    INSERT INTO occurrence (id, key, trigger, name, account, recipe, state, due_ms, wake_ms,
                            created_ms)
    SELECT 'o' || n, 'k' || n, 'schedule', 's' || (n % 900), 'a' || (n % 100), '{{}}',
           CASE WHEN n > 19900 THEN 'planned' WHEN n % 3 = 0 THEN 'withdrawn' ELSE 'handed' END,
           n, n, n
    FROM {_NUMBERS}
"""  # noqa: S608

_TRIGGERS = f"""
    INSERT INTO trigger_event (id, source, name, key, digest, payload, outcomes, received_ms)
    SELECT 't' || n, 's' || (n % 9), 'e' || (n % 90), 'k' || n, 'd', '{{}}', '[]', n
    FROM {_NUMBERS}
"""  # noqa: S608

_TOMBSTONES = f"""
    INSERT INTO tombstone (grave, at_ms) SELECT 'g' || n, n FROM {_NUMBERS}
"""  # noqa: S608

#: What reading a whole table is called, by both. A partial index may be read from end to end: it
#: holds only what is not finished.
_WHOLE = re.compile(
    r"Seq Scan|SCAN (ledger|named|unsent|before|conversation|history|inbox_event"
    r"|post|post_container|schedule|occurrence|trigger_event|tombstone)\b"
    r"(?! USING (COVERING )?INDEX "
    r"(ledger_(draft|deadline)|conversation_waiting|inbox_event_(pending|undetermined)"
    r"|post_due|post_planned|schedule_look|occurrence_(due|wake)|trigger_event_received))"
)

#: Partitions of the history in which the test has no rows.
_EMPTY = re.compile(r"Seq Scan on history_(w\d+|other)\b")


def _explained(
    connection: Connection,
    explain: str,
    statement: Any,  # noqa: ANN401  statements of several kinds
    values: dict[str, Any],
) -> str:
    """The plan of a statement, changing ones included; nothing is changed."""
    compiled = statement.compile(dialect=connection.dialect)
    parameters = compiled.construct_params(values)
    ordered = tuple(parameters[name] for name in compiled.positiontup)
    rows = connection.exec_driver_sql(explain + str(compiled), ordered)
    return "\n".join(str(tuple(row)) for row in rows)


#: Each a transaction of its own: all of them in one take longer than a call may on a busy machine.
_FILLING = (
    *(_LEDGER, _EVENTS, _CONVERSATIONS, _HISTORY, _POSTS, _CONTAINERS),
    *(_SCHEDULES, _OCCURRENCES, _TRIGGERS, _TOMBSTONES),
)


def open_work(
    whose: str, asked: OpenQuestions, given: dict[str, str]
) -> dict[str, tuple[Any, dict[str, Any], str]]:
    """The questions of what is not done yet, what is given to them, and their index."""
    return {
        f"what is unanswered{whose}": (asked.pending, given, "inbox_event_pending"),
        f"what is undetermined{whose}": (asked.undetermined, given, "inbox_event_undetermined"),
        f"what is unsent{whose}": (asked.sends, given, "ledger_"),
        f"how many drafts{whose}": (asked.drafts, given, "ledger_draft"),
        f"how many wait{whose}": (asked.waiting, given, "conversation_waiting"),
        f"windows that close{whose}": (asked.closing, given, "conversation_pkey"),
    }


async def _fill(store: SqlStore) -> None:
    for statement in _FILLING:
        await store._database.write(partial(_executed, text(statement), {"rows": _ROWS}))
    await store._database.write(partial(_executed, text("ANALYZE"), {}))


def _executed(statement: TextClause, values: dict[str, int], connection: Connection) -> None:
    connection.execute(statement, values)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_no_frequent_question_reads_a_whole_table(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    is_sqlite = kind == "sqlite"
    explain = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
    url = f"sqlite:///{tmp_path}/store.db"
    if not is_sqlite:
        url = str(request.getfixturevalue("postgres_database"))
    async with another(url) as store:
        assert isinstance(store, SqlStore)
        sends, memory = store._changes._sends, store._changes._memory
        stops = store._changes._cancelling
        one_id = {"ids": ["id19"]}
        one_row = {"rows": "[]"}
        erased = store._user_rows
        questions: dict[str, tuple[Any, dict[str, Any], str]] = {
            "unfinished": (store._first, {"of": 1, "most": 50}, "ledger_deadline"),
            "people": (store._first_people, {"of": 1, "most": 50}, "ledger_people"),
            "of ids": (store._first_named, {"of": 1, "most": 50} | one_id, "ledger_order"),
            **{
                f"loaded by {index}": (
                    store._with_all,
                    {"ids": ["c1"], "newest": 5, "unanswered": 10},
                    index,
                )
                for index in ("conversation_pkey", "history_pkey", "inbox_event_pending")
            },
            "takeover": (store._unanswered, {"partition": 1}, "inbox_event_pending"),
            "echoes": (
                store._unclaimed,
                {"of": "c1", "since": 1, "own": "x"},
                "inbox_event_conversation",
            ),
            "users": (store._users, {"account": "a", "mids": ["m1"]}, "inbox_event_mid"),
            "claimed": (store._claimed, {"of": "a", "mids": ["m1"]}, "ledger_sent_mid"),
            "claimed by echo": (store._claimed, {"of": "a", "mids": ["m1"]}, "ledger_echo_mid"),
            "recent": (store._recent, {"conversations": ["c1"], "since": 1}, "ledger_conversation"),
            "undetermined": (store._undetermined, {"of_partition": 1}, "inbox_event_undetermined"),
            "held": (
                store._still_undetermined,
                {"of_partition": 1, "ids": ["c1"]},
                "inbox_event_undetermined",
            ),
            "settle": (
                store._settle,
                one_row | {"of_partition": 1, "seqs": [19_895]},
                "inbox_event",
            ),
            "unanswered": (
                store._unanswered_after,
                {"of": "c1", "after": 1, "most": 5},
                "inbox_event_pending",
            ),
            "fence": (store._share_fences, one_id, "conversation_pkey"),
            "heard": (store._hear, one_row, "tombstone_pkey"),
            "recorded": (store._insert, one_row, "tombstone_pkey"),
            "advance": (store._advance, one_row | {"ids": ["c1"]}, "conversation_pkey"),
            "mark": (sends._mark, one_row | one_id, "ledger_pkey"),
            "lock": (stops._lock, one_id | {"conversations": ["c1"]}, "ledger_conversation"),
            "cancel": (
                stops._cancel_bots,
                {"of": "c1", "why": "x", "at": 1},
                "ledger_conversation",
            ),
            "stop": (
                stops._stop_bots,
                {"of": "c1", "why": "x", "at": 1},
                "ledger_conversation",
            ),
            "silence": (stops._silence, {"of": "c1", "by": 1}, "ledger_conversation"),
            "seen": (sends._seen, {"of": "c1", "turns": [1]}, "ledger_conversation"),
            "shown": (memory._shown, {"of": "c1"}, "ledger_conversation"),
            "unask": (memory._unask, {"of": "c1", "mids": ["m1"]}, "history_mid"),
            "asked": (
                store._changes._questions._answered,
                {"of": "c1", "account": "a", "mids": ["m1"], "after": 0},
                "inbox_event_",
            ),
            "unsay": (memory._unsay, {"of": "c1", "turns": [1]}, "history_pkey"),
            "edit": (memory._edit, {"of": "c1", "of_mid": "m1", "new": "x"}, "history_mid"),
            "erase events": (
                erased._events,
                {"of": "c1", "most": 9},
                "inbox_event_conversation",
            ),
            "erase open events": (erased._open_events, {"of": "c1"}, "inbox_event_"),
            "erase newest": (erased._newest, {"of": "c1"}, "inbox_event_conversation"),
            "erase nameless": (
                erased._nameless,
                {"of": "c1", "account": "a1"},
                "inbox_event_mid",
            ),
            "erase sends": (erased._sends, {"of": "c1", "most": 9}, "ledger_conversation"),
            "erase open sends": (erased._open_sends, {"of": "c1"}, "ledger_"),
            "erase said": (erased._said, {"of": "c1", "most": 9}, "history_pkey"),
            "texts": (
                store._texts,
                {"account": "a", "of": "c1", "mids": ["m1"]},
                "history_mid",
            ),
            "part": (store._part, {"of": "c1", "first": 1, "most": 5}, "history_pkey"),
            "overdue": (store._overdue, {"of": 1, "now": 9, "most": 5}, "ledger_draft"),
            "due posts": (store._due_posts, {"of": 1, "now": 19_950, "most": 5}, "post_due"),
            "post": (store._one, {"of": "p1"}, "post_pkey"),
            "post of a key": (store._keyed, {"of": "k1"}, "post_key_key"),
            "posts": (store._all_posts, {"most": 5}, "post_planned"),
            "attempted": (store._attempted, {"account": "a1", "since": 19_000}, "post_attempted"),
            "begun": (store._begun, {"account": "a1", "since": 19_000}, "post_container_begun"),
            "media": (store._media_of, {"account": "a1", "media": ["m1"]}, "post_media"),
            "due schedules": (store._due_schedules, {"now": 20, "most": 5}, "schedule_look"),
            "first look": (store._first_look, {}, "schedule_look"),
            "schedule": (store._one_schedule, {"of": "s9"}, "schedule_pkey"),
            "due occurrences": (
                store._due_occurrences,
                {"states": ["planned"], "triggers": ["event"], "now": 19_905, "most": 5},
                "occurrence_wake",
            ),
            "event of key": (
                store._event_of_key,
                {"of_source": "s1", "of_name": "e1", "of_key": "k1"},
                "trigger_event_key",
            ),
            "events": (store._all_events, {"most": 5}, "trigger_event_received"),
            "old events": (
                store._forget_old_events,
                {"before": 19_990, "most": 50},
                "trigger_event_received",
            ),
            "first wake": (store._first_wake, {}, "occurrence_wake"),
            "occurrence": (store._one_occurrence, {"of": "o9"}, "occurrence_pkey"),
            "known": (store._lock_known, {"keys": ["k1", "k9"]}, "occurrence_key_key"),
            "withdrawn": (store._lock_open, {"names": ["s1"]}, "occurrence_"),
            "drafts of occurrences": (
                store._pictures_drafted,
                {"account": "a1", "since": 19_000},
                "occurrence_",
            ),
            "pictures posted": (
                store._pictures_posted,
                {"account": "a1", "since": 19_900},
                "post_",
            ),
            "old sends": (
                store._walks[Remains.SENDS][0]._window,
                {"before": 19_990, "most": 50, "after_0": 0, "after_1": ""},
                "ledger_finished",
            ),
            "old messages": (
                store._walks[Remains.MESSAGES][0]._window,
                {"before": 19_990, "most": 50, "after_0": 0, "after_1": "", "after_2": 0},
                "history_at" if is_sqlite else "history_before_at",
            ),
            "messages ahead": (
                store._walks[Remains.MESSAGES][1]._window,
                {"now": 10**12, "most": 50, "after_0": 0, "after_1": "", "after_2": 0},
                "history_at" if is_sqlite else "history_before_at",
            ),
            "old summaries": (
                store._walks[Remains.SUMMARIES][0]._window,
                {"before": 19_990, "most": 50, "after_0": "", "after_1": ""},
                "conversation_said",
            ),
            **open_work("", store._open, {}),
            **open_work(" of one account", store._open_of_one, {"of": "a"}),
            "backlogs": (store._note_backlogs, {"minute": 1}, "inbox_event_pending"),
            "drafts": (store._all_drafts, {"most": 5}, "ledger_draft"),
            "waiting": (
                store._listings[True, False],
                {"most": 5},
                "conversation_waiting",
            ),
        }

        def plans(connection: Connection) -> dict[str, str]:
            found = {}
            for name, (statement, parameters, _) in questions.items():
                values = {
                    key: store._dialect.value_set(value) if isinstance(value, list) else value
                    for key, value in parameters.items()
                }
                found[name] = _explained(connection, explain, statement, values)
            return found

        await _fill(store)
        for name, plan in (await store._database.write(plans)).items():
            index = questions[name][2]
            if is_sqlite and index == "post_key_key":
                index = "sqlite_autoindex_post_2"
            if is_sqlite and index == "occurrence_key_key":
                index = "sqlite_autoindex_occurrence_2"
            if is_sqlite and index.endswith("_pkey"):
                index = f"sqlite_autoindex_{index.removesuffix('_pkey')}_1"
            if not is_sqlite and index in ("history_pkey", "history_mid"):
                # What is long ago lies there.
                index = index.replace("history", "history_before")
            # The other partitions are empty, and read as such.
            plan = _EMPTY.sub("", plan)  # noqa: PLW2901 - the part that matters
            assert index in plan, f"{name}: {plan}"
            assert not _WHOLE.search(plan), f"{name}: {plan}"
        rows = await store.unfinished(1, limit=50)
        assert [row.deadline_ms for row in rows] == list(range(19_901, 20_001, 2))


async def test_a_message_changes_its_conversation_in_place_and_no_index(
    postgres_database: str,
) -> None:
    heard = text("UPDATE conversation SET user_ms = :at, trail = ''")
    in_place = text("""
        SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_xact_user_tables
        WHERE relname = 'conversation'
    """)
    async with another(postgres_database) as store:
        assert isinstance(store, SqlStore)
        lease = await hold(store)
        await recorded(store, lease, message("mari", timestamp_ms=1))

        def write(connection: Connection) -> tuple[Any, ...]:
            for at_ms in (5, 6):
                connection.execute(heard, {"at": at_ms})
            return tuple(connection.execute(in_place).one())

        assert await store._database.write(write) == (2, 2)
