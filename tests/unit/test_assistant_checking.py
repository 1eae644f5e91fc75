"""What is looked at before an answer may be sent."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from pydantic import SecretStr

from vestlus.assistant.checking import REMARKS, Given, Objected, checked, given
from vestlus.assistant.failures import Reason
from vestlus.assistant.knowledge import Passage, Passages
from vestlus.assistant.offers import Offer
from vestlus.assistant.pictures import Offered, OfferedPicture
from vestlus.assistant.port import Question
from vestlus.assistant.rules import rules
from vestlus.conversation.guard import Objection
from vestlus.conversation.history import HistoryMessage, Role
from vestlus.conversation.reply import Part, PicturePart, Reply, TextPart
from vestlus.settings_account import Account

PERSONA = """\
# Kuidas vastata

Vasta alati väga viisakalt ja lühidalt, ära kunagi räägi teistest kohvikutest ega nende hindadest \
ning ära anna allahindlusi, mida keegi ei ole lubanud.

# Mida tead

- Koduleht: https://kohvik.ee/menu
- E-post: info@kohvik.ee
"""
ACCOUNT = Account(
    id="1",
    access_token=SecretStr("t"),
    facts=("Broneeri: https://kohvik.ee/laud",),
    privacy_url="https://kohvik.ee/privaatsus",
)
OFFER = Offer(
    Offered((OfferedPicture("menu", "Menüü"), OfferedPicture("hall", "Saal")), whole=True),
    Passages((Passage("hinnad.md", "Hinnad: https://hinnad.kohvik.ee"),), whole=True),
)


def said(role: Role, text: str) -> HistoryMessage:
    return HistoryMessage(role, text, 0)


def drawn_on(*messages: str, **more: Any) -> Given:  # noqa: ANN401 - any field of a question
    asked = tuple(said(Role.USER, text) for text in messages or ("Tere",))
    values: dict[str, Any] = {"account": "1", "user": "u", "history": (), "now_ms": 0}
    return given(Question(**(values | {"messages": asked} | more)), ACCOUNT, PERSONA, OFFER)


def answer(*texts: str, pictures: tuple[str, ...] = (), note: str = "") -> Reply:
    parts: tuple[Part, ...] = (*map(TextPart, texts), *map(PicturePart, pictures))
    return Reply(parts=parts, handover=bool(note), note=note)


def objected(reply: Reply, source: Given) -> Objected:
    with pytest.raises(Objected) as raised:
        checked(reply, source)
    assert raised.value.retry
    return raised.value


@pytest.mark.parametrize(
    "text",
    [
        "Tere!",
        "Menüü: https://kohvik.ee/menu",
        "Laud: https://kohvik.ee/laud",
        "Hinnad: https://hinnad.kohvik.ee",
        "Kirjutage info@kohvik.ee",
        "Privaatsus: https://kohvik.ee/privaatsus",
    ],
)
def test_what_the_account_s_texts_say_may_be_said(text: str) -> None:
    assert checked(answer(text), drawn_on()) == answer(text)


def test_what_was_said_in_the_account_s_name_may_be_said_again() -> None:
    history = (
        said(Role.OPERATOR, "Täitke https://vormid.kohvik.ee/1"),
        said(Role.ASSISTANT, "Kaart: https://kaart.kohvik.ee"),
    )
    source = drawn_on(history=history)
    for text in ("https://vormid.kohvik.ee/1", "https://kaart.kohvik.ee"):
        assert checked(answer(text), source).text == text
        assert objected(answer(text), drawn_on()).error.reason == "link_not_given"


def test_a_user_s_data_may_be_said_to_them_and_their_links_may_not() -> None:
    source = drawn_on(
        "Olen mari@example.ee, vaata https://evil.example/x",
        history=(said(Role.USER, "Mu number on +372 5555 1234"),),
        summary="Teine e-post: mari.teine@example.ee",
    )
    for text in ("Kas mari@example.ee?", "Helistame +372 5555 1234", "mari.teine@example.ee"):
        assert checked(answer(text), source).text == text
    reasons = {
        "Vaata https://evil.example/x": "link_not_given",
        "Kirjuta juku@example.ee": "personal_data_not_given",
        "Helista +372 5555 9999": "personal_data_not_given",
    }
    for text, reason in reasons.items():
        failed = objected(answer(text), source)
        assert failed.error.reason == reason
        assert failed.instead is None


def test_neither_our_rules_nor_the_persona_s_instructions_are_told() -> None:
    for secret in (rules(ACCOUNT), rules(ACCOUNT)[300:600], PERSONA, PERSONA.split("\n")[2]):
        assert objected(answer(secret[:7_000]), drawn_on()).error.reason == "prompt_leak"


def test_a_picture_that_was_not_offered_is_taken_out_if_nothing_better_comes() -> None:
    reply = answer("Palun", pictures=("menu", "kassa"))
    failed = objected(reply, drawn_on())
    assert failed.error.reason == "unknown_picture"
    assert failed.instead == answer("Palun", pictures=("menu",))
    assert objected(answer(pictures=("kassa",)), drawn_on()).instead is None


def test_a_picture_is_sent_once_unless_the_user_asks_for_it_again() -> None:
    reply = answer("Palun", pictures=("menu",))
    assert checked(reply, drawn_on("Kas teil süüa saab?")) == reply
    failed = objected(reply, drawn_on("Kas teil süüa saab?", pictures_sent=("menu",)))
    assert failed.error.reason == "repeated_picture"
    assert failed.instead == answer("Palun")
    assert checked(reply, drawn_on("Näita menüüd uuesti", pictures_sent=("menu",))) == reply
    earlier = (said(Role.USER, "Näita menüüd uuesti"),)
    failed = objected(reply, drawn_on("Aitäh", history=earlier, pictures_sent=("menu",)))
    assert failed.error.reason == "repeated_picture"


@pytest.mark.parametrize(
    "text", ["Palun saatke mulle see menüü", "Пришлите меню, пожалуйста", "I deleted it, sorry"]
)
def test_a_picture_that_is_asked_for_by_name_or_was_lost_is_sent_again(text: str) -> None:
    reply = answer(pictures=("menu",))
    assert checked(reply, drawn_on(text, pictures_sent=("menu",))) == reply


def test_who_wants_another_picture_does_not_get_the_same() -> None:
    source = drawn_on("Saatke palun veel üks pilt!", pictures_sent=("menu",))
    failed = objected(answer("Siin on menüü.", pictures=("menu",)), source)
    assert failed.error.reason == "repeated_picture"
    assert "promise" in REMARKS["repeated_picture"]
    assert checked(answer(pictures=("hall",)), source) == answer(pictures=("hall",))


def test_asking_again_does_not_let_unknown_pictures_through() -> None:
    reply = answer(pictures=("kassa",))
    source = drawn_on("uuesti", pictures_sent=("kassa",))
    assert objected(reply, source).error.reason == "unknown_picture"


def test_what_is_worse_than_a_bad_picture_comes_first() -> None:
    reply = answer("https://evil.example", pictures=("kassa",))
    failed = objected(reply, drawn_on())
    assert failed.error.reason == "link_not_given"
    assert failed.instead is None


def test_an_answer_in_another_script_is_sent_if_nothing_better_comes() -> None:
    failed = objected(answer("We open at nine."), drawn_on("Когда открываетесь?"))
    assert failed.error.reason == "wrong_language"
    assert failed.instead == answer("We open at nine.")


def test_a_mark_for_data_that_nobody_gave_is_not_sent() -> None:
    assert objected(answer("Kas [phone-7]?"), drawn_on()).error.reason == "unknown_mark"
    own = "Kas [phone-7]?"
    assert checked(answer(own), drawn_on("Mis on [phone-7]")).text == own
    assert checked(answer("Vaata [siit]"), drawn_on()).text == "Vaata [siit]"


def test_the_mark_of_staff_is_taken_off() -> None:
    assert checked(answer("[staff] Tere!", "Kell 9. [Staff]"), drawn_on()) == answer(
        "Tere!", "Kell 9."
    )
    assert checked(answer("[sta[staff]ff] Tere!"), drawn_on()) == answer("Tere!")
    assert objected(answer("Tere", "[staff]"), drawn_on()).error.reason == "blank"


def test_a_note_says_nothing_that_was_not_said() -> None:
    source = drawn_on("Palun vaadake https://minu.example/arve")
    kept = answer("Inimene vastab.", note="Arve: https://minu.example/arve")
    assert checked(kept, source) == kept
    for note in ("Vaata https://evil.example", "Helista +372 5555 9999", rules(ACCOUNT)[:500]):
        assert checked(answer("Inimene vastab.", note=note), source).note == ""


def test_every_objection_has_a_reason_and_a_remark() -> None:
    for one in Objection:
        assert Reason(one.value).value == one.value
        assert one.value in REMARKS


texts = st.text(alphabet="abõ .:/@0123456789-[]", max_size=60)


@for_all(texts, st.lists(st.sampled_from(["menu", "hall", "kassa", "x"]), max_size=3), st.text())
def test_no_answer_passes_with_a_picture_that_was_not_offered(
    text: str, pictures: list[str], note: str
) -> None:
    source = drawn_on("Tere", pictures_sent=("hall",))
    reply = answer(f"Tere {text}", pictures=tuple(dict.fromkeys(pictures)), note=note)
    try:
        sent: Reply | None = checked(reply, source)
    except Objected as failed:
        sent = failed.instead
    if sent is not None:
        assert set(sent.pictures) <= {"menu"}
        assert sent.parts
