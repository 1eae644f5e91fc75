"""What every column of the store holds of users, and how it is erased. A test demands that each one
is declared here, and that a user who has lived is found nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

#: Columns of rows that are one user's. Erased: the row is deleted, in the transaction of the
#: erasure, by the conversation's id. What is the matter with each:
HOLDS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "conversation": {
            "id": "told from account and user",
            "account": "to whom the user writes",
            "user_id": "the user's id at Instagram",
            "partition": "told from account and user",
            "version": "how often something happened",
            "messages": "how many messages there are",
            "failures": "how their answers fared",
            "wake_ms": "when their answer is tried again",
            "takeovers": "how their answers fared",
            "probes": "how their answers fared",
            "language": "which language they speak",
            "silence": "that they asked for silence, or that a person writes with them",
            "silent_until_ms": "the same",
            "silenced_turn": "the same",
            "held_until_ms": "that an echo of theirs is undetermined",
            "waiting_ms": "since when they wait for a person: the hand-over",
            "note": "words of theirs, for that person",
            "user_ms": "when they last wrote",
            "answered_ms": "when they were answered",
            "disclosed_ms": "when they were told that a robot answers",
            "apology_ms": "when they were told that it cannot",
            "pictures": "which pictures they were sent",
            "summary": "what they said, in a model's words",
            "summarised": "how much of it",
            "trail": "when answers failed, and why",
            "usage": "how often they were answered: their allowance",
            "preserved_ms": "that it is kept; an erasure is stronger",
            "erase_asked_ms": "when they were asked whether they mean it",
        },
        "history": {
            "conversation": "told from account and user",
            "position": "how many messages came before",
            "role": "who said it",
            "text": "what was said",
            "at_ms": "when",
            "mid": "Meta's id of the message",
            "turn": "to which answer it belongs",
        },
        "inbox_event": {
            "seq": "when it was recorded, among others",
            "key": "a digest of Meta's id of the message",
            "kind": "what they did",
            "account": "to whom",
            "user_id": "the user's id at Instagram",
            "conversation": "told from account and user",
            "partition": "told from account and user",
            "mid": "Meta's id of the message; also of events without a user, which go by it",
            "timestamp_ms": "when",
            "recorded_ms": "when it came",
            "state": "what became of it",
            "payload": "the whole event: words, and Meta's links to pictures",
        },
        "ledger": {
            "id": "holds the conversation's id",
            "outbox": "told from the account",
            "account": "who writes to them",
            "user_id": "the user's id at Instagram",
            "conversation": "told from account and user",
            "position": "how many sends came before",
            "text": "what they were or would have been told: drafts too",
            "answers": "Meta's ids of their messages",
            "state": "what became of it",
            "due_ms": "when",
            "deadline_ms": "when they last wrote",
            "attempts": "how often it was tried",
            "resends": "how often it was tried",
            "attempted_ms": "when",
            "traceparent": "of the webhook that brought their message",
            "sent_mid": "Meta's id of the message",
            "reason": "a word of ours, why it was not sent",
            "created_ms": "when",
            "changed_ms": "when",
            "kind": "text or pictures",
            "pictures": "which pictures they were sent",
            "origin": "who wrote it",
            "turn": "to which answer it belongs",
            "echo_mid": "Meta's id of the message",
            "erased": "of an earlier version",
            "trail": "when it was tried, and why it failed",
            "asked_ms": "when they wrote what it answers",
        },
        "dead_letter": {
            "id": "holds the message's or the send's id",
            "source": "where it was given up",
            "reason": "a word of ours",
            "body": "what was given up, whole; of letters that nobody could read it is looked "
            "through for the user's id",
            "at_ms": "when",
            "account": "to or from whom",
            "user_id": "the user's id at Instagram",
            "conversation": "told from account and user",
            "trail": "what happened to it, and which operator replayed it",
            "state": "what became of it",
            "replays": "how often it was replayed",
            "doubtful": "whether it may have been sent",
        },
        "preservation": {
            "conversation": "told from account and user",
            "reason": "why nothing of it may go, in an operator's words",
            "by_whom": "which operator said so",
            "since_ms": "when",
            "until_ms": "for how long",
        },
        "conversation_read": {
            "conversation": "told from account and user",
            "user_ms": "up to what people have read it",
            "read_ms": "when",
        },
    }
)

#: Columns that hold nothing of a user's, and why; they survive an erasure.
HOLDS_NONE: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = MappingProxyType(
    {
        "meta": ("what the store was made for", ("name", "value")),
        "lease": (
            "which process may act for a partition",
            ("name", "epoch", "member_id", "incarnation", "expires_ms"),
        ),
        "member": (
            "which processes there are",
            ("id", "kind", "incarnation", "host", "pid", "heartbeat_ms"),
        ),
        "assignment": ("which process should act for a partition", ("lease", "member_id")),
        "looked_for_missed": ("how far an account was looked through", ("account", "until_ms")),
        "picture": (
            "the bank's own pictures; users' are never stored",
            ("id", "data", "changed_ms"),
        ),
        "embedding": (
            "of documents and of the bank's pictures; users' questions are embedded, and not kept",
            ("model", "digest", "vector"),
        ),
        "uploaded_picture": (
            "which of the bank's pictures Instagram has of an account",
            ("account", "file", "attachment_id", "uploaded_ms"),
        ),
        "account_token": (
            "of the accounts that are served, which are the operator's",
            (
                *("account", "version", "token", "seed", "username", "state", "reason"),
                *("obtained_ms", "expires_ms", "failures", "failed_ms", "app_scoped_id"),
            ),
        ),
        "post": (
            "what is published for everybody",
            (
                *("id", "key", "outbox", "account", "kind", "pictures", "caption", "ai_generated"),
                *("state", "planned_ms", "due_ms", "deadline_ms", "version", "round", "failures"),
                *("attempts", "attempted_ms", "resends", "looking_ms", "media_id", "reason"),
                *("problem", "traceparent", "created_ms", "changed_ms"),
            ),
        ),
        "post_container": (
            "what is published for everybody",
            (
                *("post", "number", "account", "round", "position", "begun_ms", "container"),
                *("made_ms", "finished"),
            ),
        ),
        "schedule": (
            "when is published",
            (
                *("name", "keeper", "account", "definition", "paused", "watched_ms", "look_ms"),
                *("version", "created_ms", "changed_ms"),
            ),
        ),
        "occurrence": (
            "what is published for everybody",
            (
                *("id", "key", "trigger", "name", "account", "recipe", "payload", "state"),
                *("version", "due_ms", "wake_ms", "caption", "pictures", "ai_generated"),
                *("failures", "drafted_ms", "decided_by", "decided_ms", "post", "reason"),
                *("problem", "traceparent", "created_ms", "changed_ms"),
            ),
        ),
        "trigger_event": (
            "what other systems tell, by their own rules; gone after 7 days",
            (
                *("id", "source", "name", "key", "digest", "payload", "outcomes"),
                *("received_ms", "traceparent"),
            ),
        ),
        "event_rule": ("when a rule last led to a post", ("name", "fired_ms", "day", "fired")),
        "pool_wish": (
            "how many processes are wished for",
            ("pool", "size", "configured", "wished_ms"),
        ),
        "pool_state": (
            "how many processes there are",
            (
                *("cluster", "pool", "configured", "followed", "wished", "running", "ready"),
                *("pending", "busy_percent", "backlog_ms", "reason", "at_ms"),
            ),
        ),
        "audit": (
            "what operators did. Of acts on a conversation it has its id, of an erasure the code",
            (*("id", "at_ms", "person", "role", "way", "action", "target", "outcome", "detail"),),
        ),
        "console_session": (
            "which operators are signed in",
            (
                *("digest", "person", "role", "way", "csrf", "began_ms", "seen_ms", "ends_ms"),
                *("grounds", "subject"),
            ),
        ),
        "sign_in_try": (
            "where wrong tokens came from, as a digest, for a quarter of an hour",
            ("bucket", "id", "at_ms"),
        ),
        "minute": (
            "sums of an account",
            (
                *("minute_ms", "account", "received", "answered", "failed", "backlog"),
                *(f"took_{place}" for place in range(16)),
            ),
        ),
        "process_measures": (
            "sums of a process",
            ("process", "name", "kind", "node", "at_ms", "body"),
        ),
        "model_usage": (
            "sums of an account",
            (
                *("account", "day", "model", "purpose", "calls", "input_tokens", "cached_tokens"),
                *("output_tokens", "cost_nano", "unpriced"),
            ),
        ),
        "budget_told": ("how far people know a budget to be used", ("account", "day", "percent")),
        "pruning_mark": ("how far retention came", ("name", "begun_ms", "reached")),
        "tombstone": (
            "a keyed digest instead of an id; the conversation's id until the second look alone",
            (
                *("grave", "at_ms", "echo_ms", "version", "messages", "seq", "code"),
                *("conversation", "farewell", "sweep_ms", "hours", "counted_ms"),
            ),
        ),
        "erasure": (
            "that somebody was erased, not who: the law wants it. Who did it goes after audit_days",
            ("code", "asked_ms", "done_ms", "way", "by", "state", "counts"),
        ),
    }
)
