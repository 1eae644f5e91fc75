"""What may be concluded from what is seen at Instagram, and what may not."""

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishers.attempt import Attempt
from publishers.reconcile import (
    AMBIGUOUS_TWICE,
    LISTED,
    LOOK_FAILED,
    LOOK_REFUSED,
    NOT_IN_REACH,
    PICTURES_UNCLEAR,
    Expired,
    Found,
    LookAgain,
    Resend,
    Unknowable,
    evidence_until_ms,
    judge_failure,
    judge_listing,
    latest_give_up_ms,
    matching_echo,
    matching_messages,
    settled_ms,
)
from publishers.rules import SendingRules
from vestlus.conversation.echoes import EchoPolicy, normalised
from vestlus.instagram.port import RecentMessage
from vestlus.store.ledger import SendState
from vestlus.store.rows import EchoRow, Kind, SendRow

RULES = SendingRules()
ATTEMPTED_MS = 1_780_000_000_500
ATTEMPT = Attempt(ATTEMPTED_MS, ATTEMPTED_MS)
GAVE_UP_MS = ATTEMPTED_MS + 3_000
SETTLED_MS = settled_ms(GAVE_UP_MS, RULES)
TOLERANCE_MS = round(RULES.clock_tolerance_seconds * 1000)
TEXT = "Oleme avatud 9–17."


def row(*, resends: int = 0, deadline_ms: int = ATTEMPTED_MS + 10**8) -> SendRow:
    return SendRow(
        id="r1",
        account="a1",
        user="u1",
        conversation="c1",
        position=1,
        text=TEXT,
        answers=("in-1",),
        state=SendState.LOOKING,
        due_ms=0,
        deadline_ms=deadline_ms,
        attempts=1 + resends,
        resends=resends,
        attempted_ms=ATTEMPTED_MS,
        traceparent="",
    )


def listed_at(ms: int, *, mid: str = "m1", sender: str = "a1", text: str = TEXT) -> RecentMessage:
    return RecentMessage(mid, sender, text, ms // 1000 * 1000)


USERS = listed_at(ATTEMPTED_MS - 60_000, mid="m0", sender="u1", text="Mis kell?")


def judge(
    *listed: RecentMessage,
    read_ms: int = SETTLED_MS,
    claimed: frozenset[str] = frozenset(),
    of: SendRow | None = None,
    attempt: Attempt = ATTEMPT,
) -> object:
    """Judge a listing, given newest first."""
    return judge_listing(
        of or row(),
        attempt,
        listed=listed,
        claimed=claimed,
        gave_up_ms=GAVE_UP_MS,
        read_ms=read_ms,
        rules=RULES,
    )


messages = st.lists(
    st.builds(
        listed_at,
        st.integers(ATTEMPTED_MS - 20_000, ATTEMPTED_MS + 80_000),
        mid=st.sampled_from([f"m{n}" for n in range(40)]),
        sender=st.sampled_from(["a1", "u1"]),
        text=st.sampled_from([TEXT, f" {TEXT}\n", "Muu"]),
    ),
    max_size=LISTED,
    unique_by=lambda message: message.mid,
).map(lambda found: sorted(found, key=lambda message: -message.created_ms))

mids = st.frozensets(st.sampled_from([f"m{n}" for n in range(40)]))
times = st.integers(ATTEMPTED_MS, SETTLED_MS + 100_000)


@given(messages, mids, times, st.integers(0, 1), times)
def test_nothing_is_concluded_without_its_proof(
    listed: list[RecentMessage],
    claimed: frozenset[str],
    read_ms: int,
    resends: int,
    deadline_ms: int,
) -> None:
    send = row(resends=resends, deadline_ms=deadline_ms)
    verdict = judge(*listed, read_ms=read_ms, claimed=claimed, of=send)
    ours = [
        message
        for message in listed
        if message.sender == "a1"
        and normalised(message.text) == normalised(TEXT)
        and message.created_ms + 999 >= ATTEMPTED_MS - TOLERANCE_MS
    ]
    unclaimed = {message.mid for message in ours} - claimed
    if isinstance(verdict, Found):
        assert verdict.mid in unclaimed
    else:
        assert not unclaimed
    if isinstance(verdict, Resend | Expired):
        assert read_ms >= SETTLED_MS
        assert listed
        begins_before = min(m.created_ms for m in listed) + 999 < ATTEMPTED_MS - TOLERANCE_MS
        assert len(listed) < LISTED or begins_before
    if isinstance(verdict, Resend):
        assert not resends
        assert read_ms <= send.deadline_ms
    if isinstance(verdict, LookAgain):
        assert read_ms < SETTLED_MS <= verdict.read_ms


@given(messages, times)
def test_every_look_after_the_settling_time_ends_the_doubt(
    listed: list[RecentMessage], read_ms: int
) -> None:
    verdict = judge(*listed, read_ms=max(read_ms, SETTLED_MS))
    assert not isinstance(verdict, LookAgain)


@given(st.integers(1, 10), st.data())
def test_each_message_proves_one_of_many_identical_sends(count: int, data: st.DataObject) -> None:
    done = data.draw(st.integers(0, count))
    listed = [listed_at(ATTEMPTED_MS + n, mid=f"d{n:02}") for n in range(done)][::-1]
    claimed: set[str] = set()
    verdicts = []
    for _ in range(count):
        verdict = judge(*listed, USERS, claimed=frozenset(claimed))
        verdicts.append(verdict)
        if isinstance(verdict, Found):
            claimed.add(verdict.mid)
    assert verdicts == [Found(f"d{n:02}") for n in range(done)] + [Resend()] * (count - done)


def test_a_listing_before_the_settling_time_proves_no_absence() -> None:
    assert judge(USERS, read_ms=SETTLED_MS - 1) == LookAgain(read_ms=SETTLED_MS)


def test_absence_after_the_settling_time_is_resent_once() -> None:
    assert judge(USERS) == Resend()
    assert judge(USERS, of=row(resends=1)) == Unknowable(AMBIGUOUS_TWICE)


def test_absence_after_the_window_closed_is_given_up() -> None:
    assert judge(USERS, of=row(deadline_ms=SETTLED_MS - 1)) == Expired()


def test_a_full_listing_that_begins_after_the_attempt_proves_nothing() -> None:
    newer = [
        listed_at(ATTEMPTED_MS + 90_000 - n, mid=f"x{n}", sender="u1", text="Halloo?")
        for n in range(LISTED)
    ]
    assert judge(*newer) == Unknowable(NOT_IN_REACH)
    assert judge(*newer[:-1], USERS) == Resend()


def test_an_empty_listing_proves_nothing() -> None:
    assert judge() == Unknowable(NOT_IN_REACH)


def test_a_message_from_before_the_attempt_is_no_proof() -> None:
    earlier = listed_at(ATTEMPTED_MS - TOLERANCE_MS - 2_000)
    assert judge(earlier) == Resend()


def test_clocks_that_differ_within_the_tolerance_hide_no_message() -> None:
    assert judge(listed_at(ATTEMPTED_MS - TOLERANCE_MS)) == Found("m1")


def test_the_users_own_words_are_no_proof() -> None:
    assert judge(listed_at(ATTEMPTED_MS + 500, sender="u1")) == Resend()


def test_our_side_is_recognised_under_either_of_its_ids() -> None:
    assert judge(listed_at(ATTEMPTED_MS + 500, sender="app-scoped")) == Found("m1")


def test_an_unclaimed_echo_with_the_same_words_is_proof_the_oldest_first() -> None:
    echoes = [
        EchoRow("e3", TEXT, ATTEMPTED_MS + 900, 0),
        EchoRow("e2", f"  {TEXT} ", ATTEMPTED_MS + 100, 0),
        EchoRow("e1", "Muu", ATTEMPTED_MS + 50, 0),
        EchoRow("e0", TEXT, ATTEMPTED_MS - TOLERANCE_MS - 1, 0),
    ]
    assert matching_echo(row(), ATTEMPT, echoes, RULES) == "e2"
    assert matching_echo(row(), ATTEMPT, echoes[2:], RULES) is None


def test_messages_of_one_second_are_taken_oldest_first() -> None:
    same_second = (listed_at(ATTEMPTED_MS, mid="newer"), listed_at(ATTEMPTED_MS, mid="older"))
    assert matching_messages(row(), ATTEMPT, same_second, RULES) == ("older", "newer")


@given(st.text())
def test_texts_compare_alike_however_they_are_composed_and_spaced(text: str) -> None:
    decomposed = unicodedata.normalize("NFD", text)
    assert normalised(f"\n {decomposed}  ") == normalised(text)
    assert normalised(normalised(text)) == normalised(text)


def test_different_words_do_not_compare_alike() -> None:
    assert normalised("Tere!") != normalised("tere!")


def failure(*, refused: bool = False, failures: int = 1, since: int = 0, now: int = 0) -> object:
    return judge_failure(
        refused=refused,
        failures=failures,
        failing_since_ms=GAVE_UP_MS + since,
        gave_up_ms=GAVE_UP_MS,
        now_ms=GAVE_UP_MS + now,
        rules=RULES,
    )


@pytest.mark.parametrize(("failures", "seconds"), [(1, 5), (2, 10), (3, 20), (40, 300)])
def test_looks_that_fail_are_repeated_less_and_less_often(failures: int, seconds: int) -> None:
    assert failure(failures=failures) == LookAgain(read_ms=GAVE_UP_MS + seconds * 1000)


def test_looks_that_fail_for_half_an_hour_are_given_up() -> None:
    assert failure(since=0, now=1_799_999, failures=9) != Unknowable(LOOK_FAILED)
    assert failure(since=0, now=1_800_000, failures=9) == Unknowable(LOOK_FAILED)


def test_a_refused_look_waits_for_an_echo_until_the_settling_time() -> None:
    assert failure(refused=True, now=10) == LookAgain(read_ms=SETTLED_MS)
    assert failure(refused=True, now=60_000) == Unknowable(LOOK_REFUSED)


def test_an_earlier_holders_attempt_is_given_up_after_the_longest_it_can_have_taken() -> None:
    assert latest_give_up_ms(ATTEMPT, RULES) == ATTEMPTED_MS + 30_000


def pictures(count: int = 1, *, resends: int = 0) -> SendRow:
    ids = tuple(f"p{number}" for number in range(count))
    return replace(row(resends=resends), kind=Kind.PICTURES, pictures=ids, text="")


def media_at(ms: int, *, count: int = 1, mid: str = "m1", text: str = "") -> RecentMessage:
    return replace(listed_at(ms, mid=mid, text=text), attachments=count)


LAST_MS = evidence_until_ms(ATTEMPT, RULES)

media = st.lists(
    st.builds(
        media_at,
        st.integers(ATTEMPTED_MS - 20_000, ATTEMPTED_MS + 200_000),
        count=st.integers(0, 3),
        mid=st.sampled_from([f"m{n}" for n in range(40)]),
        text=st.sampled_from(["", " ", TEXT]),
    ),
    max_size=LISTED,
    unique_by=lambda message: message.mid,
).map(lambda found: sorted(found, key=lambda message: -message.created_ms))


@given(media, mids, times, st.integers(1, 3), st.integers(0, 1))
def test_pictures_are_told_by_their_count_and_time_and_by_nothing_else(
    listed: list[RecentMessage],
    claimed: frozenset[str],
    read_ms: int,
    count: int,
    resends: int,
) -> None:
    verdict = judge(*listed, read_ms=read_ms, claimed=claimed, of=pictures(count, resends=resends))
    near = [
        message
        for message in listed
        if message.mid not in claimed
        and ATTEMPTED_MS - TOLERANCE_MS - 999 <= message.created_ms <= LAST_MS
    ]
    alike = [m for m in near if m.attachments == count and not m.text.strip()]
    if isinstance(verdict, Found):
        assert verdict.mid in {message.mid for message in alike}
        assert min(m.created_ms for m in alike) == next(
            m.created_ms for m in alike if m.mid == verdict.mid
        )
    else:
        assert not alike
    if isinstance(verdict, Resend | Expired) and count > 1:
        assert not [message for message in near if message.attachments]


@given(media, times)
def test_pictures_are_never_proof_of_a_text_nor_a_text_of_pictures(
    listed: list[RecentMessage], read_ms: int
) -> None:
    worded = [message for message in listed if message.text.strip()]
    assert not isinstance(judge(*worded, read_ms=read_ms, of=pictures()), Found)
    wordless = [message for message in listed if not message.text.strip()]
    assert not isinstance(judge(*wordless, read_ms=read_ms), Found)


@given(st.integers(1, 6), st.data())
def test_each_message_of_pictures_proves_one_of_many_sends(count: int, data: st.DataObject) -> None:
    done = data.draw(st.integers(0, count))
    listed = [media_at(ATTEMPTED_MS + n, mid=f"d{n:02}") for n in range(done)][::-1]
    claimed: set[str] = set()
    verdicts = []
    for _ in range(count):
        verdict = judge(*listed, USERS, claimed=frozenset(claimed), of=pictures())
        verdicts.append(verdict)
        if isinstance(verdict, Found):
            claimed.add(verdict.mid)
    assert verdicts == [Found(f"d{n:02}") for n in range(done)] + [Resend()] * (count - done)


def test_several_pictures_that_are_listed_otherwise_than_sent_are_not_sent_again() -> None:
    apart = [media_at(ATTEMPTED_MS + n, mid=f"m{n}") for n in range(2)]
    assert judge(*apart, USERS, of=pictures(2)) == Unknowable(PICTURES_UNCLEAR)
    claimed = frozenset({"m0", "m1"})
    assert judge(*apart, USERS, claimed=claimed, of=pictures(2)) == Resend()


def test_pictures_from_long_after_the_attempt_are_somebody_elses() -> None:
    assert judge(media_at(LAST_MS), USERS, of=pictures()) == Found("m1")
    assert judge(media_at(LAST_MS + 1000), USERS, of=pictures()) == Resend()


@given(
    claim=st.floats(0, RULES.claim_lasts_seconds),
    gave_up=st.floats(0, RULES.request_seconds),
    applied=st.floats(0, RULES.settling_seconds),
)
def test_however_late_a_claim_was_written_its_pictures_are_told(
    claim: float, gave_up: float, applied: float
) -> None:
    """By listing and echo here, and by who takes echoes in."""
    done_ms = ATTEMPTED_MS + round(1000 * (claim + gave_up + applied))
    assert judge(media_at(done_ms), USERS, of=pictures()) == Found("m1")
    assert matching_echo(pictures(), ATTEMPT, [EchoRow("e1", "", done_ms, 0, 1)], RULES) == "e1"
    assert done_ms - ATTEMPTED_MS <= EchoPolicy().picture_window_ms


def test_echoes_of_pictures_are_compared_alike() -> None:
    echoes = [
        EchoRow("late", "", LAST_MS + 1, 0, 2),
        EchoRow("e3", "", ATTEMPTED_MS + 900, 0, 2),
        EchoRow("e2", "", ATTEMPTED_MS + 100, 0, 2),
        EchoRow("one", "", ATTEMPTED_MS + 50, 0, 1),
        EchoRow("text", TEXT, ATTEMPTED_MS + 40, 0, 2),
        EchoRow("early", "", ATTEMPTED_MS - TOLERANCE_MS - 1, 0, 2),
    ]
    assert matching_echo(pictures(2), ATTEMPT, echoes, RULES) == "e2"
    assert matching_echo(pictures(3), ATTEMPT, echoes, RULES) is None
