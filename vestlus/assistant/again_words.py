"""The words by which users ask for things, by language (BCP 47); see :mod:`.again`.

A word stands for itself; one that ends with a hyphen for all that begin so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_Words = Mapping[str, tuple[str, ...]]

#: Once more.
AGAIN: Final[_Words] = {
    "et": ("uuesti", "veel kord", "veelkord", "veel korra", "veel üks kord", "taas", "jälle"),
    "en": ("again", "once more", "one more time", "another time", "resend", "re-send"),
    "ru": ("ещё раз", "еще раз", "ещё разок", "еще разок", "снова", "опять", "повтор-"),
    "uk": ("ще раз", "знову", "повтор-"),
    "fi": ("uudelleen", "uudestaan", "vielä kerran", "taas", "jälleen"),
    "sv": ("igen", "en gång till", "på nytt", "ännu en gång"),
    "lv": ("vēlreiz", "vēl reizi", "atkal", "no jauna"),
    "lt": ("dar kartą", "vėl", "iš naujo", "pakarto-"),
    "de": ("nochmal", "nochmals", "noch mal", "noch einmal", "erneut", "wieder"),
    "pl": ("jeszcze raz", "ponownie", "znowu", "znów"),
    "fr": ("encore une fois", "encore le", "encore la", "à nouveau", "de nouveau", "renvo-"),
    "es": ("otra vez", "de nuevo", "nuevamente", "reenvi-", "reenví-"),
}

#: It did not arrive, cannot be seen, or is gone.
LOST: Final[_Words] = {
    "et": (
        *("ei tulnud", "ei jõudnud", "ei saabunud", "ei avane", "ei näe", "ei ole näha"),
        *("pole näha", "ei saanud kätte", "ei saanud pilti", "kustutasi-", "kustus", "kadus"),
        *("läks kaduma", "kaotasin"),
    ),
    "en": (
        *("deleted", "lost", "disappeared", "didn't arrive", "did not arrive", "hasn't arrived"),
        *("didn't come", "did not come", "didn't get", "did not get", "didn't receive"),
        *("did not receive", "haven't received", "never arrived", "never came", "can't open"),
        *("cannot open", "can't see", "cannot see", "doesn't open", "does not open"),
        *("doesn't load", "does not load", "didn't load", "did not load"),
    ),
    "ru": (
        *("не пришл-", "не пришел", "не пришёл", "не дошл-", "не дошел", "не дошёл"),
        *("не получил-", "не откры-", "не загру-", "не вижу", "не видно", "удалил-"),
        *("потерял-", "пропал-", "исчез-", "стер", "стёр", "стерла", "стёрла"),
    ),
    "uk": (
        *("не прийш-", "не дійш-", "не отрима-", "не відкр-", "не бачу", "не видно"),
        *("видалил-", "видалив", "загубил-", "загубив", "зник-"),
    ),
    "fi": ("ei tullut", "ei saapunut", "en saanut", "en näe", "ei avaudu", "poistin", "katosi"),
    "sv": ("kom inte", "kom aldrig", "fick inte", "ser inte", "raderade", "tappade", "försvann"),
    "lv": ("nepienāca", "nesaņēmu", "neredzu", "izdzēs-", "pazaudē-", "pazuda"),
    "lt": ("neatėjo", "negavau", "nematau", "ištryn-", "pamečiau", "dingo"),
    "de": (
        *("nicht angekommen", "nicht bekommen", "nicht erhalten", "kam nicht", "gelöscht"),
        *("verloren", "nicht sehen", "verschwunden"),
    ),
    "pl": ("nie dosz-", "nie przysz-", "nie dosta-", "nie widzę", "usuną-", "usunę-", "skasowa-"),
    "fr": ("pas reçu", "pas arriv-", "supprimé", "effacé", "perdu", "disparu"),
    "es": ("no llegó", "no ha llegado", "no me lleg-", "no recib-", "borré", "borrado", "perdí"),
}

#: Another one than that.
ANOTHER: Final[_Words] = {
    "et": (
        *("veel", "teine", "teise", "teist", "teisi", "muu", "muud", "muid", "uus", "uue", "uut"),
        *("uusi", "järgmi-"),
    ),
    "en": ("another", "other", "others", "different", "more", "else", "next", "new one"),
    "ru": ("ещё", "еще", "другую", "другой", "другие", "другое", "других", "иную", "следующ-"),
    "uk": ("ще", "інш-", "наступн-"),
    "fi": ("toinen", "toise-", "toista", "muu", "muita", "lisää", "vielä", "seuraav-"),
    "sv": ("en till", "ett till", "annan", "annat", "andra", "fler", "flera", "mer", "nästa"),
    "lv": ("vēl", "citu", "cits", "cita", "citas", "citus", "nākam-"),
    "lt": ("dar", "kitą", "kitas", "kitų", "kitus", "kitok-"),
    "de": ("noch", "ander-", "weiter-", "mehr", "nächst-"),
    "pl": ("jeszcze", "inny", "inne", "inną", "innego", "innych", "kolejn-", "następn-", "więcej"),
    "fr": ("encore", "autre", "autres", "de plus", "prochain-"),
    "es": ("otra", "otro", "otras", "otros", "más", "siguiente"),
}

#: Wishes to be sent or shown something.
REQUESTS: Final[_Words] = {
    "et": (
        *("saatke", "saata", "saada", "saadaks", "saadate", "saadad", "saadaksite", "näita-"),
        *("näidata", "näidake", "näha", "jaga", "jagage", "edasta", "edastage"),
    ),
    "en": ("send", "sending", "show", "share", "forward", "see", "give"),
    "ru": (
        *("пришли", "пришлите", "прислать", "присылай-", "пришлёте", "пришлете", "отправ-"),
        *("покаж-", "показать", "скинь-", "скинуть", "дай", "дайте", "увидеть"),
    ),
    "uk": ("надішл-", "надіслати", "пришл-", "покаж-", "показати", "скинь-", "дайте"),
    "fi": ("lähet-", "näyt-", "laita", "laittakaa", "nähdä"),
    "sv": ("skicka-", "visa", "visar", "sänd", "sända", "se"),
    "lv": ("atsūt-", "nosūt-", "parād-"),
    "lt": ("atsiųs-", "nusiųs-", "parod-"),
    "de": ("schick-", "senden", "sende", "sendet", "zeig-", "sehen"),
    "pl": ("wyśl-", "przyśl-", "prześl-", "wysłać", "przysłać", "pokaż-", "pokaz-"),
    "fr": ("envoy-", "envoi-", "montr-", "voir"),
    "es": ("envi-", "enví-", "manda", "mande", "mandar", "mándame", "muestr-", "mostrar", "ver"),
}

#: What names nothing: pictures in general, and the words around a wish.
UNSPECIFIC: Final[_Words] = {
    "et": (
        *("pilt", "pildi", "pilti", "pildid", "pilte", "foto", "fotot", "fotosid", "mõni", "mõne"),
        *("mõnda", "mingi", "üks", "ühe", "üht", "palun", "palume", "tere", "mulle", "meile"),
        *("kas", "te", "sa", "ma", "saate", "saaksite", "saaks", "saad", "saaksin", "võite"),
        *("võiks", "võiksite", "oleks", "võimalik", "ja", "ka", "siis", "aitäh", "tänan"),
    ),
    "en": (
        *("picture", "pictures", "pic", "pics", "photo", "photos", "image", "images", "some"),
        *("any", "please", "hi", "hello", "thanks", "thank", "can", "could", "would", "will"),
        *("may", "you", "me", "us", "an", "one", "like", "to", "of", "do", "have", "and"),
    ),
    "ru": (
        *("картинк-", "фото", "фотк-", "фотографи-", "изображени-", "какую", "какое", "нибудь"),
        *("одну", "одно", "пожалуйста", "мне", "нам", "можете", "можно", "можешь", "ли", "вы"),
        *("ты", "бы", "здравствуйте", "привет", "спасибо"),
    ),
    "uk": (
        *("картинк-", "фото", "світлин-", "зображенн-", "якусь", "одну", "одне", "будь", "ласка"),
        *("мені", "нам", "можете", "можна", "чи", "ви", "дякую", "вітаю"),
    ),
    "fi": (
        *("kuva", "kuvan", "kuvia", "valokuva", "valokuvan", "yksi", "yhden", "joku", "jonkin"),
        *("voisitko", "voisitteko", "voitko", "voitteko", "minulle", "meille", "kiitos", "hei"),
    ),
    "sv": (
        *("bild", "bilder", "foto", "foton", "någon", "snälla", "kan", "du", "ni", "mig", "oss"),
        *("en", "ett", "tack", "gärna", "hej"),
    ),
    "lv": ("attēl-", "bildi", "bildes", "foto", "kādu", "vienu", "lūdzu", "man", "vai", "jūs"),
    "lt": ("nuotrauk-", "paveiksl-", "kokią", "vieną", "prašau", "man", "ar", "galite"),
    "de": (
        *("bild", "bilder", "foto", "fotos", "bitte", "mir", "uns", "können", "könnten", "sie"),
        *("kannst", "du", "ein", "eine", "einen", "und", "danke", "hallo"),
    ),
    "pl": ("zdjęci-", "obraz-", "jakieś", "jedno", "proszę", "mi", "czy", "możesz", "możecie"),
    "fr": (
        *("image", "images", "photo", "photos", "un", "une", "vous", "pouvez", "il", "te", "plaît"),
        *("moi", "nous", "me", "peux", "tu", "bonjour", "merci"),
    ),
    "es": (
        *("foto", "fotos", "imagen", "imágenes", "alguna", "un", "una", "por", "favor", "me"),
        *("puede", "puedes", "podría", "hola", "gracias"),
    ),
}
