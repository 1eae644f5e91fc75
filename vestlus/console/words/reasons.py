"""Why a message was not sent, or not taken in, in words."""

from __future__ import annotations

from typing import Final

_NOT_THERE: Final = ("kasutajat ei saa kätte", "the user cannot be reached")
_TOKEN: Final = ("konto luba ei kehti", "the account's token is not accepted")
_UNCLEAR: Final = (
    "Instagram ei öelnud, kas sõnum läks kohale",
    "Instagram did not tell whether it arrived",
)
_PICTURE: Final = ("Instagram ei saanud pilti kätte", "Instagram could not get the picture")
_BLOCKED: Final = ("Instagram on konto peatanud", "Instagram has stopped the account")

_BY_REASON: Final[dict[str, tuple[str, str]]] = {
    "not_answered": ("sellele ei õnnestunud vastata", "it could not be answered"),
    "window_closed": ("vastamise aeg sai läbi", "the time to answer was over"),
    "outside_window": ("vastamise aeg oli läbi", "the time to answer was over"),
    "picture_unavailable": (
        "pilti ei ole pildipangas või seda ei tohi saata",
        "the picture is not in the image bank, or may not be sent",
    ),
    "person_answered": ("inimene vastas enne", "a person answered first"),
    "silenced": ("inimene võttis üle või vastas", "a person took over or answered"),
    "rejected": ("inimene lükkas tagasi", "a person rejected it"),
    "reworded": ("inimene muutis teksti", "a person changed the text"),
    "stopped": ("kasutaja palus mitte vastata", "the user asked for no answers"),
    "erased": ("kasutaja andmed kustutati", "the user's data were erased"),
    "person_unavailable": _NOT_THERE,
    "no_matching_user": _NOT_THERE,
    "consent_required": _NOT_THERE,
    "recipient_without_role": _NOT_THERE,
    "not_thread_owner": ("vestlust juhib teine rakendus", "another app has the thread"),
    "invalid_message": ("Instagram ei võtnud sõnumit vastu", "Instagram did not take the message"),
    "invalid_parameter": ("Instagram ei võtnud sõnumit vastu", "Instagram did not take it"),
    "media_unreachable": _PICTURE,
    "media_timeout": _PICTURE,
    "media_type": ("pildi vorming ei sobi", "the picture's format is not taken"),
    "media_size": ("pilt on liiga suur", "the picture is too large"),
    "token_invalid": _TOKEN,
    "token_expired": _TOKEN,
    "password_changed": _TOKEN,
    "app_not_installed": _TOKEN,
    "account_restricted": _BLOCKED,
    "messaging_blocked": _BLOCKED,
    "policy_block": _BLOCKED,
    "ambiguous_twice": _UNCLEAR,
    "not_in_reach": _UNCLEAR,
    "look_failed": _UNCLEAR,
    "look_refused": _UNCLEAR,
    "pictures_unclear": _UNCLEAR,
    # Of what could not be taken in.
    "delivery_limit": (
        "seda ei õnnestunud korduvalt töödelda",
        "processing it failed again and again",
    ),
    "no_json": ("seda ei saa lugeda", "it cannot be read"),
}

WORDS: Final[dict[str, tuple[str, str]]] = {
    f"reasons.{reason}": said for reason, said in _BY_REASON.items()
}
