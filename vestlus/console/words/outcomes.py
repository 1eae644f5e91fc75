"""Words of what came of actions, as the audit has it: what the API calls refusals, and what
commands raise.
"""

from __future__ import annotations

from typing import Final

_NO_SUCH_POST: Final = ("sellist postitust ei ole", "no such post")
_STORE_AWAY: Final = ("andmebaas ei vastanud", "the store did not answer")
_BUS_AWAY: Final = ("sõnumijärjekord ei vastanud", "the bus did not answer")
_STORAGE_AWAY: Final = ("piltide hoidla ei vastanud", "the storage of pictures did not answer")
_REFUSED: Final = ("keelduti", "refused")
_BAD_INPUT: Final = ("sisend ei sobinud", "the input was not right")
_PRESERVED: Final = ("vestlust säilitatakse", "the conversation is preserved")
_CODE_TAKEN: Final = ("kood on teise kustutamise oma", "the code is of another erasure")
_UNDECODABLE: Final = ("seda ei saa lugeda", "it cannot be read")
_MODEL: Final = ("mudel ei vastanud", "the model did not answer")
_INSTAGRAM: Final = ("Instagram keeldus", "Instagram refused")
_NOT_STARTED: Final = ("ei käivitunud", "did not start")
_PROVIDER: Final = (
    "sisselogimise teenus ei vastanud nõuetekohaselt",
    "the sign-in provider did not answer as it must",
)

_BY_OUTCOME: Final[dict[str, tuple[str, str]]] = {
    "done": ("tehtud", "done"),
    "handed_in": ("teele antud", "handed in"),
    "open": ("ootab inimest", "waits for a person"),
    "failed": ("katkes veaga", "failed"),
    "forbidden": ("roll ei luba", "the role does not allow it"),
    "forged": ("vormil puudus seansi märk", "the form lacked the session's mark"),
    "wrong": ("vale märk", "wrong token"),
    "locked": ("lukus: liiga palju valesid märke", "locked: too many wrong tokens"),
    # Of the API.
    "invalid": _BAD_INPUT,
    "not_json": ("ei ole JSON", "no JSON"),
    "too_large": ("liiga suur", "too large"),
    "body_timeout": ("saatmine võttis liiga kaua", "sending took too long"),
    "content_length": _BAD_INPUT,
    "busy": ("korraga liiga palju päringuid", "too many requests at once"),
    "bus_away": _BUS_AWAY,
    "store_away": _STORE_AWAY,
    "storage_away": _STORAGE_AWAY,
    "changed": ("keegi teine muutis vahepeal", "somebody else has changed it meanwhile"),
    "code_taken": _CODE_TAKEN,
    "erased": ("sisu on kustutatud", "its content is gone"),
    "id_taken": ("sellise nimega pilt on juba olemas", "another picture has this id"),
    "kept_by_file": ("seda hoiab vestlus.toml", "vestlus.toml keeps it"),
    "kept_by_folder": ("seda hoiab piltide kaust", "the folder's catalogue.toml has it"),
    "may_have_been_sent": ("võib olla juba saadetud", "it may have been sent already"),
    "name_taken": ("sellise nimega ajakava on juba olemas", "a schedule has that name"),
    "no_day": ("kuupäev ei sobinud", "no day was given"),
    "no_key": ("krüpteerimisvõti on seadmata", "the encryption key is not set"),
    "no_such_account": ("sellist kontot ei ole", "no such account"),
    "no_such_conversation": ("sellist vestlust ei ole", "no such conversation"),
    "no_such_draft": ("see mustand ei oota enam", "no such draft waits"),
    "no_such_erasure": ("sellist kustutamist ei ole", "no such erasure"),
    "no_such_event": ("sellist sündmust ei ole", "no such event"),
    "no_such_image": ("seda pilti pangas ei ole", "not in the image bank"),
    "no_such_letter": ("sellist kirja ei ole", "no such letter"),
    "no_such_post": _NO_SUCH_POST,
    "no_such_schedule": ("sellist ajakava ei ole", "no such schedule"),
    "no_such_session": ("see seanss oli juba läbi", "nobody is signed in by that id"),
    "not_dead": ("sellega oli juba tegeldud", "it was seen to already"),
    "not_open": ("see ei oodanud enam inimest", "it did not wait for a person"),
    "not_sent": ("Instagram ei lubanud kirjutada", "Instagram would not take it"),
    "over": ("see päev on möödas", "that day is over"),
    "preserved": _PRESERVED,
    "reason": ("põhjus puudus", "no reason was given"),
    "too_late": ("selleks oli hilja", "it was too late for that"),
    "undecodable": _UNDECODABLE,
    "user_stopped": ("kasutaja ei soovi vastuseid", "the user asked for no more answers"),
    "window_closed": ("vastamise aeg oli läbi", "the time to answer was over"),
    # Of signing in elsewhere.
    "refused_there": ("teenus ei lubanud", "the provider refused"),
    "issuer": ("vastus tuli valest kohast", "the answer was of another issuer"),
    "code": ("teenus ei tunnistanud koodi", "the provider did not know the code"),
    "id_token": ("identiteeditõend ei kehtinud", "the ID token was not valid"),
    "no_role": ("rolli ei ole antud", "has no role"),
    "too_many_groups": ("rühmi on liiga palju", "is in too many groups"),
    "not_begun": ("sisselogimine ei alanud siin", "signing in did not begin here"),
    # What commands raise.
    "assistant_error": _MODEL,
    "assistant_invalid": ("mudeli vastus ei sobinud", "the model's answer was not right"),
    "assistant_refused": ("mudel keeldus vastamast", "the model refused to answer"),
    "assistant_unavailable": _MODEL,
    "bus_error": _BUS_AWAY,
    "bus_unavailable": _BUS_AWAY,
    "cannot_repartition": ("teenus veel töötas", "the service still ran"),
    "catalogue_refused": ("kataloogi andmed ei sobinud", "the catalogue's data were not right"),
    "conversation_gone": ("vestlus on kustutatud", "the conversation is gone"),
    "conversation_preserved": _PRESERVED,
    "demo_error": ("demo ei töötanud", "the demo did not run"),
    "desk_error": _REFUSED,
    "evaluation_file_error": _BAD_INPUT,
    "event_refused": ("sündmus ei sobinud", "the event was refused"),
    "field_missing": ("andmetes puudus väli", "a field was missing"),
    "graph_error": _INSTAGRAM,
    "held_back": ("Instagrami piirang: oodati", "held back by Instagram's limits"),
    "host_unknown_error": _NOT_STARTED,
    "image_bank_error": ("pildipank keeldus", "the image bank refused"),
    "lease_lost": ("teine protsess võttis üle", "another process took over"),
    "nobody_meant": ("sellist kasutajat ei ole", "no such user"),
    "not_confirmed": ("ei kinnitatud", "not confirmed"),
    "not_connected": ("kontot ei saanud ühendada", "the account could not be connected"),
    "not_discarded": ("ei saanud kõrvale panna", "could not be discarded"),
    "not_written": ("ei saanud faili kirjutada", "the file could not be written"),
    "not_let_in": ("ei lubatud sisse", "not let in"),
    "not_started_error": _NOT_STARTED,
    "not_there": ("seda ei ole", "there is none"),
    "not_told": ("teadet ei saanud saata", "nobody could be told"),
    "not_webhook": _BAD_INPUT,
    "not_refreshed": ("luba ei uuendatud", "the token was not refreshed"),
    "not_subscribed": (
        "ühendatud, aga Instagram sõnumeid veel ei saada",
        "connected, but Instagram sends no messages yet",
    ),
    "no_token": ("kontol ei ole luba", "the account has no token"),
    "outcome_unknown": ("tulemus ei ole teada", "the outcome is not known"),
    "partition_mismatch": ("jaotuste arv ei klapi", "the numbers of partitions differ"),
    "picture_refused": ("pilt ei sobinud", "the picture was refused"),
    "plan_refused": ("ajakava ei sobinud", "the schedule was refused"),
    "port_taken_error": ("port oli kasutusel", "the port was taken"),
    "post_refused": ("postitus ei sobinud", "the post was refused"),
    "preserve_refused": ("säilitada ei saanud", "could not be preserved"),
    "provider_away": _PROVIDER,
    "provider_unfit": _PROVIDER,
    "ray_ended": ("Ray lõpetas töö", "Ray ended"),
    "recovery_refused": ("otsida ei saanud", "could not be looked for"),
    "refused": _REFUSED,
    "rejected_error": _REFUSED,
    "replay_refused": ("uuesti saata ei saanud", "could not be replayed"),
    "reply_refused": ("vastata ei saanud", "could not be answered"),
    "request_rejected": ("päring ei kehtinud", "the request was not valid"),
    "settings_error": ("seadetes oli viga", "the settings were not right"),
    "signature_rejected": ("allkiri ei kehtinud", "the signature was not valid"),
    "simulator_did_not_start": _NOT_STARTED,
    "size_refused": ("arv ei sobinud", "the size was refused"),
    "storage_unavailable": _STORAGE_AWAY,
    "store_error": _STORE_AWAY,
    "store_in_use": ("andmebaas oli kasutusel", "the store was in use"),
    "store_too_new": ("andmebaas on uuemast versioonist", "the store is of a newer version"),
    "store_unavailable": _STORE_AWAY,
    "subscription_lost": ("teine protsess võttis üle", "another process took over"),
    "template_failed": ("malli ei saanud täita", "the template could not be filled in"),
    "throttled": ("Instagram palus oodata", "Instagram asked to wait"),
    "token_rejected": ("Instagram ei võtnud luba vastu", "Instagram did not take the token"),
    "token_unreadable": ("luba ei saa lugeda", "the token cannot be read"),
    "undecodable_message": _UNDECODABLE,
    "values_refused": ("andmebaas ei võtnud vastu", "the store did not take it"),
}

WORDS: Final[dict[str, tuple[str, str]]] = {
    f"outcomes.{outcome}": said for outcome, said in _BY_OUTCOME.items()
}
