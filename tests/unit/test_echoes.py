"""Whose message an echo is."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.conversation.echoes import (
    EchoPolicy,
    EchoTrust,
    Judgement,
    Sent,
    Whose,
    judge_echo,
    normalised,
)
from vestlus.conversation.events import Attachment, Event, EventKind, event_key
from vestlus.conversation.identity import conversation_id

ACCOUNT = "17841400000000001"
USER = "900"
NOW = 1_900_000_000_000
POLICY = EchoPolicy()
PICTURE = (Attachment("image", "https://lookaside.fbsbx.com/1"),)


def echo(
    mid: str = "echo",
    text: str | None = "Tere!",
    *,
    at_ms: int = NOW,
    attachments: tuple[Attachment, ...] = (),
) -> Event:
    return Event(
        key=event_key(EventKind.ECHO, ACCOUNT, mid),
        kind=EventKind.ECHO,
        account=ACCOUNT,
        user=USER,
        conversation=conversation_id(ACCOUNT, USER),
        mid=mid,
        timestamp_ms=at_ms,
        text=text,
        attachments=attachments,
    )


def sent(
    id_: str = "s1",
    text: str = "Tere!",
    *,
    pictures: int = 0,
    in_flight: bool = False,
    attempted_ms: int = NOW - 500,
    mid: str | None = "m1",
    echo_mid: str | None = None,
) -> Sent:
    return Sent(
        id=id_,
        text="" if pictures else text,
        pictures=pictures,
        in_flight=in_flight,
        attempted_ms=attempted_ms,
        mid=mid,
        echo_mid=echo_mid,
    )


def judge(
    event: Event, sends: Sequence[Sent], policy: EchoPolicy = POLICY, *, now_ms: int = NOW
) -> Judgement:
    return judge_echo(event, sends, policy, recorded_ms=NOW, now_ms=now_ms)


def test_an_echo_with_the_id_of_a_send_is_ours() -> None:
    assert judge(echo("m1", "other words"), [sent()]) == Judgement(Whose.OURS, "s1")


def test_an_echo_with_the_text_of_a_send_is_ours_although_its_id_differs() -> None:
    assert judge(echo("x", " Tere! "), [sent()]) == Judgement(Whose.OURS, "s1")


def test_an_echo_that_comes_before_the_sends_response_is_ours_by_its_text() -> None:
    under_way = sent(in_flight=True, mid=None)
    assert judge(echo("x"), [under_way]) == Judgement(Whose.OURS, "s1")


def test_an_unknown_text_while_a_send_is_under_way_is_undetermined() -> None:
    under_way = sent(text="Avatud 9-17.", in_flight=True, mid=None)
    assert judge(echo("x", "Ma vastan ise."), [under_way]).whose is Whose.UNDETERMINED


def test_what_is_undetermined_for_too_long_is_a_persons() -> None:
    under_way = sent(text="Avatud 9-17.", in_flight=True, mid=None)
    late = NOW + POLICY.undetermined_ms
    assert judge(echo("x", "Ma vastan ise."), [under_way], now_ms=late).whose is Whose.PERSON


def test_an_echo_that_matches_nothing_is_a_persons() -> None:
    assert judge(echo("x", "Ma vastan ise."), [sent()]).whose is Whose.PERSON
    assert judge(echo("x"), []).whose is Whose.PERSON


def test_one_send_has_one_echo() -> None:
    assert judge(echo("x"), [sent(echo_mid="m1")]).whose is Whose.PERSON


def test_the_oldest_of_equal_sends_takes_the_echo_first() -> None:
    both = [sent("s1", mid="m1"), sent("s2", mid="m2")]
    assert judge(echo("x"), both).send == "s1"
    claimed = [sent("s1", mid="m1", echo_mid="y"), both[1]]
    assert judge(echo("x"), claimed).send == "s2"


def test_an_echo_older_than_the_send_is_not_its_own() -> None:
    later = sent(attempted_ms=NOW)
    earlier = echo("x", at_ms=NOW - POLICY.clock_tolerance_ms - 1)
    assert judge(earlier, [later]).whose is Whose.PERSON


def test_a_picture_is_told_by_kind_and_time() -> None:
    picture = sent(pictures=1, attempted_ms=NOW - 60_000)
    seen = echo("x", None, attachments=PICTURE)
    assert judge(seen, [picture]) == Judgement(Whose.OURS, "s1")
    old = sent(pictures=1, attempted_ms=NOW - POLICY.picture_window_ms - 1)
    assert judge(seen, [old]).whose is Whose.PERSON


def test_a_picture_is_not_a_text_of_ours() -> None:
    assert judge(echo("x", None, attachments=PICTURE), [sent()]).whose is Whose.PERSON


def test_several_pictures_may_come_back_one_by_one() -> None:
    album = sent(pictures=3, echo_mid="first")
    assert judge(echo("second", None, attachments=PICTURE), [album]).whose is Whose.OURS


def test_text_and_picture_of_one_answer_make_two_echoes_and_both_are_ours() -> None:
    sends = [sent("s1"), sent("s2", pictures=1, mid="m2")]
    assert judge(echo("x"), sends).send == "s1"
    assert judge(echo("y", None, attachments=PICTURE), sends).send == "s2"


def test_matching_by_id_and_by_content_can_be_switched_off() -> None:
    by_content = EchoPolicy(match_ids=False)
    assert judge(echo("m1", "other"), [sent()], by_content).whose is Whose.PERSON
    by_id = EchoPolicy(match_content=False)
    assert judge(echo("x"), [sent(attempted_ms=NOW - 60_000)], by_id).whose is Whose.PERSON
    assert judge(echo("m1"), [sent()], by_id).whose is Whose.OURS


def test_a_text_of_the_instagram_apps_own_is_an_automation() -> None:
    policy = EchoPolicy(automation_texts=frozenset({normalised("Oleme peagi tagasi!")}))
    assert judge(echo("x", "Oleme  peagi tagasi!"), [], policy).whose is Whose.AUTOMATION


@given(st.text(max_size=50))
def test_a_text_is_known_in_every_form_of_unicode_and_spacing(text: str) -> None:
    altered = " " + unicodedata.normalize("NFD", text).replace(" ", "  ") + "\n"
    assert normalised(altered) == normalised(text)


@given(
    texts=st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=8),
    same_ids=st.booleans(),
    chance=st.randoms(use_true_random=False),
)
def test_as_many_echoes_as_sends_are_all_ours_in_any_order(
    *, texts: list[str], same_ids: bool, chance: Random
) -> None:
    """Also when no id matches, and echoes overtake responses: no false pause."""
    sends = {
        str(n): sent(str(n), text, in_flight=n % 2 == 0, mid=None if n % 2 == 0 else f"m{n}")
        for n, text in enumerate(texts)
    }
    order = list(enumerate(texts))
    chance.shuffle(order)
    for n, text in order:
        mid = f"m{n}" if same_ids else f"e{n}"
        verdict = judge(echo(mid, text), list(sends.values()))
        assert verdict.whose is Whose.OURS
        assert verdict.send is not None
        before = sends[verdict.send]
        sends[verdict.send] = sent(
            before.id, before.text, mid=before.mid, echo_mid=before.echo_mid or mid
        )


def test_a_row_of_unrecognised_echoes_alerts_instead_of_pausing() -> None:
    trust = EchoTrust(limit=3)
    strange = [echo(f"x{n}", "altered by Instagram") for n in range(4)]
    verdicts = [trust.judge(judge(one, [sent()]), one.mid) for one in strange]
    assert [one.whose for one in verdicts[:2]] == [Whose.PERSON, Whose.PERSON]
    assert [one.whose for one in verdicts[2:]] == [Whose.OURS, Whose.OURS]
    assert trust.lost


def test_a_recognised_echo_restores_the_trust() -> None:
    trust = EchoTrust(limit=2)
    strange = echo("x", "altered by Instagram")
    for mid in ("x1", "x2"):
        trust.judge(judge(strange, [sent()]), mid)
    assert trust.lost
    trust.judge(judge(echo("m1"), [sent()]), "m1")
    assert not trust.lost
    assert trust.judge(judge(strange, [sent()]), "x3").whose is Whose.PERSON


def test_one_echo_that_is_judged_again_and_again_is_one_echo() -> None:
    trust = EchoTrust(limit=2)
    strange = echo("x", "altered by Instagram")
    for _ in range(5):
        assert trust.judge(judge(strange, [sent()]), "x").whose is Whose.PERSON


def test_a_persons_message_long_after_a_send_is_never_suspicious() -> None:
    trust = EchoTrust(limit=1)
    old = sent(attempted_ms=NOW - 60_000)
    assert trust.judge(judge(echo("x", "Ma vastan ise."), [old]), "x").whose is Whose.PERSON


@pytest.mark.parametrize("kind", ["video", "audio", "file", "share"])
def test_other_media_are_a_persons_since_we_send_none(kind: str) -> None:
    seen = echo("x", None, attachments=(Attachment(kind),))
    assert judge(seen, [sent(pictures=1)]).whose is Whose.PERSON
