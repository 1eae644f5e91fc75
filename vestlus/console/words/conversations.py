"""Words of the conversations' pages."""

from __future__ import annotations

from typing import Final

WORDS: Final[dict[str, tuple[str, str]]] = {
    "conversations.user": ("Kasutaja …{tail}", "User …{tail}"),
    "conversations.with": ("Vestlus: kasutaja …{tail}", "Conversation with user …{tail}"),
    "conversations.filters": ("Millised vestlused", "Which conversations"),
    "conversations.list.newest": ("Kõik", "All"),
    "conversations.list.unread": ("Lugemata", "Unread"),
    "conversations.list.waiting": ("Ootab inimest", "Waiting for a person"),
    "conversations.list.drafts": ("Mustandid", "Drafts"),
    "conversations.list.closing": ("Aeg saab läbi", "Time running out"),
    "conversations.list.paused": ("Bot vaikib", "Bot silent"),
    "conversations.list.failed": ("Ebaõnnestunud", "Failed"),
    "conversations.none.newest": ("Vestlusi veel ei ole.", "There are no conversations yet."),
    "conversations.none.unread": ("Kõik on loetud.", "Everything has been read."),
    "conversations.none.waiting": ("Keegi ei oota inimest.", "Nobody waits for a person."),
    "conversations.none.drafts": ("Ükski mustand ei oota.", "No draft waits."),
    "conversations.none.closing": (
        "Ühegi vastuse aeg ei ole läbi saamas.",
        "No answer is about to be too late.",
    ),
    "conversations.none.paused": (
        "Bot ei vaiki üheski vestluses.",
        "The bot is silent in no conversation.",
    ),
    "conversations.none.failed": (
        "Midagi ei ole ebaõnnestunud.",
        "Nothing has failed.",
    ),
    "conversations.search": ("Otsi", "Search"),
    "conversations.search_for": ("Sõnad või kasutaja number", "Words, or a user's number"),
    "conversations.search_why": (
        (
            "Leiab vestlused, kus kumbki pool on neid sõnu kirjutanud. Kasutajate nimesid "
            "Instagram ei ütle, ainult numbri."
        ),
        (
            "Finds conversations in which either side wrote these words. Instagram does not tell "
            "users' names, only a number."
        ),
    ),
    "conversations.account": ("Konto", "Account"),
    "conversations.any_account": ("Kõik kontod", "All accounts"),
    "conversations.found": ("Leitud: „{query}“", "Found: “{query}”"),
    "conversations.found_none": (
        "Siit ei leitud midagi.",
        "Nothing was found here.",
    ),
    "conversations.looked": ("Otsitud kuni {when}.", "Searched back to {when}."),
    "conversations.further": ("Otsi kaugemalt", "Search further back"),
    "conversations.older": ("Vanemad", "Older"),
    "conversations.from_start": ("Algusesse", "Back to the start"),
    "conversations.ours": ("Vastus:", "Answer:"),
    "conversations.said_nothing": ("Sõnumeid ei ole alles.", "No messages are kept."),
    "conversations.badge.unread": ("lugemata", "unread"),
    "conversations.badge.waiting": (
        "ootab inimest alates {since}",
        "waits for a person since {since}",
    ),
    "conversations.badge.drafts": ("mustandeid: {count}", "drafts: {count}"),
    "conversations.badge.failed": ("ebaõnnestunud: {count}", "failed: {count}"),
    "conversations.badge.person": ("vastab inimene", "a person answers"),
    "conversations.badge.handover": ("bot ootab inimest", "the bot waits for a person"),
    "conversations.badge.standby": ("vestlust juhib teine rakendus", "another app has the thread"),
    "conversations.badge.stopped": ("ei soovi vastuseid", "wants no answers"),
    "conversations.badge.usual": ("vastata saab veel {left}", "{left} left to answer"),
    "conversations.badge.human_agent": (
        "inimene saab vastata veel {left}",
        "{left} left for a person to answer",
    ),
    "conversations.badge.closed": ("vastata enam ei saa", "nobody can answer any more"),
    "conversations.badge.never": ("ei ole kirjutanud", "has not written"),
    "conversations.back": ("Kõik vestlused", "All conversations"),
    "conversations.now": ("Hetkeseis", "How it stands"),
    "conversations.details": ("Andmed", "Details"),
    "conversations.user_id": ("Kasutaja number Instagramis", "User's number at Instagram"),
    "conversations.id": ("Vestluse tunnus", "Conversation's id"),
    "conversations.language": ("Keel", "Language"),
    "conversations.last_wrote": ("Kirjutas viimati", "Last wrote"),
    "conversations.answer_until": ("Bot saab vastata kuni", "The bot can answer until"),
    "conversations.person_until": ("Inimene saab vastata kuni", "A person can answer until"),
    "conversations.note": ("Märkus inimesele", "Note for a person"),
    "conversations.summary": ("Varasem lühidalt", "Earlier, in short"),
    "conversations.silent.": ("Bot vastab ise.", "The bot answers by itself."),
    "conversations.silent.person": (
        "Bot vaikib kuni {until}: inimene vastab.",
        "The bot is silent until {until}: a person answers.",
    ),
    "conversations.silent.handover": (
        "Bot vaikib kuni {until}: oodatakse inimest.",
        "The bot is silent until {until}: a person is waited for.",
    ),
    "conversations.silent.standby": (
        "Bot vaikib kuni {until}: vestlust juhib teine rakendus.",
        "The bot is silent until {until}: another app has the thread.",
    ),
    "conversations.silent.stopped": (
        "Kasutaja palus mitte vastata. Bot vaikib, kuni kasutaja kirjutab „alusta“.",
        "The user asked for no answers. The bot is silent until the user writes “start”.",
    ),
    "conversations.holder": (
        "Vestluse on üle võtnud {name}.",
        "{name} has taken the conversation over.",
    ),
    "conversations.holder_you": (
        "Vestluse oled üle võtnud sina.",
        "You have taken the conversation over.",
    ),
    "conversations.holder_app": (
        "Keegi vastab Instagrami rakenduses.",
        "Somebody answers in the Instagram app.",
    ),
    "conversations.holder_unknown": (
        "Vestluse on üle võtnud inimene.",
        "A person has taken the conversation over.",
    ),
    "conversations.waits": ("Ootab inimest alates {since}.", "Waits for a person since {since}."),
    "conversations.take_over": ("Võta üle", "Take over"),
    "conversations.hand_back": ("Anna botile tagasi", "Hand back to the bot"),
    "conversations.mark_read": ("Märgi loetuks", "Mark as read"),
    "conversations.log": ("Sõnumid", "Messages"),
    "conversations.log_older": ("Vanemad sõnumid", "Older messages"),
    "conversations.log_newest": ("Uusimad sõnumid", "Newest messages"),
    "conversations.log_empty": ("Midagi ei ole alles.", "Nothing is kept."),
    "conversations.who.user": ("Kasutaja", "User"),
    "conversations.who.bot": ("Bot", "Bot"),
    "conversations.who.person": ("Inimene", "Person"),
    "conversations.who.app": ("Instagrami rakendusest", "From the Instagram app"),
    "conversations.agreed": ("kinnitas {name}", "approved by {name}"),
    "conversations.state.unanswered": ("vastamata", "unanswered"),
    "conversations.state.draft": ("mustand", "draft"),
    "conversations.state.queued": ("järjekorras", "queued"),
    "conversations.state.sending": ("saadetakse", "being sent"),
    "conversations.state.looking": (
        "saatmine katkes, kontrollitakse",
        "sending broke off, being checked",
    ),
    "conversations.state.sent": ("saadetud", "sent"),
    "conversations.state.read": ("loetud", "read"),
    "conversations.state.failed": ("ebaõnnestus", "failed"),
    "conversations.state.unknown": (
        "ei ole teada, kas läks kohale",
        "not known whether it arrived",
    ),
    "conversations.state.cancelled": ("jäi saatmata", "not sent"),
    "conversations.edited": ("muudetud", "edited"),
    "conversations.taken_back": (
        "Kasutaja võttis sõnumi tagasi.",
        "The user took this message back.",
    ),
    "conversations.erased": ("Sisu ei ole enam alles.", "Its content is not kept any more."),
    "conversations.unsupported": (
        "Sõnum, mida Instagram edasi ei anna.",
        "A message that Instagram does not pass on.",
    ),
    "conversations.reaction": ("Reaktsioon", "Reaction"),
    "conversations.replies.story": ("vastus loole", "reply to a story"),
    "conversations.replies.message": ("vastus sõnumile", "reply to a message"),
    "conversations.picture_sent": ("Pilt", "Picture"),
    "conversations.picture": ("Kasutaja saadetud pilt", "Picture that the user sent"),
    "conversations.bank_picture": ("Pilt pildipangast: {id}", "Picture of the image bank: {id}"),
    "conversations.came.video": ("Video", "A video"),
    "conversations.came.audio": ("Häälsõnum", "A voice message"),
    "conversations.came.file": ("Fail", "A file"),
    "conversations.came.share": ("Jagatud postitus", "A shared post"),
    "conversations.came.reel": ("Jagatud klipp", "A shared reel"),
    "conversations.came.story": ("Jagatud lugu", "A shared story"),
    "conversations.came.story_mention": (
        "Mainis kontot oma loos",
        "Mentioned the account in a story",
    ),
    "conversations.came.ephemeral": (
        "Pilt, mida saab vaadata üks kord",
        "A picture that can be seen once",
    ),
    "conversations.came.other": ("Manus", "An attachment"),
    "conversations.what.take_over": ("{name} võttis vestluse üle", "{name} took over"),
    "conversations.what.hand_back": ("{name} andis botile tagasi", "{name} handed back to the bot"),
    "conversations.what.approve": ("{name} kinnitas mustandi", "{name} approved a draft"),
    "conversations.what.reject": ("{name} lükkas mustandi tagasi", "{name} rejected a draft"),
    "conversations.what.replay": ("{name} saatis uuesti teele", "{name} sent it on its way again"),
    "conversations.what.handover": (
        "Vestluse juhtimine läks üle",
        "Control of the thread changed",
    ),
    "conversations.what.referral": ("Tuli siit: {text}", "Came from: {text}"),
    "conversations.somebody": ("Keegi", "Somebody"),
    "conversations.drafts": ("Mustand ootab kinnitust", "A draft waits for a yes"),
    "conversations.draft_until": ("Saata saab kuni {until}.", "Can be sent until {until}."),
    "conversations.draft_text": ("Mustandi tekst", "The draft's text"),
    "conversations.draft_pictures": ("Koos piltidega: {ids}", "With pictures: {ids}"),
    "conversations.approve": ("Kinnita ja saada", "Approve and send"),
    "conversations.reject": ("Lükka tagasi", "Reject"),
    "conversations.write": ("Kirjuta inimesena", "Write as a person"),
    "conversations.message": ("Sõnum", "Message"),
    "conversations.send": ("Saada", "Send"),
    "conversations.way.usual": (
        "Bot jääb pärast seda vait ja sinu sõnum läheb kohe teele. Ctrl+Enter saadab.",
        "The bot is silent then, and your message goes out at once. Ctrl+Enter sends.",
    ),
    "conversations.way.human_agent": (
        (
            "Kasutaja kirjutas üle 24 tunni tagasi: sõnum läheb inimese vastusena (HUMAN_AGENT), "
            "mida Instagram lubab kuni {until}."
        ),
        (
            "The user last wrote more than 24 hours ago: the message goes as a human agent's "
            "(HUMAN_AGENT), which Instagram allows until {until}."
        ),
    ),
    "conversations.way.closed": (
        (
            "Kasutaja kirjutas viimati üle 7 päeva tagasi. Instagram lubab talle kirjutada alles "
            "siis, kui ta on ise uuesti kirjutanud."
        ),
        (
            "The user last wrote more than 7 days ago. Instagram lets nobody write until the user "
            "writes again."
        ),
    ),
    "conversations.way.never": (
        (
            "Kasutaja ei ole kunagi kirjutanud. Instagram lubab kirjutada ainult neile, kes on ise "
            "alustanud."
        ),
        "The user has never written. Instagram lets accounts write only to those who began.",
    ),
    "conversations.way.viewer": (
        "Sinu rollis saab vestlusi vaadata, mitte neis kirjutada.",
        "Your role may look at conversations, and not write in them.",
    ),
    "conversations.bytes": ("{n} / 1000 baiti", "{n} of 1000 bytes"),
    "conversations.bytes_many": (
        "{n} baiti: läheb mitme sõnumina, kuni 1000 baiti igas",
        "{n} bytes: goes as several messages of up to 1000 bytes",
    ),
    "conversations.handed_in": (
        "Edasi antud. Tulemus ilmub siia hetke pärast.",
        "Handed in. The result shows here in a moment.",
    ),
    "conversations.read_done": ("Märgitud loetuks.", "Marked as read."),
    "conversations.refused.blank": ("Midagi ei ole saata: tekst on tühi.", "The text is empty."),
    "conversations.refused.too_long": (
        "Tekst on liiga pikk: sellest saaks üle 20 sõnumi.",
        "The text is too long: it would become more than 20 messages.",
    ),
    "conversations.refused.too_late": (
        "Ei saadetud: kasutaja kirjutas viimati üle 7 päeva tagasi.",
        "Not sent: the user last wrote more than 7 days ago.",
    ),
    "conversations.refused.never_wrote": (
        "Ei saadetud: kasutaja ei ole kunagi kirjutanud.",
        "Not sent: the user has never written.",
    ),
    "conversations.refused.no_draft": (
        "Seda mustandit enam ei ole: keegi otsustas enne sind või sai aeg läbi.",
        "That draft is gone: somebody decided before you, or its time ran out.",
    ),
    "conversations.refused.stopped": (
        "Kasutaja palus mitte vastata: see muutub alles siis, kui ta kirjutab „alusta“.",
        "The user asked for no answers: that changes only when the user writes “start”.",
    ),
    "conversations.refused.no_such": (
        "Sellist vestlust ei ole.",
        "There is no such conversation.",
    ),
}
