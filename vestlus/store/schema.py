"""The tables, as SQLAlchemy knows them. The migrations make them; a test holds the two together.

There are no foreign keys: PostgreSQL would lock the conversation's row for each recorded event, and
the leases already let one process at a time write to a conversation.

Times are milliseconds since 1970. States are the words of the enumerations in
:mod:`vestlus.store.rows` and :mod:`vestlus.store.ledger`.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    literal_column,
    text,
)

metadata: Final = MetaData()

#: SQLite numbers rows by itself only where the type reads INTEGER.
ROW_NUMBER: Final = BigInteger().with_variant(Integer, "sqlite")

#: Written out in statements and not bound: a partial index is used only where its condition can be
#: recognised in the text of the statement.
PENDING: Final = "'pending'"
UNDETERMINED: Final = "'undetermined'"
DRAFT: Final = "'draft'"
OPEN: Final = "'open'"
UNFINISHED: Final = "('pending', 'sending', 'looking')"
FINISHED: Final = "('sent', 'dead', 'cancelled')"
UNENDED_POSTS: Final = "('planned', 'creating', 'waiting', 'ready', 'publishing', 'looking')"
PERSON: Final = "'person'"
#: A conversation has words besides its history. Of columns that seldom change: an index on one that
#: each message changes, such as ``user_ms``, would make of each such change a row in every index.
SAID: Final = "(summary <> '' OR note <> '' OR trail <> '')"
#: Of columns that an incoming message leaves alone, as above.
SILENT: Final = "silence <> ''"
OPEN_LETTERS: Final = "state = 'open' AND conversation IS NOT NULL"
#: A send has pictures of the image bank.
PICTURED: Final = "pictures <> '[]'"
OPEN_OCCURRENCES: Final = "('planned', 'waiting', 'ready')"

ZERO: Final = literal_column("0", BigInteger)


def _where(condition: str) -> dict[str, Any]:
    """What makes an index partial, for both dialects."""
    return {"postgresql_where": text(condition), "sqlite_where": text(condition)}


def _count(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default=text("0"))


def _words(name: str, default: str = "''") -> Column[str]:
    return Column(name, Text, nullable=False, server_default=text(default))


#: What the store was made for, such as the number of partitions.
meta: Final = Table(
    "meta",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

lease: Final = Table(
    "lease",
    metadata,
    Column("name", Text, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    #: Empty when released.
    Column("member_id", Text),
    Column("incarnation", Text),
    Column("expires_ms", BigInteger, nullable=False),
)

member: Final = Table(
    "member",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("incarnation", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", BigInteger, nullable=False),
    Column("heartbeat_ms", BigInteger, nullable=False),
)

assignment: Final = Table(
    "assignment",
    metadata,
    Column("lease", Text, primary_key=True),
    Column("member_id", Text, nullable=False),
)
Index("assignment_member", assignment.c.member_id)

conversation: Final = Table(
    "conversation",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    _count("version"),
    #: Messages in the history: the next one's position.
    _count("messages"),
    _count("failures"),
    _count("wake_ms"),
    _count("takeovers"),
    _count("probes"),
    #: BCP 47, empty until an answer told.
    _words("language"),
    #: Why the bot is silent, and until when. See :class:`vestlus.store.rows.Silence`.
    _words("silence"),
    _count("silent_until_ms"),
    #: What the bot decided in turns before this one is not sent any more.
    _count("silenced_turn"),
    #: Nothing of the bot's is sent until then: an echo is not told yet.
    _count("held_until_ms"),
    #: Since when a person is waited for, 0 for not; and what that person should know.
    _count("waiting_ms"),
    _words("note"),
    #: When the user last wrote: the window begins there.
    _count("user_ms"),
    _count("answered_ms"),
    _count("disclosed_ms"),
    _count("apology_ms"),
    #: Ids of pictures that were sent, as a JSON array.
    _words("pictures", "'[]'"),
    #: What the first ``summarised`` messages of the history say.
    _words("summary"),
    _count("summarised"),
    #: Tries to answer since the last answer: see :mod:`vestlus.store.trail`.
    _words("trail"),
    #: How often the model was asked: see :mod:`vestlus.conversation.allowance`.
    _words("usage"),
    #: Since when nothing of it is pruned, whatever its age; 0 for not.
    _count("preserved_ms"),
    #: When the user was asked whether everything is to be erased, until the next turn; 0 for not.
    _count("erase_asked_ms"),
)
Index("conversation_preserved", conversation.c.preserved_ms, **_where("preserved_ms > 0"))
#: For pruning. By account first: no other index has that order, and is taken in its place.
Index("conversation_said", conversation.c.account, conversation.c.id, **_where(SAID))
Index("conversation_waiting", conversation.c.waiting_ms, **_where("waiting_ms > 0"))
Index(
    "conversation_silent",
    conversation.c.silent_until_ms,
    conversation.c.id,
    **_where(SILENT),
)

#: How far people have read: the ``user_ms`` of the conversation as they had it before them. Apart
#: from the conversation, so that a mark waits for no turn.
conversation_read: Final = Table(
    "conversation_read",
    metadata,
    Column("conversation", Text, primary_key=True),
    Column("user_ms", BigInteger, nullable=False),
    Column("read_ms", BigInteger, nullable=False),
)
Index("conversation_read_at", conversation_read.c.read_ms)

#: Positions are given without gaps, so that the newest ones are a range of the key; the oldest ones
#: may be gone. On PostgreSQL the table is divided by ``at_ms``, which is part of the key there: see
#: :mod:`vestlus.store.postgres_weeks`. Positions stay unique, since whoever adds one has locked
#: the conversation's row.
history: Final = Table(
    "history",
    metadata,
    Column("conversation", Text, primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("role", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("mid", Text),
    #: The version that the turn was built from, for what a turn decided.
    Column("turn", BigInteger),
)
Index("history_mid", history.c.conversation, history.c.mid, **_where("mid IS NOT NULL"))
#: For pruning; on PostgreSQL it is done by whole weeks.
Index("history_at", history.c.at_ms, history.c.conversation, history.c.position).ddl_if(
    dialect="sqlite"
)

inbox_event: Final = Table(
    "inbox_event",
    metadata,
    Column("seq", ROW_NUMBER, Identity(), primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("user_id", Text),
    Column("conversation", Text),
    Column("partition", Integer, nullable=False),
    Column("mid", Text),
    Column("timestamp_ms", BigInteger, nullable=False),
    Column("recorded_ms", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    #: The whole event as JSON.
    Column("payload", Text, nullable=False),
    # A number is never given twice, also after the newest rows were deleted.
    sqlite_autoincrement=True,
)
Index("inbox_event_mid", inbox_event.c.account, inbox_event.c.mid, **_where("mid IS NOT NULL"))
Index(
    "inbox_event_pending",
    inbox_event.c.conversation,
    inbox_event.c.seq,
    inbox_event.c.partition,
    **_where(f"state = {PENDING}"),
)
#: For echoes; and whoever asks that their data be erased must not have it searched for everywhere.
Index("inbox_event_conversation", inbox_event.c.conversation, inbox_event.c.timestamp_ms)
Index(
    "inbox_event_undetermined",
    inbox_event.c.partition,
    inbox_event.c.seq,
    **_where(f"state = {UNDETERMINED}"),
)

ledger: Final = Table(
    "ledger",
    metadata,
    Column("id", Text, primary_key=True),
    Column("outbox", Integer, nullable=False),
    Column("account", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("conversation", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    #: Mids, as a JSON array.
    Column("answers", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    Column("deadline_ms", BigInteger, nullable=False),
    _count("attempts"),
    _count("resends"),
    _count("attempted_ms"),
    Column("traceparent", Text, nullable=False),
    Column("sent_mid", Text),
    Column("reason", Text, nullable=False, server_default=text("''")),
    Column("created_ms", BigInteger, nullable=False),
    #: Of the last transition.
    _count("changed_ms"),
    _words("kind", "'text'"),
    #: Ids of the image bank's pictures, as a JSON array.
    _words("pictures", "'[]'"),
    _words("origin", "'bot'"),
    #: The conversation's version that the turn was built from.
    _count("turn"),
    #: The echo that was told to be this send's.
    Column("echo_mid", Text),
    #: 1 when its text is to be emptied as soon as it is finished: a process of an earlier version
    #: says so, and no other.
    _count("erased"),
    #: Its steps: see :mod:`vestlus.store.trail`.
    _words("trail"),
    #: Of the last send of an answer: since when it has been waited for.
    _count("asked_ms"),
)
Index("ledger_conversation", ledger.c.conversation, ledger.c.changed_ms)
Index("ledger_echo_mid", ledger.c.account, ledger.c.echo_mid, **_where("echo_mid IS NOT NULL"))
#: For pruning.
Index("ledger_finished", ledger.c.changed_ms, ledger.c.id, **_where(f"state IN {FINISHED}"))
Index("ledger_draft", ledger.c.outbox, ledger.c.deadline_ms, **_where(f"state = {DRAFT}"))
#: For whoever asks in which answers pictures are.
Index("ledger_pictured", ledger.c.created_ms, ledger.c.id, **_where(PICTURED))
#: One Graph message proves one row.
Index("ledger_sent_mid", ledger.c.account, ledger.c.sent_mid, unique=True)
Index(
    "ledger_order",
    ledger.c.conversation,
    ledger.c.position,
    ledger.c.id,
    **_where(f"state IN {UNFINISHED}"),
)
Index(
    "ledger_deadline",
    ledger.c.outbox,
    ledger.c.deadline_ms,
    ledger.c.id,
    **_where(f"state IN {UNFINISHED}"),
)
Index(
    "ledger_people",
    ledger.c.outbox,
    ledger.c.deadline_ms,
    ledger.c.id,
    **_where(f"state IN {UNFINISHED} AND origin = {PERSON}"),
)

dead_letter: Final = Table(
    "dead_letter",
    metadata,
    Column("id", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("account", Text),
    Column("user_id", Text),
    Column("conversation", Text),
    #: What happened to it: see :mod:`vestlus.store.trail`.
    _words("trail"),
    _words("state", "'open'"),
    #: How often it was replayed.
    _count("replays"),
    #: 1 when it may have been done all the same.
    _count("doubtful"),
)
Index("dead_letter_at", dead_letter.c.at_ms, dead_letter.c.id)
Index("dead_letter_open", dead_letter.c.reason, **_where(f"state = {OPEN}"))
Index(
    "dead_letter_conversation",
    dead_letter.c.conversation,
    dead_letter.c.at_ms,
    **_where(OPEN_LETTERS),
)

#: Until when all messages of an account that Instagram had are known to be recorded.
looked_for_missed: Final = Table(
    "looked_for_missed",
    metadata,
    Column("account", Text, primary_key=True),
    Column("until_ms", BigInteger, nullable=False),
)

#: The catalogue of the image bank, an entry each, as JSON.
picture: Final = Table(
    "picture",
    metadata,
    Column("id", Text, primary_key=True),
    Column("data", Text, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
)

#: Vectors of texts, by the texts' digests.
embedding: Final = Table(
    "embedding",
    metadata,
    Column("model", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    #: Little-endian 32-bit floats.
    Column("vector", LargeBinary, nullable=False),
)

#: Pictures that Instagram has already, by account.
uploaded_picture: Final = Table(
    "uploaded_picture",
    metadata,
    Column("account", Text, primary_key=True),
    Column("file", Text, primary_key=True),
    Column("attachment_id", Text, nullable=False),
    Column("uploaded_ms", BigInteger, nullable=False),
)

#: Access tokens, encrypted by whoever writes them. See :class:`vestlus.store.token_rows.TokenRow`.
account_token: Final = Table(
    "account_token",
    metadata,
    Column("account", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("token", LargeBinary, nullable=False),
    _words("seed"),
    _words("username"),
    Column("state", Text, nullable=False),
    _words("reason"),
    _count("obtained_ms"),
    _count("expires_ms"),
    _count("failures"),
    _count("failed_ms"),
    #: By which id this app knows the account, where that is known.
    _words("app_scoped_id"),
)

post: Final = Table(
    "post",
    metadata,
    Column("id", Text, primary_key=True),
    #: Of one occasion there is one post.
    Column("key", Text, nullable=False, unique=True),
    Column("outbox", Integer, nullable=False),
    Column("account", Text, nullable=False),
    Column("kind", Text, nullable=False),
    #: Ids of the image bank's pictures and their alternative texts, as JSON.
    Column("pictures", Text, nullable=False),
    Column("caption", Text, nullable=False),
    _count("ai_generated"),
    Column("state", Text, nullable=False),
    Column("planned_ms", BigInteger, nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    Column("deadline_ms", BigInteger, nullable=False),
    _count("version"),
    _count("round"),
    _count("failures"),
    _count("attempts"),
    _count("attempted_ms"),
    _count("resends"),
    _count("looking_ms"),
    Column("media_id", Text),
    _words("reason"),
    _words("problem"),
    _words("traceparent"),
    Column("created_ms", BigInteger, nullable=False),
    #: Of the last step.
    _count("changed_ms"),
)
#: One of Instagram's posts proves one of ours.
Index("post_media", post.c.account, post.c.media_id, unique=True)
Index("post_planned", post.c.planned_ms, post.c.id)
Index("post_attempted", post.c.account, post.c.attempted_ms)
Index(
    "post_due",
    post.c.outbox,
    post.c.due_ms,
    post.c.id,
    **_where(f"state IN {UNENDED_POSTS}"),
)

#: Requests for containers, each noted before it is made; they are counted by the day.
post_container: Final = Table(
    "post_container",
    metadata,
    Column("post", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("account", Text, nullable=False),
    _count("round"),
    #: 0 for what is published, from 1 for the pictures of a carousel.
    _count("position"),
    Column("begun_ms", BigInteger, nullable=False),
    #: Empty while it is not known.
    _words("container"),
    _count("made_ms"),
    _count("finished"),
)
Index("post_container_begun", post_container.c.account, post_container.c.begun_ms)

#: When posts are due by the clock. See :class:`vestlus.store.plan_rows.ScheduleRow`.
schedule: Final = Table(
    "schedule",
    metadata,
    Column("name", Text, primary_key=True),
    Column("keeper", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("definition", Text, nullable=False),
    _count("paused"),
    _count("watched_ms"),
    _count("look_ms"),
    _count("version"),
    Column("created_ms", BigInteger, nullable=False),
    _count("changed_ms"),
)
Index(
    "schedule_look",
    schedule.c.look_ms,
    schedule.c.name,
    **_where("look_ms > 0 AND paused = 0"),
)

#: A schedule's times and what events lead to. See :mod:`vestlus.store.occurrences`.
occurrence: Final = Table(
    "occurrence",
    metadata,
    Column("id", Text, primary_key=True),
    #: Of one time of a schedule there is one occurrence, and of one event and rule.
    Column("key", Text, nullable=False, unique=True),
    Column("trigger", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("account", Text, nullable=False),
    #: JSON.
    Column("recipe", Text, nullable=False),
    _words("payload"),
    Column("state", Text, nullable=False),
    _count("version"),
    Column("due_ms", BigInteger, nullable=False),
    _count("wake_ms"),
    _words("caption"),
    #: As those of posts.
    _words("pictures", "'[]'"),
    _count("ai_generated"),
    _count("failures"),
    _count("drafted_ms"),
    _words("decided_by"),
    _count("decided_ms"),
    _words("post"),
    _words("reason"),
    _words("problem"),
    _words("traceparent"),
    Column("created_ms", BigInteger, nullable=False),
    _count("changed_ms"),
)
Index(
    "occurrence_wake",
    occurrence.c.wake_ms,
    occurrence.c.id,
    **_where(f"state IN {OPEN_OCCURRENCES}"),
)
Index("occurrence_due", occurrence.c.due_ms, occurrence.c.id)
Index("occurrence_name", occurrence.c.name, occurrence.c.due_ms)

#: Events that other systems sent, and what they led to.
trigger_event: Final = Table(
    "trigger_event",
    metadata,
    Column("id", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("payload", Text, nullable=False),
    #: What each rule made of it, as a JSON array.
    Column("outcomes", Text, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    _words("traceparent"),
)
Index(
    "trigger_event_key",
    trigger_event.c.source,
    trigger_event.c.name,
    trigger_event.c.key,
    unique=True,
)
Index("trigger_event_received", trigger_event.c.received_ms, trigger_event.c.id)

#: When each event rule last led to something, and how often on that day of its account.
event_rule: Final = Table(
    "event_rule",
    metadata,
    Column("name", Text, primary_key=True),
    _count("fired_ms"),
    _words("day"),
    _count("fired"),
)

#: How large people wish each pool to be.
pool_wish: Final = Table(
    "pool_wish",
    metadata,
    Column("pool", Text, primary_key=True),
    Column("size", Text, nullable=False),
    #: What the settings of the registries say that have followed it, apart by spaces.
    _words("configured"),
    Column("wished_ms", BigInteger, nullable=False),
)

#: What the registry of each cluster makes of it, for people to see.
pool_state: Final = Table(
    "pool_state",
    metadata,
    Column("cluster", Text, primary_key=True),
    Column("pool", Text, primary_key=True),
    #: As the settings of that cluster say.
    Column("configured", Text, nullable=False),
    #: What is followed: the settings' size or a person's.
    Column("followed", Text, nullable=False),
    Column("wished", Integer, nullable=False),
    Column("running", Integer, nullable=False),
    Column("ready", Integer, nullable=False),
    Column("pending", Integer, nullable=False),
    Column("busy_percent", Integer, nullable=False),
    Column("backlog_ms", BigInteger, nullable=False),
    _words("reason"),
    Column("at_ms", BigInteger, nullable=False),
)

#: What people did by hand. A trigger refuses changes; only retention takes old entries out.
audit: Final = Table(
    "audit",
    metadata,
    Column("id", ROW_NUMBER, Identity(), primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("person", Text, nullable=False),
    Column("role", Text, nullable=False),
    #: How they came: token, oidc, api, command.
    Column("way", Text, nullable=False),
    Column("action", Text, nullable=False),
    _words("target"),
    #: ``done``, or why not.
    Column("outcome", Text, nullable=False),
    _words("detail"),
    #: Of what it was done to, where that belonged to an account then. For retention.
    _words("account"),
)
Index("audit_at", audit.c.at_ms, audit.c.id)
Index("audit_target", audit.c.target, audit.c.id)
Index("audit_person", audit.c.person, audit.c.id)
Index("audit_action", audit.c.action, audit.c.id)

#: Who is signed in to the console; the cookie's value itself is not kept.
console_session: Final = Table(
    "console_session",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("person", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("way", Text, nullable=False),
    Column("csrf", Text, nullable=False),
    Column("began_ms", BigInteger, nullable=False),
    Column("seen_ms", BigInteger, nullable=False),
    Column("ends_ms", BigInteger, nullable=False),
    #: What the session rests on, and whose it is where somebody else says so.
    _words("grounds"),
    _words("subject"),
)
Index("console_session_ends", console_session.c.ends_ms)
Index("console_session_subject", console_session.c.subject)

#: What happened, by minute and account. See :class:`vestlus.store.measure_rows.MinuteRow`.
minute: Final = Table(
    "minute",
    metadata,
    Column("minute_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("account", Text, primary_key=True),
    _count("received"),
    _count("answered"),
    _count("failed"),
    _count("backlog"),
    *(_count(f"took_{place}") for place in range(16)),
)

#: What each process last told of its measures.
process_measures: Final = Table(
    "process_measures",
    metadata,
    Column("process", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("node", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

#: What accounts spend on models, in days of their own zones.
model_usage: Final = Table(
    "model_usage",
    metadata,
    Column("account", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("purpose", Text, primary_key=True),
    _count("calls"),
    _count("input_tokens"),
    _count("cached_tokens"),
    _count("output_tokens"),
    #: Billionths of a unit of money.
    _count("cost_nano"),
    #: Calls of models without a price.
    _count("unpriced"),
)

#: How far people know each account's budget to be used up, and on which day.
budget_told: Final = Table(
    "budget_told",
    metadata,
    Column("account", Text, primary_key=True),
    Column("day", Text, nullable=False),
    Column("percent", Integer, nullable=False),
)

#: Why conversations are preserved: see :mod:`vestlus.store.preserving`.
preservation: Final = Table(
    "preservation",
    metadata,
    Column("conversation", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("by_whom", Text, nullable=False),
    Column("since_ms", BigInteger, nullable=False),
    _count("until_ms"),
)

#: How far pruning came: see :class:`vestlus.store.pruning.Mark`.
pruning_mark: Final = Table(
    "pruning_mark",
    metadata,
    Column("name", Text, primary_key=True),
    Column("begun_ms", BigInteger, nullable=False),
    #: By place, as JSON.
    Column("reached", Text, nullable=False),
)

#: Tries of signing in with the operator token that were not right, for a quarter of an hour.
sign_in_try: Final = Table(
    "sign_in_try",
    metadata,
    #: Whose tries are counted together: a digest.
    Column("bucket", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
)
Index("sign_in_try_at", sign_in_try.c.at_ms)

#: Whose data were erased, told by a keyed digest only, for as long as anything older may still
#: come. See :mod:`vestlus.store.erasing`.
tombstone: Final = Table(
    "tombstone",
    metadata,
    Column("grave", Text, primary_key=True),
    #: What was written until then is dropped, by Meta's time.
    Column("at_ms", BigInteger, nullable=False),
    #: The same of echoes: of what was under way, and of the last word.
    _count("echo_ms"),
    #: What a conversation that begins anew goes on from, so that nothing of the one before fits.
    _count("version"),
    _count("messages"),
    #: Events up to this one are the erased ones.
    _count("seq"),
    _words("code"),
    #: The conversation's id while something is left to do, and the last word's; empty afterwards.
    _words("conversation"),
    _words("farewell"),
    _count("sweep_ms"),
    #: Hours since then in which the service was looked after, and when one was last counted.
    _count("hours"),
    _count("counted_ms"),
)
Index(
    "tombstone_sweep",
    tombstone.c.sweep_ms,
    tombstone.c.grave,
    **_where("conversation <> ''"),
)
Index("tombstone_code", tombstone.c.code)

#: That data were erased, without whose.
erasure: Final = Table(
    "erasure",
    metadata,
    Column("code", Text, primary_key=True),
    Column("asked_ms", BigInteger, nullable=False),
    _count("done_ms"),
    Column("way", Text, nullable=False),
    #: Which operator, or by which of Meta's callbacks.
    _words("by"),
    Column("state", Text, nullable=False),
    #: How many rows went, by table, as JSON.
    _words("counts", "'{}'"),
)
Index("erasure_asked", erasure.c.asked_ms, erasure.c.code)
