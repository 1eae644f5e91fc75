"""Words of the pages about events of other systems."""

from __future__ import annotations

from typing import Final

WORDS: Final[dict[str, tuple[str, str]]] = {
    "events.title": ("Sündmused", "Events"),
    "events.about": (
        "Mida teised süsteemid on viimase 7 päeva jooksul teatanud ja mis sellest sai.",
        "What other systems have told within the last 7 days, and what it led to.",
    ),
    "events.recent": ("Viimased", "Latest"),
    "events.none": ("Sündmusi ei ole.", "There are no events."),
    "events.older": ("Varasemad", "Older ones"),
    "events.newest": ("Uusimad", "The newest"),
    "events.name": ("Sündmus", "Event"),
    "events.any": ("kõik", "all"),
    "events.filter": ("Näita", "Show"),
    "events.source": ("Saatja", "Sender"),
    "events.source.cli": ("käsurida", "command line"),
    "events.received": ("Saabus", "Received"),
    "events.key": ("Võti", "Key"),
    "events.led": ("Mis sellest sai", "What it led to"),
    "events.nothing": ("Ükski reegel ei vastanud.", "No rule applied."),
    "events.planned": ("Reegel {rule}: postitus {when}", "Rule {rule}: a post {when}"),
    "events.not_applied": ("Reegel {rule}: ei tehtud midagi.", "Rule {rule}: nothing was done."),
    "events.gone": ("(enam ei ole alles)", "(not kept any more)"),
    "events.why.unknown_event": (
        "Seda sündmust ei tunne ükski reegel.",
        "No rule has this event.",
    ),
    "events.why.payload_refused": (
        "Andmed ei vasta reegli kirjeldusele.",
        "The data do not fit the rule's schema.",
    ),
    "events.why.condition": ("Reegli tingimus ei kehtinud.", "The rule's condition did not hold."),
    "events.why.condition_failed": (
        "Reegli tingimust ei saanud nende andmetega arvutada.",
        "The rule's condition could not be evaluated for these data.",
    ),
    "events.why.cool_down": (
        "Selle reegli eelmine postitus oli liiga lähedal.",
        "Another post of the rule was too near.",
    ),
    "events.why.daily_limit": (
        "Selle päeva postitused on reeglil täis.",
        "The rule has its posts of that day.",
    ),
    "events.payload": ("Andmed", "Data"),
    "events.payload_none": ("Andmeid ei olnud.", "There were no data."),
    "events.payload_hidden": (
        "Andmeid näevad vastajad ja haldurid.",
        "Agents and admins see the data.",
    ),
    "events.back": ("Sündmused", "Events"),
    "events.rules": ("Reeglid", "Rules"),
    "events.rules_none": (
        "Reegleid ei ole: need on failis vestlus.toml, [[event_rules]].",
        "There are no rules: they are [[event_rules]] in vestlus.toml.",
    ),
    "events.rule": ("Reegel", "Rule"),
    "events.rule.on": ("Sündmus", "On event"),
    "events.rule.terms": ("Millal", "When"),
    "events.rule.when": ("kui {value}", "if {value}"),
    "events.rule.after": ("{value} minuti pärast", "after {value} minutes"),
    "events.rule.cool_down": (
        "mitte sagedamini kui {value} minuti tagant",
        "not more often than every {value} minutes",
    ),
    "events.rule.a_day": ("kuni {value} päevas", "at most {value} a day"),
    "events.rule.quiet": ("mitte ajal {value}", "not at {value}"),
    "events.rule.approve": ("ootab heakskiitu", "waits for a yes"),
    "events.rule.always": ("alati", "always"),
}
