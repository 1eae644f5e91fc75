"""Words of the steps that led to a dead letter, and of where it came from."""

from __future__ import annotations

from typing import Final

WORDS: Final[dict[str, tuple[str, str]]] = {
    "steps.taken_in": ("võeti vastu", "taken in"),
    "steps.not_answered": ("vastata ei õnnestunud", "could not be answered"),
    "steps.owners_that_took_over": (
        "kordi, mil teine protsess üle võttis",
        "times that another process took over",
    ),
    "steps.tries_set_apart": ("kordi eraldi proovitud", "times tried by itself"),
    "steps.decided": ("otsustati saata", "decided"),
    "steps.draft": ("jäi mustandiks", "became a draft"),
    "steps.pending": ("ootab saatmist", "waits to be sent"),
    "steps.sending": ("hakati saatma", "sending began"),
    "steps.looking": ("kontrolliti, kas jõudis kohale", "looked for whether it arrived"),
    "steps.sent": ("saadeti", "sent"),
    "steps.dead": ("loobuti", "given up"),
    "steps.unknown": ("jäi teadmata, kas jõudis kohale", "not known whether it arrived"),
    "steps.cancelled": ("jäi saatmata", "not sent"),
    "steps.buried": ("pandi surnud kirjade hulka", "put with the dead letters"),
    "steps.replayed": ("saadeti uuesti teele", "sent on its way again"),
    "steps.replay_refused": ("uuesti saatmisest keelduti", "the replay was refused"),
    "steps.discarded": ("pandi kõrvale", "discarded"),
    "steps.source.inbox": ("sissetulnute järjekord {number}", "inbox {number}"),
    "steps.source.outbox": ("saadetavate järjekord {number}", "outbox {number}"),
    "steps.source.planner": ("postituste järjekord", "planner's queue"),
    "steps.source.dead": ("surnud kirjade järjekord", "queue of dead letters"),
    "steps.source.inbox_event": ("kasutaja sõnum", "a user's message"),
    "steps.source.ledger": ("vastus kasutajale", "an answer to a user"),
}
