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
        "Andmebaas või sõnumijärjekord ei vasta. Vaata varsti, kas tehtu jõudis kohale.",
        "The store or the bus does not answer. Look soon whether what you did was done.",
    ),
    "frame.too_large": ("Saadetu on liiga suur", "What was sent is too large"),
    "frame.too_large_why": ("Lubatud on kuni {limit}.", "At most {limit} may be sent."),
    "frame.too_late": ("Saatmine võttis liiga kaua", "Sending took too long"),
    "frame.too_late_why": (
        "Midagi ei muutunud. Kontrolli ühendust ja proovi veel kord.",
        "Nothing was changed. Check the connection and try once more.",
    ),
    "frame.bad_request": ("Päring on vigane", "The request is not right"),
    "frame.bad_request_why": (
        "Saadetust ei saa aru. Ava leht uuesti ja proovi veel kord.",
        "What was sent cannot be understood. Open the page again and try once more.",
    ),
    "frame.method": ("Nii seda lehte kasutada ei saa", "This page cannot be used that way"),
    "frame.method_why": (
        "Aadress on õige, aga mitte sellise päringu jaoks.",
        "The address is right, but not for a request of that kind.",
    ),
    "frame.failed": ("Midagi läks valesti", "Something went wrong"),
    "frame.failed_why": (
        "Viga on meie oma ja kirjas teenuse logis tunnusega {id}.",
        "The mistake is ours. The service's log has it under {id}.",
    ),
    "frame.zone": ("Kellaajad: {zone}", "Times: {zone}"),
    "frame.ended": (
        (
            "Seanss on läbi: leht enam ei uuene ja midagi saata ei saa. Kopeeri pooleli "
            "jäänud tekst enne, kui uuesti sisse logid."
        ),
        (
            "Your session is over: the page no longer updates, and nothing can be sent. Copy what "
            "you were writing before you sign in again."
        ),
    ),
    "frame.back": ("Tagasi ülevaatele", "Back to the overview"),
    "frame.role.viewer": ("vaataja", "viewer"),
    "frame.role.agent": ("vastaja", "agent"),
    "frame.role.admin": ("haldur", "admin"),
    "nav.overview": ("Ülevaade", "Overview"),
    "nav.conversations": ("Vestlused", "Conversations"),
    "nav.posts": ("Postitused", "Posts"),
    "nav.images": ("Pildipank", "Image bank"),
    "nav.events": ("Sündmused", "Events"),
    "nav.dead_letters": ("Surnud kirjad", "Dead letters"),
    "nav.erasures": ("Kustutamised", "Erasures"),
    "nav.settings": ("Seaded", "Settings"),
    "nav.audit": ("Tegevuste logi", "Audit log"),
}
