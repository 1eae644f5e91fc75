"""Conversations at rest: nothing is lost in packing, and those unused for longest go first."""

from __future__ import annotations

from dataclasses import fields

from hypothesis import given
from hypothesis import strategies as st

from vestlus.conversation.events import Event, EventKind
from vestlus.conversation.history import HistoryMessage, Role
from vestlus.hosting.mailbox import Known, Mailbox
from vestlus.hosting.resting import ENTRY_BYTES, Resting, may_rest, pack, unpack
from vestlus.store.rows import Lease, Silence

LEASE, OTHER = Lease("inbox.0", 3), Lease("inbox.1", 9)
MANY = 10**9

# Whatever a database may have given, halves of surrogate pairs and zeros among it.
texts = st.text(st.characters(codec=None), max_size=40)
moments = st.integers(0, 2**62)
messages = st.builds(
    HistoryMessage, st.sampled_from(Role), texts, moments, st.one_of(st.none(), texts)
)
knowns = st.builds(
    Known,
    language=texts,
    silence=st.sampled_from(Silence),
    silent_until_ms=moments,
    waiting_ms=moments,
    note=texts,
    user_ms=moments,
    answered_ms=moments,
    disclosed_ms=moments,
    apology_ms=moments,
    pictures=st.lists(texts, max_size=3).map(tuple),
    summary=texts,
    summarised=moments,
    messages=moments,
)


def box(name: str, lease: Lease = LEASE, text: str = "Tere!") -> Mailbox:
    """A mailbox that may rest."""
    history = [HistoryMessage(Role.USER, text, 1)]
    return Mailbox(name, lease, account="acc", user=name, loaded=True, history=history)


def names(resting: Resting, *wanted: str, lease: Lease = LEASE) -> str:
    """Which of the conversations rest."""
    return "".join(name for name in wanted if resting.take(lease, name) is not None)


@given(knowns, st.lists(messages, max_size=8), texts, texts, moments)
def test_what_rests_wakes_as_it_was(
    known: Known, history: list[HistoryMessage], account: str, user: str, version: int
) -> None:
    before = Mailbox(
        "c", LEASE, account, user, loaded=True, version=version, known=known, history=history
    )
    after = unpack(pack(before), "c", LEASE)
    for one in fields(Mailbox):
        assert getattr(after, one.name) == getattr(before, one.name), one.name
    assert all(isinstance(message.role, Role) for message in after.history)
    assert isinstance(after.known.silence, Silence)


def test_of_every_value_it_is_said_whether_it_rests() -> None:
    """Whoever adds one to these classes decides whether it is packed, and says so here."""
    kept = {"id", "lease", "account", "user", "loaded", "version", "known", "history"}
    of_the_store = {"failures", "takeovers", "probes", "wake_ms"}
    of_a_turn = {
        *("silent_ms", "unanswered", "taken_in", "more", "looked", "full", "task", "thinking"),
        *("news", "outages", "restarts", "timer", "asked_since_ms", "asked", "suspect", "urgent"),
        *("queued", "queued_since", "stopped"),
    }
    assert {one.name for one in fields(Mailbox)} == kept | of_the_store | of_a_turn
    said = {one.name for one in fields(HistoryMessage)}
    assert said == {"role", "text", "at_ms", "mid"} | {"images"}  # which are never stored


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["put", "take", "passivate", "drop"]),
            st.sampled_from("abcdef"),
            st.sampled_from([LEASE, OTHER]),
        ),
        max_size=25,
    ),
    st.integers(0, 5),
    st.integers(0, 5),
)
def test_the_most_recently_used_stay_within_both_bounds(
    steps: list[tuple[str, str, Lease]], most: int, room: int
) -> None:
    each = len(pack(box("a"))) + ENTRY_BYTES
    resting = Resting(most=most, most_bytes=room * each)
    # By last use, oldest first.
    expected: dict[tuple[Lease, str], int] = {}
    for now, (step, name, lease) in enumerate(steps):
        if step == "put":
            resting.put(box(name, lease), now)
            expected.pop((lease, name), None)
            expected[lease, name] = now
            while len(expected) > min(most, room):
                del expected[next(iter(expected))]
        elif step == "take":
            assert (resting.take(lease, name) is not None) == ((lease, name) in expected)
            expected.pop((lease, name), None)
        elif step == "passivate":
            old = [key for key, used in expected.items() if used < now - 3]
            assert resting.passivate(now - 3) == len(old)
            for key in old:
                del expected[key]
        else:
            resting.drop(lease)
            expected = {key: used for key, used in expected.items() if key[0] != lease}
        assert (len(resting), resting.size) == (len(expected), len(expected) * each)
    assert all(resting.take(lease, name) is not None for lease, name in expected)


def test_no_more_are_dropped_in_one_step_than_asked_for() -> None:
    resting = Resting(most=MANY, most_bytes=MANY)
    for at, name in enumerate("abcde"):
        resting.put(box(name), at)
    assert (resting.passivate(4, most=3), resting.passivate(4, most=3)) == (3, 1)
    assert names(resting, *"abcde") == "e"


def test_what_was_used_again_is_not_the_oldest_any_more() -> None:
    resting = Resting(most=2, most_bytes=MANY)
    resting.put(box("a"), 1)
    resting.put(box("b"), 2)
    resting.put(box("a"), 3)
    resting.put(box("c"), 4)
    assert names(resting, *"abc") == "ac"


def test_one_large_conversation_takes_the_room_of_many() -> None:
    small = len(pack(box("a"))) + ENTRY_BYTES
    resting = Resting(most=MANY, most_bytes=4 * small)
    for at, name in enumerate("abcd"):
        resting.put(box(name), at)
    resting.put(box("large", text="x" * small), 9)
    assert names(resting, *"abcd", "large") == "dlarge"


def test_one_lease_knows_nothing_of_what_rested_under_another() -> None:
    resting = Resting(most=MANY, most_bytes=MANY)
    resting.put(box("a"), 1)
    assert resting.take(Lease(LEASE.name, LEASE.epoch + 1), "a") is None


def test_only_what_is_a_copy_of_the_store_rests() -> None:
    assert may_rest(box("a"))
    event = Event(
        key="k",
        kind=EventKind.MESSAGE,
        account="a",
        user="u",
        conversation="c",
        mid="m",
        timestamp_ms=1,
    )
    changes: tuple[dict[str, object], ...] = (
        {"loaded": False},
        {"history": []},
        {"unanswered": {1: event}},
        {"more": True},
        {"queued": True},
        {"suspect": True},
        {"stopped": True},
        {"failures": 1},
        {"takeovers": 1},
        {"probes": 1},
        {"wake_ms": 1},
    )
    for change in changes:
        changed = box("a")
        for name, value in change.items():
            setattr(changed, name, value)
        assert not may_rest(changed), change
