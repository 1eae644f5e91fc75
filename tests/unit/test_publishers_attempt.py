"""When a request was begun by Meta's clock, whatever this machine's clock is put to."""

from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st

from publishers.attempt import Attempt, MetaClock
from publishers.reconcile import Found, evidence_since_ms, judge_listing, matching_echo
from publishers.rules import SendingRules
from vestlus.instagram.port import RecentMessage
from vestlus.store.ledger import SendState
from vestlus.store.rows import EchoRow, Kind, SendRow

RULES = SendingRules()
TOLERANCE_MS = round(RULES.clock_tolerance_seconds * 1000)
START_MS = 1_780_000_000_123

ROW = SendRow(
    id="r1",
    account="a1",
    user="u1",
    conversation="c1",
    position=1,
    text="Tere!",
    answers=("in-1",),
    state=SendState.LOOKING,
    due_ms=0,
    deadline_ms=START_MS + 10**8,
    attempts=1,
    resends=0,
    attempted_ms=START_MS,
    traceparent="",
)
#: Before everything else.
USERS = RecentMessage("m0", "u1", "Mis kell?", START_MS - 10**8)


@dataclass
class Machine:
    """A process; times are in seconds from an arbitrary moment on."""

    passed: float = 0.0
    put_by_ms: int = 0

    def true_ms(self) -> int:
        return START_MS + round(self.passed * 1000)

    def clock(self) -> int:
        return self.true_ms() + self.put_by_ms

    def monotonic(self) -> float:
        return 77.0 + self.passed

    def meta(self) -> MetaClock:
        return MetaClock(self.clock, self.monotonic, RULES)


offsets = st.integers(-7_200_000, 7_200_000) | st.integers(-12_000, 12_000)
#: Until the request was written, until it was given up, until Graph applied it.
courses = st.tuples(
    st.floats(0, RULES.claim_lasts_seconds),
    st.floats(0, RULES.request_seconds),
    st.floats(0, RULES.settling_seconds),
)
transits = st.floats(0, RULES.request_seconds)


def found_by_both(row: SendRow, attempt: Attempt, done_ms: int) -> bool:
    pictures = len(row.pictures)
    text = row.text
    verdict = judge_listing(
        row,
        attempt,
        listed=(RecentMessage("m1", "a1", text, done_ms // 1000 * 1000, pictures), USERS),
        claimed=frozenset(),
        gave_up_ms=START_MS,
        read_ms=START_MS + 10**7,
        rules=RULES,
    )
    echo = EchoRow("e1", text, done_ms, 0, pictures)
    return verdict == Found("m1") and matching_echo(row, attempt, [echo], RULES) == "e1"


@given(
    at_claim=offsets,
    at_look=offsets,
    course=courses,
    transit=transits,
    pictures=st.booleans(),
    same_holder=st.booleans(),
)
def test_what_was_done_is_found_whatever_the_clock_was_put_to(
    *,
    at_claim: int,
    at_look: int,
    course: tuple[float, float, float],
    transit: float,
    pictures: bool,
    same_holder: bool,
) -> None:
    """A new holder is thought to have the clock of the one before."""
    machine = Machine(put_by_ms=at_claim)
    claimed_at = machine.monotonic()
    row = replace(ROW, attempted_ms=machine.clock())
    if pictures:
        row = replace(row, kind=Kind.PICTURES, pictures=("p1",), text="")
    machine.passed += sum(course)
    done_ms = machine.true_ms()
    if same_holder:
        machine.put_by_ms = at_look
    meta, told_ms = machine.meta(), machine.true_ms() // 1000 * 1000
    machine.passed += transit
    meta.told(told_ms)
    attempt = meta.attempt(row, claimed_at if same_holder else None)
    assert found_by_both(row, attempt, done_ms)


@given(st.integers(0, 3_000), st.floats(0, 1.0), st.floats(0, 3600))
def test_of_clocks_that_agree_the_rows_own_time_counts(
    apart_ms: int, transit: float, passed: float
) -> None:
    machine = Machine(put_by_ms=apart_ms)
    claimed_at, row = machine.monotonic(), replace(ROW, attempted_ms=machine.clock())
    machine.passed += passed
    meta, told_ms = machine.meta(), machine.true_ms() // 1000 * 1000
    machine.passed += transit
    meta.told(told_ms)
    assert meta.attempt(row, claimed_at) == Attempt.as_the_row_says(row)
    assert meta.attempt(row, None) == Attempt.as_the_row_says(row)


@given(offsets, st.integers(1_000, 10**7))
def test_a_message_from_well_before_the_attempt_is_no_proof(at_claim: int, before_ms: int) -> None:
    """As far before as a look's answer was under way, and the clocks' tolerance besides."""
    machine = Machine(put_by_ms=at_claim)
    claimed_at, row = machine.monotonic(), replace(ROW, attempted_ms=machine.clock())
    machine.passed += 3.0
    meta = machine.meta()
    meta.told(machine.true_ms() // 1000 * 1000)
    attempt = meta.attempt(row, claimed_at)
    began_ms = min(START_MS, row.attempted_ms)
    assert evidence_since_ms(attempt, RULES) >= began_ms - TOLERANCE_MS - 1_000
    earlier = EchoRow("e1", ROW.text, began_ms - TOLERANCE_MS - 1_000 - before_ms, 0)
    assert matching_echo(row, attempt, [earlier], RULES) is None


def test_before_meta_told_the_time_the_rows_own_counts() -> None:
    meta = Machine(put_by_ms=3_600_000).meta()
    assert meta.attempt(ROW, None) == meta.attempt(ROW, 77.0) == Attempt(START_MS, START_MS)
