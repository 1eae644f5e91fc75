"""Words of the settings' page."""

from __future__ import annotations

from typing import Final

WORDS: Final[dict[str, tuple[str, str]]] = {
    "settings.read_only": (
        (
            "Seadeid muudetakse keskkonnamuutujates ja failis vestlus.toml; siin neid ainult näeb. "
            "Saladusi ei näidata."
        ),
        (
            "Settings are changed in the environment and in vestlus.toml; here they are only seen. "
            "Secrets are not shown."
        ),
    ),
    "settings.plain": ("Üldised seaded", "General settings"),
    "settings.name": ("Nimi", "Name"),
    "settings.value": ("Väärtus", "Value"),
    "settings.source": ("Kust", "From"),
    "settings.source.environment": ("keskkonnast", "environment"),
    "settings.source.file": ("failist", "file"),
    "settings.source.start": ("käivitamisel", "at the start"),
    "settings.source.default": ("vaikimisi", "default"),
    "settings.secret": ("seatud", "set"),
    "settings.not_set": ("seadmata", "not set"),
    "settings.left_out": ("Ja veel {number}.", "And {number} more."),
    "settings.sessions": ("Kes on sisse logitud", "Who is signed in"),
    "settings.role": ("Roll", "Role"),
    "settings.began": ("Algas", "Began"),
    "settings.seen": ("Viimati tegutses", "Last active"),
    "settings.ends": ("Lõpeb", "Ends"),
    "settings.own": ("sina", "you"),
    "settings.end": ("Logi välja", "Sign out"),
    "settings.end_whose": ("Logi välja: {person}", "Sign out {person}"),
    "settings.end_all": ("Logi kõik välja", "Sign everybody out"),
    "settings.end_all_sure": (
        "Kas logida välja kõik, ka sina ise?",
        "Sign everybody out, yourself too?",
    ),
    "settings.session_ended": ("Välja logitud.", "Signed out."),
    "settings.sessions_ended": ("Kõik on välja logitud.", "Everybody is signed out."),
    "settings.no_session": ("See seanss oli juba läbi.", "That session was over already."),
    "settings.pools": ("Teenuse protsessid", "Pools"),
    "settings.pool.conversation": ("Vestlejad", "Conversation actors"),
    "settings.pool.publisher": ("Saatjad", "Publisher actors"),
    "settings.pool.webhook": ("Vastuvõtjad", "Webhook replicas"),
    "settings.wished": ("Käsuga soovitud: {size}", "Wished for by command: {size}"),
    "settings.as_set": ("Nagu seadetes", "As the settings say"),
    "settings.on_host": ("Masinas {host}", "On {host}"),
    "settings.cluster_id": ("Kobar", "Cluster"),
    "settings.cluster": (
        "järgib {follows}, peaks olema {wished}, töös {running}, valmis {ready}.",
        "follows {follows}, should be {wished}, running {running}, ready {ready}.",
    ),
    "settings.waiting": ("Masinat ootab {number}.", "Waiting for a node: {number}."),
    "settings.no_cluster": (
        "Ükski teenus ei ole end viimasel ajal näidanud.",
        "No service has shown itself lately.",
    ),
}
