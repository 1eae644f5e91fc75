"""What users can bring about with words alone, in every language that is spoken here."""

# ruff: noqa: RUF001  (Cyrillic letters that look like Latin ones)

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.conversation.words import Command, Commands, command_of

ASKED = {
    Command.STOP: """
        stop|STOP!!!|Stop 🙏|/stop|palun lõpeta|Lõpeta ära|ära kirjuta mulle enam|ärge mulle vastake
        jäta mind rahule|please stop|Stop messaging me.|unsubscribe|don't message me|Don’t text me
        стоп|Пожалуйста, прекратите!|не пиши|не пишите мне больше|оставьте меня в покое|відписатися
        припиніть писати мені|будь ласка, зупиніться|не пишіть|lopeta|älä kirjoita minulle enää
        beidziet|lūdzu, vairs neraksti man|baik|daugiau nerašykite man|Bitte aufhören|hör auf
        Lass mich in Ruhe!|sluta|snälla sluta skriva till mig|przestań|proszę, nie pisz do mnie""",
    Command.START: """
        start|START|„start“|alusta uuesti|Palun vasta mulle jälle|resume|start answering again|старт
        начните снова|почати|почніть знову|aloita uudelleen|sākt|atsākt|pradėti|starten
        antworten Sie mir wieder|starta igen|zacznij od nowa""",
    Command.DELETE: """
        kustuta mu andmed|Palun kustuta kõik minu andmed!|kustutage minu isikuandmed ära
        delete my data|Please delete all of my personal data.|can you erase my messages
        forget my data|удалите мои данные|удали все мои данные, пожалуйста
        видаліть мої персональні дані|poista minun tietoni|poista kaikki henkilötietoni
        izdzēsiet manus datus|lūdzu, dzēst visus manus personas datus|ištrinkite mano duomenis
        ištrinti visus mano asmens duomenis|Löschen Sie meine Daten|bitte alle meine Daten löschen
        radera mina uppgifter|ta bort alla mina personuppgifter|usuńcie moje dane
        proszę usunąć moje dane osobowe""",
    Command.YES: """
        jah|Jaa!|jah, palun|kinnitan|yes|Yes please|I confirm|да|подтверждаю|так|підтверджую|kyllä
        vahvistan|jā|apstiprinu|taip|patvirtinu|ja|Ja, bitte|ich bestätige|ja tack|tak
        potwierdzam""",
    Command.EXPORT: """
        saatke mulle minu andmed|Palun näidake kõik minu isikuandmed|soovin koopiat oma andmetest
        send me my data|Please give me a copy of all my personal data|export my data
        what data do you have about me|пришлите мне мои данные|какие данные у вас есть обо мне
        надішліть мені мої дані|які дані у вас є про мене|lähettäkää minulle kaikki tietoni
        atsūtiet man visus manus datus|atsiųskite mano asmens duomenis|Schicken Sie mir meine Daten
        welche daten haben sie über mich|skicka mig alla mina personuppgifter
        proszę, wyślijcie mi moje dane osobowe|jakie dane o mnie macie""",
    Command.PERSON: """
        räägi inimesega|Soovin rääkida päris inimesega|kas ma saaksin klienditeenindajaga ühendust?
        Palun suunake mind edasi operaatorile|inimest|kutsu inimene|tahan inimest
        I want to talk to a human|Can I speak with a real person please?|human|Get me an operator!
        could you connect me to an agent|соедините с оператором|Хочу поговорить с живым человеком
        оператор|позовите сотрудника|З'єднайте мене з оператором|хочу поговорити з людиною
        Haluan puhua ihmisen kanssa|yhdistäkää asiakaspalvelijalle|ihmistä
        Gribu runāt ar cilvēku|savienojiet ar operatoru|Noriu kalbėti su žmogumi
        sujunkite su darbuotoju|Ich möchte mit einem Menschen sprechen|verbinden Sie mich mit einem
        Mitarbeiter|Jag vill prata med en människa|kundtjänst|Chcę porozmawiać z człowiekiem
        proszę połączyć z konsultantem|I need a human agent|I need a person to talk to|operator?
        I need a real person, not a bot|Vajan inimest, kes vastaks|Palun inimest vastama
        Нужен человек, чтобы ответить|Нужен оператор, пожалуйста|потрібна людина""",
    Command.EMERGENCY: """
        ma tahan surra|Ma ei taha enam elada...|tapan end ära|mul on enesetapumõtted
        ma lõpetan oma elu|I want to die|i'm going to kill myself|I don't want to live anymore
        I feel suicidal|thinking about ending my life|Я хочу умереть|не хочу больше жить
        Я не хочу жить|я покончу с собой|думаю убить себя|Хочу померти|не хочу більше жити
        вб’ю себе|haluan kuolla|en halua enää elää|minulla on itsetuhoisia ajatuksia|tapan itseni
        gribu nomirt|negribu vairs dzīvot|man ir pašnāvības domas|noriu mirti|nebenoriu gyventi
        nusižudysiu|Ich will sterben|ich will nicht mehr leben|ich bringe mich um
        ich habe Suizidgedanken|jag vill dö|jag orkar inte leva|jag ska ta livet av mig|chcę umrzeć
        nie chcę już żyć|zabiję się|mam myśli samobójcze|ma tahan oma elu lõpetada
        ma ei näe enam mõtet elada|lõikan ennast|хочу покончить жизнь самоубийством
        I will kill my self|thinking about ending it all|I want to hurt my self""",
}
ORDINARY = """
    millal kohvik tööd lõpetab?|Kas buss nr 5 peatub siin?|stop by tomorrow?|Where is the bus stop?
    don't stop|Kuidas oma andmeid muuta?|How do I delete my account photo?|start time?
    millal kontsert algab|Mis kell te alustate?|aitäh, tore inimene!|am I talking to a human?
    Kas ma räägin inimesega?|я говорю с человеком?|Is this a bot?|mobiilioperaator
    human rights museum
    kui palju inimesi mahub saali|Сколько человек помещается в зал?|Kundennummer 5|ma ei taha surra
    I don't want to die|this cake is to die for|I want to die laughing|хочу умереть со смеху
    I want to dye my hair|Ich will vor Lachen sterben|Ich will nicht sterben|jag vill dö av skratt
    не хочу жить в Таллинне|I don't want to live in Tallinn|do you have books about suicide?
    Did the painter commit suicide?|Millal Kreutzwald suri?|film, kus peategelane sureb
    не хочу умирать
    Tere!|?|👍|😀😀|...|12345|Palun|aitäh!|Kas teil on stopp-märke müügil?|старт марафона когда?
    Saatke mulle kõik|send me everything|yes and no|send me data about the city
    forget me not lilled|unusta mind siia ööseks|kustuta tuli"""
#: About places, things and other people, in the words of danger.
HARMLESS = """
    Ei taha enam elada Tartus, kuidas elukohta muuta?|vanaema ei taha enam elada hooldekodus
    ei taha enam elada Tartus kuidas elukohta muuta|Ma ei taha enam elada siin
    Ma ei taha enam elada sotsiaalkorteris|ei taha enam elada nende naabrite kõrval
    ei jaksa enam elada selle müra kõrval, kuhu kaevata?|vanaema ei jaksa enam elada üksi kodus
    Tahan lõpetada oma elu Eestis ja kolida|ei näe mõtet elada Kohtla-Järve kesklinnas
    I want to end my life insurance|taking my own life jacket|I was hurting myself on the slide
    I don't want to live anymore in this house|not want to live any more here
    не хочу больше жить в этом доме|жить не хочу в этом районе
    Хочу умереть в своей квартире: как оформить завещание|не хочу більше жити в цьому будинку
    vairs negribu dzīvot šajā mājā|nebenoriu gyventi Kaune|nebenoriu gyventi šiame bute
    will nicht mehr leben in Berlin|en halua enää elää täällä|en jaksa enää elää tässä talossa
    vill inte leva längre här|vill inte leva längre i den här lägenheten
    nie chcę już żyć w tym mieście|nie chcę już żyć tutaj"""
#: The same beginnings that are about living at all.
CLEAR = """
    не хочу больше жить на этом свете|не хочу больше жить в этом мире|жить не хочу в этом аду
    не хочу больше жить, в этом доме все умерли|не хочу жить. Помогите|я хочу умереть дома
    ma ei taha enam elada selles maailmas|ma ei taha enam elada sellises maailmas
    ma ei taha enam elada kuidas edasi|ma ei taha enam elada, Tartus pole kedagi
    ma ei taha enam elada mees jättis maha|ei taha enam elada selles valus
    ma ei taha enam elada viimasel ajal|ma ei taha enam elada ma istun kodus
    ma ei taha enam elada Tartus. Ma ei taha enam elada.|lõpetan oma elu siin ja praegu
    I don't want to live anymore in this world|I don't want to live anymore in such pain
    cutting myself on the arm|I want to end my life, insurance pays
    не хочу більше жити на цьому світі|vairs negribu dzīvot šajā pasaulē
    nebenoriu gyventi šiame pasaulyje|nebenoriu gyventi padėkite
    will nicht mehr leben in dieser Welt|en halua enää elää tässä maailmassa
    vill inte leva längre i den här världen
    nie chcę już żyć na tym świecie|nie chcę już żyć w ogóle|nie chcę już żyć w ciągłym strachu"""
#: Where people are spoken of, and nobody wants to talk to one.
NO_PERSON = """
    Нужен человек для ухода за мамой|Мне нужен оператор экскаватора
    нужен сотрудник охраны, есть вакансия?|I need a person over 18 to accompany the child?
    I want a human resources contact|can I talk to human resources|I need an operator licence
    Where can I speak to my representative in parliament?|speak to a representative of the council
    Vajan inimest kes koristaks|Palun inimest appi puid lõhkuma|kutsu töötaja lampi vahetama
    Brauche Mitarbeiter für mein Café|potrzebuję człowieka do ogrodu
    tarvitsen ihmisen siivoamaan|vajag cilvēku dārza darbiem|reikia žmogaus darbams sode
    behöver en människa som målar|Representative|inimene|менеджер|сотрудник|ihminen|Mitarbeiter"""
#: Neither a command that cannot be taken back nor one that silences.
ASKED_ABOUT = """
    Seis?|seis|resume?|Start?|STOP?|Stop? 🙏|стоп ?!|kustuta minu andmed?|delete my data\uff1f
    can you erase my messages?|forget me|delete me|unusta mind|забудь меня|забудьте меня
    забудь мене|vergiss mich|zapomnij o mnie|glöm mig|aizmirsti mani|pamiršk mane|unohda minut"""


def each(texts: str) -> list[str]:
    """The texts, which are set apart by a bar, or by the end of a line but for broken ones."""
    lines = texts.strip().replace("einem\n        Mitarbeiter", "einem Mitarbeiter").split("\n")
    return [text.strip() for line in lines for text in line.split("|")]


@pytest.mark.parametrize(
    ("command", "text"), [(command, text) for command in ASKED for text in each(ASKED[command])]
)
def test_what_is_asked_for_is_understood(command: Command, text: str) -> None:
    assert command_of(text) is command


@pytest.mark.parametrize("text", each(CLEAR))
def test_where_somebody_does_not_want_to_live_at_all_it_is_an_emergency(text: str) -> None:
    assert command_of(text) is Command.EMERGENCY


def test_a_statement_may_go_over_line_ends() -> None:
    assert command_of("I want\nto die") is Command.EMERGENCY
    assert command_of("tahaks rääkida.\nInimesega") is Command.PERSON


@pytest.mark.parametrize("text", each(HARMLESS))
def test_a_place_left_does_not_hide_a_statement_beside_it(text: str) -> None:
    assert command_of(f"{text}. Ma tahan surra") is Command.EMERGENCY


@pytest.mark.parametrize("text", each(ORDINARY) + each(HARMLESS) + each(NO_PERSON))
def test_an_ordinary_message_asks_for_nothing(text: str) -> None:
    assert command_of(text) is None


@pytest.mark.parametrize("text", each(ASKED_ABOUT))
def test_what_is_only_asked_about_or_has_no_word_for_data_is_no_command(text: str) -> None:
    assert command_of(text) is None


@pytest.mark.parametrize("command", [Command.STOP, Command.START, Command.DELETE, Command.YES])
def test_no_question_stops_starts_or_erases(command: Command) -> None:
    for text in each(ASKED[command]):
        assert command_of(f"{text}?") is None, text


@pytest.mark.parametrize(
    "command", [Command.STOP, Command.START, Command.DELETE, Command.YES, Command.EXPORT]
)
def test_a_command_that_ends_something_must_be_the_whole_message(command: Command) -> None:
    for text in each(ASKED[command]):
        assert command_of(f"{text} Kassa lahtiolek") is not command


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("STOP STOP STOP", Command.STOP),
        ("Stop! Stop!", Command.STOP),
        ("STOP\nSTOP", Command.STOP),
        ("stop, unsubscribe", Command.STOP),
        ("Lõpeta ära! Lõpeta, palun lõpeta!", Command.STOP),
        ("стоп стоп", Command.STOP),
        ("START START", Command.START),
        ("delete my data, delete my data", Command.DELETE),
        ("jah, jah!", Command.YES),
        ("stop start", None),
        ("stop stop?", None),
        ("stop stop kohvik", None),
    ],
)
def test_who_says_it_again_and_again_means_it(text: str, command: Command | None) -> None:
    assert command_of(text) is command


@pytest.mark.parametrize("command", [Command.PERSON, Command.EMERGENCY])
def test_a_person_and_an_emergency_are_found_in_the_middle_of_a_message(command: Command) -> None:
    phrases = [text for text in each(ASKED[command]) if " " in text]
    missed = [
        text for text in phrases if command_of(f"Tere, pilet 12. {text}, kell viis") is not command
    ]
    assert missed == []


def test_an_emergency_goes_before_everything_else() -> None:
    assert command_of("I want to talk to a human, I want to die") is Command.EMERGENCY


def test_a_manner_of_speaking_does_not_hide_a_statement() -> None:
    text = "I want to die laughing. No really, I don't want to live anymore."
    assert command_of(text) is Command.EMERGENCY


def test_the_accounts_own_words_are_found_as_words() -> None:
    words = {"person_words": ["kaebus", "Õigus abile"], "emergency_words": ["vägivald"]}
    assert command_of("Mul on KAEBUS!", **words) is Command.PERSON
    assert command_of("kas mul on oigus  abile?", **words) is Command.PERSON
    assert command_of("Kodus on vägivald.", **words) is Command.EMERGENCY
    assert command_of("kaebused ja õigus", **words) is None
    assert command_of("Tere", person_words=["", " ", "!"]) is None


SPELLINGS: list[Callable[[str], str]] = [
    str.upper,
    str.title,
    lambda text: unicodedata.normalize("NFD", text),
    lambda text: f"  {text}!!! 🙏🏽 ",
    lambda text: f"«{text}»…",
    lambda text: text.replace(" ", " \u200b\u00a0"),
    lambda text: text.replace("õ", "o").replace("ä", "a").replace("š", "s"),
]


@pytest.mark.parametrize("command", list(Command))
def test_case_accents_punctuation_and_emoji_do_not_matter(command: Command) -> None:
    for text in each(ASKED[command]):
        for spell in SPELLINGS:
            assert command_of(spell(text)) is command, spell(text)


def test_full_width_letters_are_letters() -> None:
    assert command_of("\uff33\uff34\uff2f\uff30") is Command.STOP


@given(st.text(max_size=500), st.lists(st.text(max_size=20), max_size=3))
def test_any_text_is_read_without_fail(text: str, own: list[str]) -> None:
    assert command_of(text, person_words=own, emergency_words=own) in (None, *Command)


@given(st.text("opstu riäõ.,!", max_size=60))
def test_a_stop_inside_other_words_is_none(text: str) -> None:
    assert command_of(f"stop {text} kohvik") is None


def test_a_huge_message_is_read_at_once() -> None:
    # Patterns that could backtrack over these would not come back.
    for text in (
        "palun " * 1000,
        "stop " * 1000,
        "stop " * 59,
        "räägi " * 1000,
        "ära mulle enam " * 500,
        "a" * 10000,
        "ei taha enam elada " * 400,
        "ei taha " * 500,
        "vajan inimest " * 300,
    ):
        assert command_of(text) in (None, Command.STOP, Command.PERSON, Command.EMERGENCY)


@given(
    st.lists(st.sampled_from(["stop", "Tere!", "inimene", "klienditugi", "tahan surra"])),
    st.sampled_from([(), ("klienditugi",)]),
    st.sampled_from([(), ("tere",)]),
)
def test_what_is_remembered_of_a_message_is_what_it_asks_for(
    texts: list[str], person: tuple[str, ...], emergency: tuple[str, ...]
) -> None:
    commands = Commands(most=3)
    for text in texts * 2:
        for own in ((), person):
            assert commands.of(text, person_words=own, emergency_words=emergency) is command_of(
                text, person_words=own, emergency_words=emergency
            )


def test_of_a_message_that_was_looked_at_no_text_is_kept() -> None:
    commands = Commands()
    assert commands.of("Minu nimi on Mari, palun inimest") is Command.PERSON
    assert "Mari" not in repr(vars(commands))
