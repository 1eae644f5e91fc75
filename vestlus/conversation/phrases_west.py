"""The service's own words in Estonian, English, Finnish, German and Swedish."""

from __future__ import annotations

from typing import Final

#: Language to phrase to text; the phrases are those of ``phrases.Phrase``.
TEXTS: Final[dict[str, dict[str, str]]] = {
    "et": {
        "disclosure": "Tere! Siin vastab automaatne tehisaru-abiline ({name}), mitte inimene.",
        "disclosure_nameless": "Tere! Siin vastab automaatne tehisaru-abiline, mitte inimene.",
        "disclosure_privacy": "Kuidas teie andmeid kasutame: {url}",
        "handover": "Annan teie sõnumi edasi inimesele. Ta vastab teile siinsamas.",
        "handover_hours": (
            "Annan teie sõnumi edasi inimesele. Praegu meid kohal ei ole; "
            "oleme tagasi {when} ja vastame teile siinsamas."
        ),
        "apology": (
            "Vabandust, praegu ei õnnestu mul teile vastata. "
            "Annan teie sõnumi edasi inimesele, kes vastab teile siinsamas."
        ),
        # 116 111 answers day and night, children and adults: Sotsiaalkindlustusamet, Lasteabi.
        "emergency": (
            "Mul on väga kahju, et teil on nii raske. Kui teie või kellegi elu on ohus, helistage "
            "kohe 112. Lapsi ja noori aitab ööpäev läbi ka 116 111. Annan teie sõnumi edasi "
            "inimesele."
        ),
        "unsafe": "Vabandust, sellele ma vastata ei saa. Kui vajate abi, küsige palun inimest.",
        "limited": (
            "Olete lühikese ajaga palju kirjutanud. Vastan teile mõne aja pärast jälle. Kui "
            "asi on kiire, küsige palun inimest."
        ),
        "stopped": "Selge, automaatselt ma teile enam ei vasta. Jätkamiseks kirjutage „start“.",
        "started": "Vastan teile jälle automaatselt. Kuidas saan aidata?",
        "delete_ask": (
            "Kas kustutan jäädavalt kõik, mis on selles vestluses kirjutatud? Siis ei saa "
            "enam ka inimene sellele vastata. Kui soovite seda, vastake „jah“."
        ),
        "deleted": "Selle vestluse andmed on meie süsteemist kustutatud.",
        "delete_later": (
            "Teie kustutamissoov on kirjas. Mina neid andmeid ise kustutada ei saa: "
            "sellega tegeleb inimene ja ta vastab teile siinsamas."
        ),
        "caption_line": "Teksti kirjutas tehisaru.",
    },
    "en": {
        "disclosure": "Hello! This is an automated AI assistant ({name}), not a person.",
        "disclosure_nameless": "Hello! This is an automated AI assistant, not a person.",
        "disclosure_privacy": "How we use your data: {url}",
        "handover": "I am passing your message on to a person, who will answer you here.",
        "handover_hours": (
            "I am passing your message on to a person. Nobody is here right now; "
            "we will be back {when} and answer you here."
        ),
        "apology": (
            "Sorry, I cannot answer you right now. "
            "I am passing your message on to a person, who will answer you here."
        ),
        "emergency": (
            "I am very sorry that you are going through this. If your life or somebody else's is "
            "in danger, please call 112 (or your local emergency number) now. I am passing your "
            "message on to a person."
        ),
        "unsafe": "Sorry, I cannot answer that. If you need help, please ask for a person.",
        "limited": (
            "You have written a lot in a short time. I will answer you again a little later. "
            "If it is urgent, please ask for a person."
        ),
        "stopped": 'All right, no more automated answers. Write "start" to resume.',
        "started": "I will answer you automatically again. How can I help?",
        "delete_ask": (
            "Shall I erase for good everything that was written in this conversation? Then "
            "nobody can answer it any more, no person either. If that is what you want, "
            "answer “yes”."
        ),
        "deleted": "The data of this conversation has been deleted from our system.",
        "delete_later": (
            "Your wish to have your data deleted is recorded. I cannot delete it myself: "
            "a person will see to it and answer you here."
        ),
        "caption_line": "This text was written by AI.",
    },
    "fi": {
        "disclosure": "Hei! Täällä vastaa tekoälyavustaja ({name}), ei ihminen.",
        "disclosure_nameless": "Hei! Täällä vastaa tekoälyavustaja, ei ihminen.",
        "disclosure_privacy": "Näin käytämme tietojasi: {url}",
        "handover": "Välitän viestisi ihmiselle. Hän vastaa sinulle tässä keskustelussa.",
        "handover_hours": (
            "Välitän viestisi ihmiselle. Juuri nyt emme ole paikalla; "
            "palaamme {when} ja vastaamme sinulle tässä keskustelussa."
        ),
        "apology": (
            "Pahoittelut, en pysty juuri nyt vastaamaan. "
            "Välitän viestisi ihmiselle, joka vastaa sinulle tässä keskustelussa."
        ),
        "emergency": (
            "Olen pahoillani, että sinulla on näin vaikeaa. Jos sinun tai jonkun muun henki on "
            "vaarassa, soita heti numeroon 112. Välitän viestisi ihmiselle."
        ),
        "unsafe": "Valitettavasti en voi vastata tähän. Jos tarvitset apua, pyydä ihmistä.",
        "limited": (
            "Olet kirjoittanut paljon lyhyessä ajassa. Vastaan taas hetken kuluttua. Jos "
            "asia on kiireellinen, pyydä ihmistä."
        ),
        "stopped": "Selvä, en enää vastaa sinulle automaattisesti. Jatka kirjoittamalla ”start”.",
        "started": "Vastaan sinulle taas automaattisesti. Miten voin auttaa?",
        "delete_ask": (
            "Poistanko pysyvästi kaiken, mitä tässä keskustelussa on kirjoitettu? Sen jälkeen "
            "siihen ei voi vastata kukaan, ei myöskään ihminen. Jos haluatte sitä, vastatkaa "
            "”kyllä”."
        ),
        "deleted": "Tämän keskustelun tiedot on poistettu järjestelmästämme.",
        "delete_later": (
            "Poistopyyntösi on kirjattu. En voi poistaa tietojasi itse: "
            "ihminen käsittelee pyynnön ja vastaa sinulle tässä keskustelussa."
        ),
        "caption_line": "Tämän tekstin on kirjoittanut tekoäly.",
    },
    "de": {
        "disclosure": "Hallo! Hier antwortet ein automatischer KI-Assistent ({name}), kein Mensch.",
        "disclosure_nameless": "Hallo! Hier antwortet ein automatischer KI-Assistent, kein Mensch.",
        "disclosure_privacy": "So verwenden wir Ihre Daten: {url}",
        "handover": "Ich gebe Ihre Nachricht an einen Menschen weiter, der Ihnen hier antwortet.",
        "handover_hours": (
            "Ich gebe Ihre Nachricht an einen Menschen weiter. Im Moment ist niemand da; "
            "wir sind {when} zurück und antworten Ihnen hier."
        ),
        "apology": (
            "Entschuldigung, ich kann Ihnen gerade nicht antworten. "
            "Ich gebe Ihre Nachricht an einen Menschen weiter, der Ihnen hier antwortet."
        ),
        "emergency": (
            "Es tut mir sehr leid, dass es Ihnen so schlecht geht. Wenn Ihr Leben oder das eines "
            "anderen in Gefahr ist, rufen Sie bitte sofort 112 an. Ich gebe Ihre Nachricht an "
            "einen Menschen weiter."
        ),
        "unsafe": (
            "Das kann ich leider nicht beantworten. "
            "Wenn Sie Hilfe brauchen, fragen Sie bitte nach einem Menschen."
        ),
        "limited": (
            "Sie haben in kurzer Zeit sehr viel geschrieben. Etwas später antworte ich "
            "wieder. Wenn es eilig ist, bitten Sie um einen Menschen."
        ),
        "stopped": (
            "In Ordnung, ich antworte Ihnen nicht mehr automatisch. "
            "Schreiben Sie „Start“, um fortzufahren."
        ),
        "started": "Ich antworte Ihnen wieder automatisch. Wie kann ich helfen?",
        "delete_ask": (
            "Soll ich alles, was in diesem Gespräch geschrieben wurde, für immer löschen? "
            "Dann kann es niemand mehr beantworten, auch kein Mensch. Wenn Sie das möchten, "
            "antworten Sie „ja“."
        ),
        "deleted": "Die Daten dieses Gesprächs wurden aus unserem System gelöscht.",
        "delete_later": (
            "Ihr Wunsch nach Löschung ist vermerkt. Ich selbst kann die Daten nicht löschen: "
            "Ein Mensch kümmert sich darum und antwortet Ihnen hier."
        ),
        "caption_line": "Dieser Text wurde von einer KI verfasst.",
    },
    "sv": {
        "disclosure": "Hej! Här svarar en automatisk AI-assistent ({name}), inte en människa.",
        "disclosure_nameless": "Hej! Här svarar en automatisk AI-assistent, inte en människa.",
        "disclosure_privacy": "Så använder vi dina uppgifter: {url}",
        "handover": "Jag skickar ditt meddelande vidare till en människa, som svarar dig här.",
        "handover_hours": (
            "Jag skickar ditt meddelande vidare till en människa. Just nu är ingen här; "
            "vi är tillbaka {when} och svarar dig här."
        ),
        "apology": (
            "Tyvärr kan jag inte svara just nu. "
            "Jag skickar ditt meddelande vidare till en människa, som svarar dig här."
        ),
        "emergency": (
            "Jag är ledsen att du har det så svårt. Om ditt eller någon annans liv är i fara, "
            "ring 112 genast. Jag skickar ditt meddelande vidare till en människa."
        ),
        "unsafe": "Det kan jag tyvärr inte svara på. Be om en människa om du behöver hjälp.",
        "limited": (
            "Du har skrivit mycket på kort tid. Jag svarar igen lite senare. Be om en "
            "människa om det är brådskande."
        ),
        "stopped": "Okej, jag svarar dig inte automatiskt längre. Skriv ”start” för att fortsätta.",
        "started": "Nu svarar jag dig automatiskt igen. Hur kan jag hjälpa dig?",
        "delete_ask": (
            "Ska jag radera allt som har skrivits i den här konversationen för gott? Då kan "
            "ingen svara på det längre, inte heller en människa. Om du vill det, svara ”ja”."
        ),
        "deleted": "Uppgifterna i den här konversationen har raderats ur vårt system.",
        "delete_later": (
            "Din begäran om radering är noterad. Jag kan inte radera uppgifterna själv: "
            "en människa tar hand om det och svarar dig här."
        ),
        "caption_line": "Den här texten är skriven av AI.",
    },
}
