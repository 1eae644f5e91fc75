"""Words that all pages share."""

from __future__ import annotations

from typing import Final

WORDS: Final[dict[str, tuple[str, str]]] = {
    "frame.skip": ("Otse sisu juurde", "Skip to content"),
    "frame.menu": ("Menüü", "Menu"),
    "frame.signed_in": ("Sisse logitud: {name}", "Signed in: {name}"),
    "frame.sign_out": ("Logi välja", "Sign out"),
    "frame.other_language": ("In English", "Eesti keeles"),
    "frame.done": ("Tehtud.", "Done."),
    "frame.live": ("Uueneb ise", "Updates by itself"),
    "frame.not_found": ("Sellist lehte ei ole", "There is no such page"),
    "frame.not_found_why": (
        "Aadress on vale või on see, mida otsid, vahepeal kustutatud.",
        "The address is wrong, or what you look for has been deleted meanwhile.",
    ),
    "frame.forbidden": ("Selleks ei ole sul õigust", "You may not do this"),
    "frame.forbidden_why": (
        "Sinu roll on {role}; selleks on vaja rolli {needed}.",
        "Your role is {role}; this needs {needed}.",
    ),
    "frame.stale": ("Leht on aegunud", "The page is too old"),
    "frame.stale_why": (
        "Ava leht uuesti ja proovi veel kord: vormil puudus selle seansi märk.",
        "Open the page again and try once more: the form lacked this session's mark.",
    ),
    "frame.away": ("Hetkel ei saa", "Not right now"),
    "frame.away_why": (
        "Andmebaas või sõnumijärjekord ei vasta. Midagi ei muudetud; proovi varsti uuesti.",
        "The store or the bus does not answer. Nothing was changed; try again soon.",
    ),
    "frame.too_large": ("Saadetu on liiga suur", "What was sent is too large"),
    "frame.too_large_why": ("Lubatud on kuni {limit}.", "At most {limit} may be sent."),
    "frame.back": ("Tagasi ülevaatele", "Back to the overview"),
    "frame.role.viewer": ("vaataja", "viewer"),
    "frame.role.agent": ("vastaja", "agent"),
    "frame.role.admin": ("haldur", "admin"),
    "sign_in.title": ("Sisselogimine", "Sign in"),
    "sign_in.name": ("Sinu nimi", "Your name"),
    "sign_in.name_why": (
        "Läheb tegevuste logisse, et oleks näha, kes mida tegi.",
        "Goes into the audit log, so that it shows who did what.",
    ),
    "sign_in.token": ("Operaatori märk", "Operator token"),
    "sign_in.go": ("Logi sisse", "Sign in"),
    "sign_in.wrong": ("Märk ei ole õige.", "The token is not right."),
    "sign_in.nobody": (
        "VESTLUS_OPERATOR_TOKEN ei ole seadistatud, seega ei saa keegi sisse.",
        "VESTLUS_OPERATOR_TOKEN is not set, so nobody can sign in.",
    ),
    "nav.overview": ("Ülevaade", "Overview"),
    "nav.conversations": ("Vestlused", "Conversations"),
    "nav.posts": ("Postitused", "Posts"),
    "nav.images": ("Pildipank", "Image bank"),
    "nav.events": ("Sündmused", "Events"),
    "nav.dead_letters": ("Surnud kirjad", "Dead letters"),
    "nav.settings": ("Seaded", "Settings"),
    "nav.audit": ("Tegevuste logi", "Audit log"),
}
