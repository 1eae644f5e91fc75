"""Words of the pages of users' data and of erasures."""

from __future__ import annotations

from typing import Final

WORDS: Final[dict[str, tuple[str, str]]] = {
    "user_data.title": ("Kasutaja andmed", "A user's data"),
    "user_data.what": (
        "Mida selle vestluse kasutajast hoitakse: vaata arve, laadi alla, säilita või kustuta.",
        "What is held of this conversation's user: numbers, a download, keeping, erasing.",
    ),
    "user_data.conversation": ("Vestlus", "Conversation"),
    "user_data.id": ("Vestluse tunnus", "Conversation's id"),
    "user_data.account": ("Konto", "Account"),
    "user_data.wrote": ("Kasutaja kirjutas viimati", "The user last wrote"),
    "user_data.mark": ("Säilitusmärge", "Preserve mark"),
    "user_data.preserved": ("säilitatakse", "preserved"),
    "user_data.marked_by": ("Märkis {by}, {at}.", "Marked by {by}, {at}."),
    "user_data.marked_until": ("Kehtib kuni {at}.", "Holds until {at}."),
    "user_data.held": ("Mida hoitakse", "What is held"),
    "user_data.part": ("Osa", "Part"),
    "user_data.rows": ("Ridu", "Rows"),
    "user_data.part.conversation": (
        "Vestlus: seis, kokkuvõte, märkus",
        "Conversation: state, summary, note",
    ),
    "user_data.part.history": ("Sõnumid", "Messages"),
    "user_data.part.inbox_event": ("Sündmused, nagu Meta need saatis", "Events as Meta sent them"),
    "user_data.part.ledger": (
        "Saadetud ja saatmata vastused, mustandid",
        "Answers sent and unsent, drafts",
    ),
    "user_data.part.dead_letter": ("Surnud kirjad", "Dead letters"),
    "user_data.part.conversation_read": ("Lugemismärge", "Read mark"),
    "user_data.part.preservation": ("Säilitusmärge", "Preserve mark"),
    "user_data.export": ("Andmete väljavõte", "Export"),
    "user_data.export_why": (
        (
            "Kõik, mida sellest kasutajast hoitakse, ühe JSON-failina. Allalaadimine läheb "
            "tegevuste logisse. Veendu enne üleandmist, kes seda küsib."
        ),
        (
            "Everything that is held of this user, as one JSON file. The download goes into the "
            "audit. Make sure who asks before you hand it over."
        ),
    ),
    "user_data.download": ("Laadi alla", "Download"),
    "user_data.keep": ("Säilita", "Preserve"),
    "user_data.keep_why": (
        (
            "Vaidluse või uurimise ajaks: midagi sellest vestlusest ei aegu ja kustutada seda ei "
            "saa ilma eraldi kinnituseta."
        ),
        (
            "For a dispute or an inquiry: nothing of this conversation expires, and it is not "
            "erased without a confirmation of its own."
        ),
    ),
    "user_data.reason": ("Põhjus", "Reason"),
    "user_data.reason_why": (
        "Näiteks toimiku number. Ilma isikuandmeteta.",
        "A file's number, for instance. Without personal data.",
    ),
    "user_data.until": ("Viimane päev (UTC)", "Last day (UTC)"),
    "user_data.until_why": (
        "Tühjaks jättes kehtib märge, kuni keegi selle maha võtab.",
        "Left empty, the mark holds until somebody releases it.",
    ),
    "user_data.mark_now": ("Säilita vestlus", "Preserve the conversation"),
    "user_data.mark_again": ("Muuda märget", "Change the mark"),
    "user_data.release": ("Võta märge maha", "Release"),
    "user_data.release_why": (
        "Siis aegub vestlus nagu teised ja selle saab kustutada.",
        "Then the conversation expires as others do, and can be erased.",
    ),
    "user_data.release_sure": (
        "Kas võtta märge maha? Mis on vana, kustub tunni jooksul.",
        "Release it? What is old goes within the hour.",
    ),
    "user_data.erase": ("Kustuta", "Erase"),
    "user_data.erase_why": (
        (
            "Kõik, mida sellest kasutajast hoitakse, kustub kohe ja jäädavalt. Mis on saatmata, "
            "jääb saatmata. Alles jääb kinnituskood, milles ei ole midagi kasutaja kohta."
        ),
        (
            "Everything that is held of this user goes at once and for good. What is unsent stays "
            "unsent. A confirmation code is left, which says nothing of the user."
        ),
    ),
    "user_data.erase_preserved": (
        "Seda vestlust säilitatakse. Enne kustutamist veendu, et seda tohib teha.",
        "This conversation is preserved. Make sure that it may go before you erase it.",
    ),
    "user_data.even_preserved": (
        "Kustuta, kuigi vestlust säilitatakse",
        "Erase it although it is preserved",
    ),
    "user_data.typed": (
        "Kinnituseks kirjuta vestluse tunnuse neli viimast märki: {typed}",
        "To confirm, type the last four characters of the conversation's id: {typed}",
    ),
    "user_data.erase_now": ("Kustuta jäädavalt", "Erase for good"),
    "user_data.erase_sure": (
        "Kas kustutada kõik jäädavalt? Tagasi seda ei saa.",
        "Erase everything for good? It cannot be undone.",
    ),
    "user_data.erased": (
        "Kasutaja andmed on kustutatud.",
        "The user's data are erased.",
    ),
    "user_data.preserved_now": ("Vestlust säilitatakse.", "The conversation is preserved."),
    "user_data.released": ("Märge on maha võetud.", "The mark is released."),
    "user_data.refused.not_confirmed": (
        "Midagi ei kustutatud: kirjuta kinnituseks tunnuse neli viimast märki.",
        "Nothing was erased: type the last four characters of the id to confirm.",
    ),
    "user_data.refused.preserved": (
        "Midagi ei kustutatud: vestlust säilitatakse ja selle kustutamist tuleb eraldi kinnitada.",
        "Nothing was erased: the conversation is preserved, and erasing it needs its own yes.",
    ),
    "user_data.refused.code_taken": (
        "Midagi ei kustutatud: see kinnituskood on ühel teisel kustutamisel. Ava leht uuesti.",
        "Nothing was erased: this confirmation code is of another erasure. Open the page anew.",
    ),
    "user_data.refused.gone": (
        "Sellist vestlust ei ole. Võib-olla on see juba kustutatud.",
        "There is no such conversation. It may have been erased already.",
    ),
    "user_data.refused.no_key": (
        (
            "VESTLUS_ENCRYPTION_KEY puudub: ilma selleta ei saa andmeid välja anda ega kustutada. "
            "Pöördu selle poole, kes teenust haldab."
        ),
        (
            "VESTLUS_ENCRYPTION_KEY is not set: without it nothing is given out or erased. Turn to "
            "whoever runs the service."
        ),
    ),
    "user_data.refused.reason": (
        "Märget ei pandud: kirjuta põhjus, kuni 500 märki.",
        "Nothing was marked: give a reason, of at most 500 characters.",
    ),
    "user_data.refused.no_day": (
        "Märget ei pandud: viimane päev peab olema kuupäev, näiteks 2027-05-31.",
        "Nothing was marked: the last day must be a date, such as 2027-05-31.",
    ),
    "user_data.refused.over": (
        "Märget ei pandud: see päev on juba möödas.",
        "Nothing was marked: that day is over already.",
    ),
    "user_data.refused.no_such_conversation": (
        "Sellist vestlust ei ole.",
        "There is no such conversation.",
    ),
    "user_data.refused.not_open": (
        "See ei oota enam kedagi.",
        "This one waits for nobody any more.",
    ),
    "user_data.erasures_what": (
        "Millal ja kelle sõnal on kellegi andmeid kustutatud. Kelle omad need olid, ei ole kirjas.",
        "When and by whose word somebody's data were erased. Whose they were is not recorded.",
    ),
    "user_data.code": ("Kinnituskood", "Confirmation code"),
    "user_data.asked": ("Sooviti", "Asked for"),
    "user_data.way": ("Kuidas", "Way"),
    "user_data.way.cli": ("käsurealt", "command line"),
    "user_data.way.console": ("konsoolist", "console"),
    "user_data.way.api": ("API kaudu", "API"),
    "user_data.way.chat": ("kasutaja vestluses", "the user, in the chat"),
    "user_data.way.meta": ("Meta kaudu", "by Meta"),
    "user_data.by.user": ("kasutaja ise", "the user"),
    "user_data.by.meta": ("Meta", "Meta"),
    "user_data.by": ("Kelle sõnal", "By whom"),
    "user_data.state": ("Seis", "State"),
    "user_data.state.open": ("ootab inimest", "waits for a person"),
    "user_data.state.erased": ("kustutatud", "erased"),
    "user_data.state.done": ("lõpetatud", "done"),
    "user_data.close": ("Lõpeta", "Close"),
    "user_data.close_sure": (
        "Kas sellega on tegeldud? Soovija näeb oma koodi lehel, et inimene on otsustanud.",
        "Has it been seen to? Whoever asked sees by their code that a person has decided.",
    ),
    "user_data.closed": ("Lõpetatud.", "Closed."),
    "user_data.open_why": (
        (
            "„Ootab inimest“: säilitatava vestluse kasutaja, konto omanik või keegi tundmatu "
            "soovis kustutamist. Teates ja vestluse märkuses on sama kood."
        ),
        (
            "“Waits for a person”: the user of a preserved conversation, an account's owner, or "
            "somebody unknown asked to be erased. The notice, and the conversation's note, have "
            "the same code."
        ),
    ),
    "user_data.no_erasures": ("Selliseid kustutamisi ei ole.", "There are no such erasures."),
}
