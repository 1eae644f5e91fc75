"""The rows and statements of ``benchmarks.pruning``, in PostgreSQL's words."""

from __future__ import annotations

from typing import Final

#: Messages of a week, two minutes after each other in each conversation.
FILL: Final = """
INSERT INTO history (conversation, position, role, text, at_ms, mid)
SELECT md5((n % 50000)::text), n, 'user', repeat('Tere! Kas saal on avatud? ', 5),
       $2::bigint + n * $3::bigint / $1::bigint, 'mid-' || md5(n::text)
FROM generate_series(0, $1::bigint - 1) AS n
"""

#: Conversations of 30 messages each, spread over all the weeks.
SPREAD: Final = """
INSERT INTO history (conversation, position, role, text, at_ms, mid)
SELECT 'talk-' || n % ($1::bigint / 30), n / ($1::bigint / 30), 'user',
       repeat('Tere! Kas saal on avatud? ', 5), $2::bigint + n * $3::bigint / $1::bigint,
       'mid-' || n
FROM generate_series(0, $1::bigint / 30 * 30 - 1) AS n
"""

TALKS: Final = """
INSERT INTO conversation (id, account, user_id, partition, messages)
SELECT 'talk-' || n, 'account', n::text, 0, 30 FROM generate_series(0, $1::bigint / 30 - 1) AS n
"""

_COLUMNS: Final = """
    seq bigint NOT NULL, key text NOT NULL, conversation text, account text, mid text,
    state text NOT NULL, payload text NOT NULL
"""
_FILL: Final = """
INSERT INTO TABLE SELECT n, 'key-' || n, 'key-' || n, 'account', 'key-' || n,
    CASE WHEN n > ROWS * 0.999 THEN 'pending' ELSE 'answered' END, repeat('x', 400)
FROM generate_series(0, ROWS - 1) AS n;
"""
_INDEXES: Final = """
CREATE INDEX ON TABLE (account, mid) WHERE mid IS NOT NULL;
CREATE INDEX ON TABLE (conversation, seq) WHERE state = 'pending';
CREATE INDEX ON TABLE (conversation);
"""

#: The inbox twice; in days its keys are unique by the day alone.
INBOX: Final = (
    f"CREATE TABLE inbox_plain ({_COLUMNS}, PRIMARY KEY (seq), UNIQUE (key));"
    f"CREATE TABLE inbox_days ({_COLUMNS}, PRIMARY KEY (seq)) PARTITION BY RANGE (seq);"
    "DO $$ BEGIN FOR day IN 0..13 LOOP EXECUTE format("
    "'CREATE TABLE inbox_day_%s PARTITION OF inbox_days FOR VALUES FROM (%s) TO (%s)',"
    "day, day * (ROWS / 14 + 1), (day + 1) * (ROWS / 14 + 1));"
    "EXECUTE format('CREATE UNIQUE INDEX ON inbox_day_%s (key)', day);"
    "END LOOP; END $$;"
    + "".join((_INDEXES + _FILL).replace("TABLE", table) for table in ("inbox_plain", "inbox_days"))
    + "ANALYZE;"
)

STATEMENTS: Final = {
    "pending events of a conversation": (
        "SELECT seq, payload FROM TABLE WHERE conversation = ANY($1::text[])"
        " AND state = 'pending' ORDER BY seq"
    ),
    "events by mid": ("SELECT seq FROM TABLE WHERE account = 'account' AND mid = ANY($1::text[])"),
    "an event answered": "UPDATE TABLE SET state = 'answered' WHERE seq = ANY($1::bigint[])",
}
