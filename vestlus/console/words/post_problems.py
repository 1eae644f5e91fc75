"""Why a post cannot be planned, or did not go out, and what to mend.

The keys end with the words by which desks, the scheduler and publishers call it. What has no words
here is told in the sentence that was recorded with it.
"""

from __future__ import annotations

from typing import Final

_LIMITS_ET: Final = "Instagram võtab vastu 2200 märki, 30 teemaviidet ja 20 mainimist"
_LIMITS_EN: Final = "Instagram takes 2200 characters, 30 hashtags and 20 mentions"
_LOOK_ET: Final = "vaata kontolt järele; kui postitust seal ei ole, koosta see uuesti"
_LOOK_EN: Final = "look at the account; if the post is not there, write it anew"

WORDS: Final[dict[str, tuple[str, str]]] = {
    # What a desk refuses.
    "posts.refused.account_needed": ("Vali konto.", "Choose an account."),
    "posts.refused.account_unknown": (
        "Kontot {account} ei ole seadistatud.",
        "The account {account} is not configured.",
    ),
    "posts.refused.picture_count": (
        "Valitud on {number} pilti, lubatud on 1 kuni {most}.",
        "{number} pictures are chosen; 1 to {most} are allowed.",
    ),
    "posts.refused.story_caption": ("Lool ei ole teksti.", "A story has no caption."),
    "posts.refused.caption_limits": (
        (
            "Tekstis on {characters} märki, {hashtags} teemaviidet ja {mentions} mainimist; "
            f"{_LIMITS_ET}."
        ),
        (
            "The caption has {characters} characters, {hashtags} hashtags and {mentions} mentions; "
            f"{_LIMITS_EN}."
        ),
    ),
    "posts.refused.within_hours": (
        "Hilineda võib rohkem kui 0 ja kuni {most} tundi.",
        "It may be late by more than 0 and at most {most} hours.",
    ),
    "posts.refused.past": (
        "See aeg on möödas: vali tulevane, või jäta tühjaks, et avaldada kohe.",
        "That time is over: choose one to come, or leave it empty for now.",
    ),
    "posts.refused.too_far": (
        "See aeg on kaugemal kui {days} päeva.",
        "That time is more than {days} days ahead.",
    ),
    "posts.refused.at": ("Seda aega ei saa lugeda.", "That time cannot be read."),
    "posts.refused.picture_missing": (
        "Pilti {picture} ei ole pangas.",
        "The picture {picture} is not in the bank.",
    ),
    "posts.refused.picture_not_for_posts": (
        "Pilti {picture} ei tohi see konto sel päeval postitada.",
        "This account may not post the picture {picture} on that day.",
    ),
    "posts.refused.lapsed": (
        "Mustand on aegunud, sest keegi ei kiitnud seda õigel ajal heaks: koosta see uuesti.",
        "The draft has lapsed, as nobody said yes in time: write it anew.",
    ),
    "posts.refused.yes_too_early": (
        (
            "Heakskiit kehtib {hours} tundi ja oleks postituse ajaks läbi või kohe läbi saamas: "
            "kiida heaks aja lähenedes, või avalda kohe."
        ),
        (
            "A yes is good for {hours} hours, and that would be over, or nearly, when the post is "
            "due: say yes nearer to its time, or publish it now."
        ),
    ),
    "posts.refused.not_waiting": (
        "See mustand ei oota enam otsust.",
        "This draft waits for no decision any more.",
    ),
    "posts.refused.is_post": (
        "Mustandist on juba saanud postitus.",
        "The draft has become a post by now.",
    ),
    "posts.refused.too_late": ("Selleks on liiga hilja.", "It is too late for that."),
    "posts.refused.by": ("Otsustaja nimi puudub.", "Whoever decides needs a name."),
    "posts.refused.gone": ("Sellist postitust ei ole.", "There is no such post."),
    # Why it did not go out.
    "posts.why.restored": (
        "Andmed taastati varukoopiast, ja pole teada, kas see vahepeal ilmus. Vaata Instagramist.",
        "The store was restored from a backup; whether this went out is not known. See Instagram.",
    ),
    "posts.why.image_ratio": (
        (
            "Instagram võtab pilte külgede suhtega 4:5 kuni 1,91:1: lisa pilt panka uuesti, "
            "ääriste "
            "või lõikega."
        ),
        (
            "Instagram takes proportions from 4:5 to 1.91:1: add the picture to the bank again, "
            "with "
            "borders or cut."
        ),
    ),
    "posts.why.image_size": (
        "Pildi fail on Instagrami jaoks liiga suur: lisa panka väiksem.",
        "The picture's file is too large for Instagram: add a smaller one to the bank.",
    ),
    "posts.why.image_format": (
        "Instagram võtab vastu ainult JPEG-pilte: lisa pilt panka uuesti.",
        "Instagram takes JPEG only: add the picture to the bank again.",
    ),
    "posts.why.caption_too_long": (
        f"Tekst on liiga pikk; {_LIMITS_ET}. Lühenda seda ja koosta postitus uuesti.",
        f"The caption is too long; {_LIMITS_EN}. Shorten it and write the post anew.",
    ),
    "posts.why.carousel_count": (
        "Karussellis on kaks kuni kümme pilti, igas muus postituses üks.",
        "A carousel takes two to ten pictures, any other post one.",
    ),
    "posts.why.media_unreachable": (
        (
            "Instagram ei saanud pilti kätte: VESTLUS_PUBLIC_URL peab olema aadress, millelt see "
            "teenus on väljast kättesaadav."
        ),
        (
            "Instagram could not fetch the picture: VESTLUS_PUBLIC_URL must be an address of this "
            "service that can be reached from outside."
        ),
    ),
    "posts.why.download_timeout": (
        "Instagram ootas pilti liiga kaua: meie server vastab väljastpoolt aeglaselt.",
        "Instagram waited too long for the picture: our server is slow to reach.",
    ),
    "posts.why.publishing_restricted": (
        (
            "Instagram piirab selle konto postitusi rämpsposti kahtluse tõttu: vaata Instagrami "
            "rakendusest. Proovime kord tunnis uuesti, kuni on liiga hilja."
        ),
        (
            "Instagram restricts this account's posts as suspected spam: look into the "
            "Instagram app. "
            "It is tried again once an hour until it is too late."
        ),
    ),
    "posts.why.account_inactive": (
        (
            "Instagrami sõnul on konto piiratud või kasutusest väljas: logi Instagrami rakendusse. "
            "Proovime kord tunnis uuesti, kuni on liiga hilja."
        ),
        (
            "Instagram says that the account is restricted or inactive: log in to the Instagram "
            "app. "
            "It is tried again once an hour until it is too late."
        ),
    ),
    "posts.why.publishing_limit": (
        "Päeva postitused või pildid on täis; jätkub ise, kui ruumi tekib.",
        "The day's posts or containers are used up; it goes on by itself when there is room.",
    ),
    "posts.why.throttled": (
        "Instagram aeglustab selle konto päringuid; jätkub ise.",
        "Instagram slows the account's calls down; it goes on by itself.",
    ),
    "posts.why.held_back": (
        (
            "Hoiti tagasi, sest õigus konto nimel avaldada oli lõppemas või postitusega oli hilja; "
            "jätkub ise."
        ),
        (
            "Held back, as the right to publish for the account was about to end, or it was too "
            "late for the post; it goes on by itself."
        ),
    ),
    "posts.why.picture_unavailable": (
        (
            "Mõnda pilti ei tohi postitada: seda ei ole pangas, see ei ole postituste jaoks, ei "
            "kehti "
            "sel päeval või ei ole selle konto oma; või on VESTLUS_PUBLIC_URL seadmata. Ava "
            "pilt ja "
            "vaata."
        ),
        (
            "A picture may not be posted: it is not in the bank, not for posts, not valid on "
            "this day "
            "or not for this account; or VESTLUS_PUBLIC_URL is not set. Open the picture to see."
        ),
    ),
    "posts.why.too_late": (
        (
            "Õigel ajal, või kuni heakskiit kehtis, ei saanud avaldada: koosta postitus uuesti, "
            "kui seda veel vaja on."
        ),
        (
            "It could not be published in time, or while the yes to it was good: write it anew if "
            "it is still wanted."
        ),
    ),
    "posts.why.container_failed": (
        "Instagram ei saanud sellest ka korduvalt postitust teha: proovi teisi pilte.",
        "Instagram made nothing of it, again and again: try other pictures.",
    ),
    "posts.why.container_not_made": (
        "Instagram ei võtnud pilti ka korduvalt vastu: proovi hiljem.",
        "Instagram took no picture of it, again and again: try it later.",
    ),
    "posts.why.ambiguous_twice": (
        f"Kahel korral ei saanud teada, kas see avaldati: {_LOOK_ET}.",
        f"Twice nobody can tell whether it was published: {_LOOK_EN}.",
    ),
    "posts.why.not_readable": (
        f"Instagramilt ei saanud küsida, kas see avaldati: {_LOOK_ET}.",
        f"Instagram could not be asked whether it was published: {_LOOK_EN}.",
    ),
    "posts.why.cannot_be_known": (
        f"Miski ei ütle, kas see avaldati: {_LOOK_ET}.",
        f"Nothing tells whether it was published: {_LOOK_EN}.",
    ),
    "posts.why.missed": (
        "Teenus sel ajal ei töötanud ja ajakava ütleb, et seda ei tehta tagantjärele.",
        "The service was not there at that time, and the schedule does not make up for it.",
    ),
    "posts.why.paused": ("Ajakava oli sel ajal peatatud.", "The schedule was paused then."),
    "posts.why.no_yes": (
        "Keegi ei kiitnud seda õigel ajal heaks.",
        "Nobody said yes to it in time.",
    ),
    "posts.why.old_yes": (
        "Heakskiit oli avaldamise ajaks vananenud.",
        "The yes was too old when it was due.",
    ),
    "posts.why.not_moderated": (
        "Teksti ei saanud kontrollida; proovime uuesti.",
        "The caption could not be moderated; it is tried again.",
    ),
    "posts.why.caption_flagged": (
        "Teksti kontroll leiab, et seda ei tohi postitada: muuda ajakava või reegli teksti.",
        "Moderation finds that the caption must not be posted: change the prompt or the template.",
    ),
}
