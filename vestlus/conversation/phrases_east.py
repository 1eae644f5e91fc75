"""The service's own words in Russian, Ukrainian, Latvian, Lithuanian and Polish."""

# ruff: noqa: RUF001  (Cyrillic letters that look like Latin ones)

from __future__ import annotations

from typing import Final

#: Language to phrase to text; the phrases are those of ``phrases.Phrase``.
TEXTS: Final[dict[str, dict[str, str]]] = {
    "ru": {
        "disclosure": "Здравствуйте! Вам отвечает ИИ-помощник ({name}), а не человек.",
        "disclosure_nameless": "Здравствуйте! Вам отвечает ИИ-помощник, а не человек.",
        "disclosure_privacy": "Как мы используем ваши данные: {url}",
        "handover": "Передаю ваше сообщение сотруднику. Он ответит вам здесь.",
        "handover_hours": (
            "Передаю ваше сообщение сотруднику. Сейчас никого нет на месте; "
            "мы вернёмся {when} и ответим вам здесь."
        ),
        "apology": (
            "Извините, сейчас я не могу ответить. "
            "Передаю ваше сообщение сотруднику, он ответит вам здесь."
        ),
        "emergency": (
            "Мне очень жаль, что вам так тяжело. Если чья-то жизнь в опасности, сразу звоните "
            "112. Передаю ваше сообщение сотруднику."
        ),
        "unsafe": "Извините, на это я ответить не могу. Если нужна помощь, попросите сотрудника.",
        "limited": (
            "Вы написали очень много за короткое время. Немного позже я снова отвечу. Если "
            "это срочно, попросите сотрудника."
        ),
        "stopped": "Хорошо, автоматически я больше не отвечаю. Чтобы продолжить, напишите «старт».",
        "started": "Я снова отвечаю вам автоматически. Чем могу помочь?",
        "delete_ask": (
            "Стереть навсегда всё, что написано в этом чате? Тогда на это уже никто не сможет "
            "ответить, в том числе и сотрудник. Если хотите этого, ответьте «да»."
        ),
        "deleted": "Данные этой переписки удалены из нашей системы.",
        "delete_later": (
            "Ваша просьба об удалении записана. Сам я удалить эти данные не могу: "
            "этим займётся сотрудник и ответит вам здесь."
        ),
        "caption_line": "Этот текст написан искусственным интеллектом.",
    },
    "uk": {
        "disclosure": "Вітаємо! Вам відповідає ШІ-помічник ({name}), а не людина.",
        "disclosure_nameless": "Вітаємо! Вам відповідає ШІ-помічник, а не людина.",
        "disclosure_privacy": "Як ми використовуємо ваші дані: {url}",
        "handover": "Передаю ваше повідомлення працівнику. Він відповість вам тут.",
        "handover_hours": (
            "Передаю ваше повідомлення працівнику. Зараз нікого немає на місці; "
            "ми повернемося {when} і відповімо вам тут."
        ),
        "apology": (
            "Вибачте, зараз я не можу відповісти. "
            "Передаю ваше повідомлення працівнику, він відповість вам тут."
        ),
        "emergency": (
            "Мені дуже шкода, що вам так важко. Якщо чиєсь життя в небезпеці, одразу телефонуйте "
            "112. Передаю ваше повідомлення працівнику."
        ),
        "unsafe": "Вибачте, на це я відповісти не можу. Якщо потрібна допомога, попросіть людину.",
        "limited": (
            "Ви написали дуже багато за короткий час. Трохи згодом я знову відповім. Якщо це "
            "терміново, попросіть людину."
        ),
        "stopped": "Гаразд, автоматично я більше не відповідаю. Щоб продовжити, напишіть «старт».",
        "started": "Я знову відповідаю вам автоматично. Чим можу допомогти?",
        "delete_ask": (
            "Стерти назавжди все, що написано в цьому чаті? Тоді на це вже ніхто не зможе "
            "відповісти, зокрема й людина. Якщо хочете цього, відповідайте «так»."
        ),
        "deleted": "Дані цього листування видалено з нашої системи.",
        "delete_later": (
            "Ваше прохання про видалення записано. Сам я видалити ці дані не можу: "
            "цим займеться працівник і відповість вам тут."
        ),
        "caption_line": "Цей текст написано штучним інтелектом.",
    },
    "lv": {
        "disclosure": "Sveiki! Jums atbild automātisks MI palīgs ({name}), nevis cilvēks.",
        "disclosure_nameless": "Sveiki! Jums atbild automātisks MI palīgs, nevis cilvēks.",
        "disclosure_privacy": "Kā mēs izmantojam jūsu datus: {url}",
        "handover": "Nododu jūsu ziņu darbiniekam. Viņš jums atbildēs šeit.",
        "handover_hours": (
            "Nododu jūsu ziņu darbiniekam. Šobrīd neviena nav uz vietas; "
            "mēs atgriezīsimies {when} un atbildēsim jums šeit."
        ),
        "apology": (
            "Atvainojiet, šobrīd nevaru jums atbildēt. "
            "Nododu jūsu ziņu darbiniekam, kurš jums atbildēs šeit."
        ),
        "emergency": (
            "Man ļoti žēl, ka jums ir tik grūti. Ja jūsu vai kāda cita dzīvība ir apdraudēta, "
            "tūlīt zvaniet 112. Nododu jūsu ziņu darbiniekam."
        ),
        "unsafe": "Atvainojiet, uz to es nevaru atbildēt. Ja vajadzīga palīdzība, lūdziet cilvēku.",
        "limited": (
            "Īsā laikā no jums saņēmu ļoti daudz ziņu. Nedaudz vēlāk atkal atbildēšu. Ja tas "
            "ir steidzami, lūdziet cilvēku."
        ),
        "stopped": "Labi, vairs neatbildēšu automātiski. Lai turpinātu, uzrakstiet “start”.",
        "started": "Es jums atkal atbildu automātiski. Kā varu palīdzēt?",
        "delete_ask": (
            "Vai neatgriezeniski izdzēst visu, kas šajā sarunā rakstīts? Tad uz to vairs "
            "nevarēs atbildēt neviens, arī cilvēks ne. Ja to vēlaties, atbildiet „jā”."
        ),
        "deleted": "Šīs sarakstes dati ir izdzēsti no mūsu sistēmas.",
        "delete_later": (
            "Jūsu lūgums izdzēst datus ir pierakstīts. Pats tos izdzēst nevaru: "
            "to izskatīs darbinieks un atbildēs jums šeit."
        ),
        "caption_line": "Šo tekstu ir rakstījis mākslīgais intelekts.",
    },
    "lt": {
        "disclosure": "Sveiki! Jums atsako automatinis DI pagalbininkas ({name}), ne žmogus.",
        "disclosure_nameless": "Sveiki! Jums atsako automatinis DI pagalbininkas, ne žmogus.",
        "disclosure_privacy": "Kaip naudojame jūsų duomenis: {url}",
        "handover": "Perduodu jūsų žinutę darbuotojui. Jis jums atsakys čia.",
        "handover_hours": (
            "Perduodu jūsų žinutę darbuotojui. Šiuo metu mūsų nėra; "
            "grįšime {when} ir atsakysime jums čia."
        ),
        "apology": (
            "Atsiprašome, šiuo metu negaliu atsakyti. "
            "Perduodu jūsų žinutę darbuotojui, jis jums atsakys čia."
        ),
        "emergency": (
            "Labai gaila, kad jums taip sunku. Jei jūsų ar kito žmogaus gyvybei gresia pavojus, "
            "nedelsdami skambinkite 112. Perduodu jūsų žinutę darbuotojui."
        ),
        "unsafe": "Atsiprašau, į tai atsakyti negaliu. Jei reikia pagalbos, paprašykite žmogaus.",
        "limited": (
            "Per trumpą laiką parašėte labai daug. Šiek tiek vėliau vėl atsakysiu. Jei tai "
            "skubu, paprašykite žmogaus."
        ),
        "stopped": "Gerai, automatiškai nebeatsakysiu. Norėdami tęsti, parašykite „start“.",
        "started": "Vėl atsakau jums automatiškai. Kuo galiu padėti?",
        "delete_ask": (
            "Ar negrįžtamai ištrinti viską, kas parašyta šiame pokalbyje? Tada niekas "
            "nebegalės į tai atsakyti, net ir žmogus. Jei to norite, atsakykite „taip“."
        ),
        "deleted": "Šio pokalbio duomenys ištrinti iš mūsų sistemos.",
        "delete_later": (
            "Jūsų prašymas ištrinti duomenis užrašytas. Pats jų ištrinti negaliu: "
            "tuo pasirūpins darbuotojas ir atsakys jums čia."
        ),
        "caption_line": "Šį tekstą parašė dirbtinis intelektas.",
    },
    "pl": {
        "disclosure": "Dzień dobry! Odpowiada automatyczny asystent AI ({name}), nie człowiek.",
        "disclosure_nameless": "Dzień dobry! Odpowiada automatyczny asystent AI, nie człowiek.",
        "disclosure_privacy": "Jak wykorzystujemy Państwa dane: {url}",
        "handover": "Przekazuję wiadomość naszemu pracownikowi. Odpowie tutaj.",
        "handover_hours": (
            "Przekazuję wiadomość naszemu pracownikowi. Teraz nikogo nie ma; "
            "wrócimy {when} i odpowiemy tutaj."
        ),
        "apology": (
            "Przepraszam, nie mogę teraz odpowiedzieć. "
            "Przekazuję wiadomość naszemu pracownikowi, który odpowie tutaj."
        ),
        "emergency": (
            "Bardzo mi przykro, że jest tak ciężko. Jeśli czyjeś życie jest zagrożone, proszę "
            "natychmiast zadzwonić pod numer 112. Przekazuję wiadomość naszemu pracownikowi."
        ),
        "unsafe": "Przepraszam, na to nie mogę odpowiedzieć. Mogę poprosić o pomoc człowieka.",
        "limited": (
            "W krótkim czasie przyszło bardzo dużo wiadomości. Odpowiem znów nieco później. "
            "W pilnej sprawie proszę poprosić o człowieka."
        ),
        "stopped": "Dobrze, już nie odpowiadam automatycznie. Aby wznowić, proszę napisać „start”.",
        "started": "Znów odpowiadam automatycznie. W czym mogę pomóc?",
        "delete_ask": (
            "Czy usunąć na zawsze wszystko, co napisano w tej rozmowie? Wtedy nikt już na to "
            "nie odpowie, także człowiek. Jeśli tak ma być, proszę odpowiedzieć „tak”."
        ),
        "deleted": "Dane tej rozmowy zostały usunięte z naszego systemu.",
        "delete_later": (
            "Prośba o usunięcie danych została zapisana. Sam nie mogę ich usunąć: "
            "zajmie się tym pracownik i odpowie tutaj."
        ),
        "caption_line": "Ten tekst napisała sztuczna inteligencja.",
    },
}
