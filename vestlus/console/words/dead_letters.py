"""Words of the dead letters' pages."""

from __future__ import annotations

from typing import Final

WORDS: Final[dict[str, tuple[str, str]]] = {
    "dead_letters.what": (
        "Sõnumid ja vastused, millest loobuti: miks, mis nendega juhtus ja mida teha.",
        "Messages and answers that were given up: why, what happened, and what to do.",
    ),
    "dead_letters.one": ("Surnud kiri", "Dead letter"),
    "dead_letters.letter": ("Kiri", "Letter"),
    "dead_letters.at": ("Loobuti", "Given up"),
    "dead_letters.reason": ("Põhjus", "Reason"),
    "dead_letters.source": ("Kust", "From"),
    "dead_letters.account": ("Konto", "Account"),
    "dead_letters.conversation": ("Vestlus", "Conversation"),
    "dead_letters.replays": ("Kordi uuesti teele saadetud", "Times replayed"),
    "dead_letters.state": ("Seis", "State"),
    "dead_letters.state.open": ("ootab", "open"),
    "dead_letters.state.replayed": ("uuesti teel", "replayed"),
    "dead_letters.state.discarded": ("kõrvale pandud", "discarded"),
    "dead_letters.state.any": ("kõik", "any"),
    "dead_letters.doubtful": ("võis kohale jõuda", "may have been sent"),
    "dead_letters.only_doubtful": (
        "Ainult need, mis võisid kohale jõuda",
        "Only those that may have been sent",
    ),
    "dead_letters.none": ("Selliseid kirju ei ole.", "There are no such letters."),
    "dead_letters.history": ("Mis juhtus", "What happened"),
    "dead_letters.no_history": ("Midagi ei ole kirjas.", "Nothing is written down."),
    "dead_letters.content": ("Sisu", "Content"),
    "dead_letters.show_content": (
        "Näita sisu, nagu see saabus",
        "Show the content as it came",
    ),
    "dead_letters.cut": (
        "Siin on ainult algus; kõik näeb käsuga vestlus dead-letters show.",
        "This is only the beginning; vestlus dead-letters show has all of it.",
    ),
    "dead_letters.gone": ("Sisu enam ei ole.", "The content is gone."),
    "dead_letters.act": ("Mida teha", "What to do"),
    "dead_letters.replay": ("Saada uuesti teele", "Replay"),
    "dead_letters.replay_sure": (
        "Kas saata see uuesti teele? Kasutaja võib saada vastuse.",
        "Replay this? The user may get an answer.",
    ),
    "dead_letters.replay_why": (
        (
            "Kasutaja sõnumile vastatakse, nagu oleks see äsja tulnud; vastus saadetakse pärast "
            "seda, mis on juba teel."
        ),
        (
            "A user's message is answered as if it had just come in; an answer is sent behind "
            "what is already on its way."
        ),
    ),
    "dead_letters.although_sent": (
        "Saada, kuigi kasutajal võib see juba olla",
        "Send it although the user may have it already",
    ),
    "dead_letters.discard": ("Pane kõrvale", "Discard"),
    "dead_letters.discard_sure": (
        "Kas panna kõrvale? Sisu kustub ja tagasi seda ei saa.",
        "Discard this? Its content is deleted for good.",
    ),
    "dead_letters.discard_why": (
        "Alles jääb, kes ja millal selle kõrvale pani; sisu kustub.",
        "Who did it and when is kept; what was said is not.",
    ),
    "dead_letters.handed_in": (
        "Kiri läks uuesti teele; seis muutub mõne hetke pärast.",
        "The letter is on its way again; its state changes within moments.",
    ),
    "dead_letters.discarded": ("Kiri on kõrvale pandud.", "The letter is discarded."),
    "dead_letters.refused.window_closed": (
        (
            "Kasutaja kirjutas viimati liiga ammu ja Instagram ei luba praegu vastata. Saab siis, "
            "kui kasutaja uuesti kirjutab."
        ),
        (
            "The user last wrote too long ago, and Instagram lets nobody answer now. It can be "
            "replayed once the user writes again."
        ),
    ),
    "dead_letters.refused.may_have_been_sent": (
        (
            "Kasutajal võib see juba olla. Vaata vestlust Instagramis; märkeruuduga saadetakse see "
            "veel kord."
        ),
        (
            "The user may have it already. Look into the conversation in Instagram; with the box "
            "checked it is sent once more."
        ),
    ),
    "dead_letters.refused.user_stopped": (
        "Kasutaja palus, et talle enam ei vastataks.",
        "The user asked for no more answers.",
    ),
    "dead_letters.refused.erased": (
        "Sisu on kustutatud kasutaja soovil või kõrvalepanekuga.",
        "Its content is gone, by the user's wish or with an earlier discard.",
    ),
    "dead_letters.refused.undecodable": (
        "See versioon ei oska kirja lugeda. Selle saab kõrvale panna.",
        "Its bytes are no message that this version can read. It can be discarded.",
    ),
    "dead_letters.refused.not_dead": (
        "Keegi on sellega juba tegelenud.",
        "Somebody has seen to it already.",
    ),
}
