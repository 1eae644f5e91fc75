"""Whatever a model was talked into saying, plain code keeps it from being sent."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.guard_texts import reason
from vestlus.conversation.guard import Objection, objection
from vestlus.conversation.guard_links import links, readable


@pytest.mark.parametrize(
    "text",
    [
        "24.12.2026",
        "kell 9.00-17.00, pühadel 10.00–14.00",
        "6.10.2026 kell 18.00",
        "Rakenduse v2.0 ja 1.2.3 on väljas",
        "hind 12.50 eurot, 5 000 000 eurot",
        "e.g. this, i.e. that, a.m. and p.m.",
        "nt. jne. k.a. s.o. lk.5 nr.3 tel.nr",
        "AS Eesti.Meedia",
        "Tere.Me oleme avatud.See on tore.Ma aitan",
        "10.am",
        "St.Petersburg, Ph.D.",
        "Oleme avatud E-R 9.00-17.00.",
        "ja/või, km/h, 24/7, https on turvaline",
        "Helista hädaabinumbril 112 või 116 111.",
        "punkt ja joon; dot to dot",
        "Vaata: kell 10 [saal](kell",
        "Postiindeks 10115, registrikood 75014289, reg nr 80012345, kohtuasi 3-21-1234",
        "Tere.To find us, ask.It is easy.Be welcome",
        "kl 10 1234 et 10 inimest tuleb kohale ja 20 ei",
        "kell @ 10, @5",
        "1 < 2 ja 3 > 2 <3",
        "6.10–12.10.2026, 24.12.2026 10.00–16.00 ja 25.12",
        "sadam.ee 24.12.2026 10.00–16.00 25 inimest",
        "aastatel 1990–2000, 5000–6000 inimest, 900–1500 eurot",
        "😀👍🏽",
        "",
    ],
)
def test_numbers_dates_abbreviations_and_missing_spaces_are_no_reason(text: str) -> None:
    assert reason(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "mari@example.ee",
        "mari [at] example [dot] ee",
        "Kirjuta: MARI@EXAMPLE.EE!",
        "nfo@sadam.ee",
        "muu.info@sadam.ee",
        "5123 4567",
        "+372 5123 4567",
        "645 2021",
        "isikukood 38001085718",
        "4111 1111 1111 1111",
        "4111.1111.1111.1111",
        "4111_1111_1111_1111",
        "3782.822463.10005",
        "8 800 555 35 35",
        "8 (912) 345-67-89",
        "Makse: EE382200221020145686, saaja Sadam.",
        "EE47 1000 0010 2014 5685 JAH",
        "LV80BANK0000435195001",
        "EE47.1000.0010.2014.5685",
        "EE47–1000–0010–2014–5685",
        "EE47\n1000\n0010\n2014\n5685",
        "376.0503.0299",
        "376–0503–0299",
        "5555–5555–5555–4444",
        "5123–4567",
        "de89-3704-0044-0532-0130-00",
        "DE89  3704 0044 0532 0130 00",
        "@fake_kaldavee kirjuta talle",
        "@Sadama.Kohvik2",
        "@sadama",
        "_@fake_kaldavee_",
        "\uff20fake_kaldavee",
        "5123\u200b4567",
        "\uff15\uff11\uff12\uff13\uff14\uff15\uff16\uff17",
    ],
)
def test_personal_data_of_nobody_knows_whom_is_not_sent(text: str) -> None:
    assert reason(text) is Objection.PERSONAL_DATA_NOT_GIVEN


@pytest.mark.parametrize(
    "text",
    [
        "Helista 645 2020 või (+372) 64 520 20.",
        "6452020",
        "+3726452020",
        "0035840 1234567",
        "Kirjuta INFO@sadam.ee.",
        "tagasiside@sadam.ee",
        "Arve: EE382200221020145685.",
        "ee38-2200-2210-2014-5685",
        "EE38–2200–2210–2014–5685",
        "Jälgi @sadama.kohvik, @Sadama.Kohvik. ja @sadamaselts!",
        "@sadama.raamatukogu",
    ],
)
def test_given_contact_data_is_sent_however_it_is_written(text: str) -> None:
    assert reason(text) is None


def test_what_the_user_told_of_themselves_may_be_said_to_them() -> None:
    text = "Panin kirja: mari@example.ee, 5123 4567."
    assert reason(text, "Olen Mari, mari@example.ee", "tel +37251234567") is None
    assert reason(text, "Olen Mari, mari@example.ee") is Objection.PERSONAL_DATA_NOT_GIVEN
    text = "Vastame sulle, @mari.maasikas, arvele EE471000001020145685."
    assert reason(text, "@mari.maasikas siin, EE47 1000 0010 2014 5685") is None
    assert reason(text, "mari.maasikas siin, EE47 1000 0010 2014 5685") is (
        Objection.PERSONAL_DATA_NOT_GIVEN
    )


def test_the_account_s_own_name_may_be_said_with_an_at() -> None:
    assert objection("Oleme @kaldavee", given=["kaldavee"], secret=[]) is None
    assert objection("Oleme @kaldavee", given=["Siin on kaldavee."], secret=[]) is not None


@pytest.mark.parametrize(
    "text",
    [
        "a" + " " * 8000 + "b",
        "a" + "\n" * 8000 + "b",
        "<" + " " * 8000,
        "[ " * 4000,
        "-a" * 4000,
        "a." * 4000,
        "a_" * 4000,
        "EE12 " * 1600,
        "aa11" * 2000,
    ],
)
def test_no_answer_takes_long_to_read(text: str) -> None:
    began = time.process_time()
    objection(text, given=[], secret=[])
    assert time.process_time() - began < 1.0


def test_the_numbers_of_a_long_text_are_looked_for_once() -> None:
    numbers = "\n".join(f"Tuba {room}: 645 {room}, kirjuta meile." for room in range(2000, 2500))
    assert reason_of_number("645 9999", numbers) is Objection.PERSONAL_DATA_NOT_GIVEN
    began = time.process_time()
    for _ in range(5):
        assert reason_of_number("645 9998", numbers) is Objection.PERSONAL_DATA_NOT_GIVEN
    # Looking for them takes some 0.5 s each time.
    assert time.process_time() - began < 1.0


def reason_of_number(text: str, known: str) -> Objection | None:
    return objection(text, given=[known], secret=[])


@given(st.text(max_size=200), st.text(max_size=200))
def test_an_answer_in_given_words_is_always_sent(text: str, more: str) -> None:
    assert objection(text, given=[f"{more}\n{text}"], secret=[]) in (
        None,
        # A name before the host is refused even where it was given, and tags always are.
        *(
            [Objection.LINK_NOT_GIVEN]
            if any(one.disguised for one in links(readable(text)))
            else []
        ),
    )


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=300))
def test_the_guard_never_fails(text: str, told: str, kept: str) -> None:
    assert objection(text, given=[told], secret=[kept]) in (None, *Objection)
