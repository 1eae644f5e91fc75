"""Words of the pages about the image bank."""

from __future__ import annotations

from typing import Final

WORDS: Final[dict[str, tuple[str, str]]] = {
    "images.title": ("Pildipank", "Image bank"),
    "images.add": ("Lisa pilte", "Add pictures"),
    "images.find": ("Otsi", "Find"),
    "images.tag": ("Märksõna", "Tag"),
    "images.use": ("Kasutus", "Use"),
    "images.use.any": ("kõik", "any"),
    "images.use.dms": ("vastustes", "in answers"),
    "images.use.posts": ("postitustes", "in posts"),
    "images.rights": ("Õigused", "Rights"),
    "images.rights.any": ("kõik", "any"),
    "images.rights.valid": ("kehtivad", "valid"),
    "images.rights.ending": ("lõpevad peagi", "ending soon"),
    "images.rights.ended": ("lõppenud", "ended"),
    "images.rights.to_come": ("algavad hiljem", "begin later"),
    "images.rights.unsaid": ("märkimata", "not said"),
    "images.any": ("kõik", "all"),
    "images.filter": ("Näita", "Show"),
    "images.count": ("{number} pilti", "{number} pictures"),
    "images.none": ("Selliseid pilte pangas ei ole.", "The bank has no such pictures."),
    "images.next": ("Järgmised", "Next ones"),
    "images.first": ("Algusesse", "To the first"),
    "images.badge.ending": ("lõpeb {when}", "ends {when}"),
    "images.badge.ended": ("lõppes {when}", "ended {when}"),
    "images.badge.to_come": ("algab {when}", "begins {when}"),
    "images.badge.dms": ("vastused", "answers"),
    "images.badge.posts": ("postitused", "posts"),
    "images.badge.ai": ("TI", "AI"),
    "images.back": ("Pildipank", "Image bank"),
    "images.facts": ("Fail", "File"),
    "images.size": ("Mõõdud", "Size"),
    "images.size_is": (
        "{width} x {height} pikslit, {kilobytes} kB",
        "{width} x {height} pixels, {kilobytes} kB",
    ),
    "images.added": ("Lisatud", "Added"),
    "images.source": ("Hoiab", "Kept by"),
    "images.source.folder": ("kausta catalogue.toml", "the folder's catalogue.toml"),
    "images.source.hand": ("konsool, käsk või API", "console, command or API"),
    "images.download": ("Ava täissuuruses", "Open in full size"),
    "images.post_it": ("Tee sellest postitus", "Make a post of it"),
    "images.from_folder": (
        "See pilt tuleb kaustast: muuda seda kausta failis catalogue.toml.",
        "This picture comes from the folder: change it in the folder's catalogue.toml.",
    ),
    "images.uses": ("Kus kasutatud", "Where it was used"),
    "images.uses.answers": (
        "{number} vastuses viimasest {looked} pildiga vastusest (alates {since}).",
        "In {number} of the last {looked} answers with pictures (since {since}).",
    ),
    "images.uses.no_answers": (
        "Ühtegi pildiga vastust ei ole veel saadetud.",
        "No answer with a picture was sent yet.",
    ),
    "images.uses.last": ("Viimati {when}.", "Last {when}."),
    "images.uses.posts": ("Postitused", "Posts"),
    "images.uses.no_posts": ("Postitustes ei ole kasutatud.", "It was in no post."),
    "images.uses.named": ("Seda nimetavad", "Named by"),
    "images.uses.schedule": ("ajakava {name}", "schedule {name}"),
    "images.uses.rule": ("sündmuse reegel {name}", "event rule {name}"),
    "images.data": ("Kataloogi andmed", "Catalogue data"),
    "images.id": ("Nimi pangas", "Name in the bank"),
    "images.id_why": (
        "Väiketähed, numbrid ja sidekriipsud. Jäta tühjaks, siis tuleb see faili nimest.",
        "Small letters, digits and hyphens. Leave it empty to take it from the file's name.",
    ),
    "images.shows": ("Mida näitab", "What it shows"),
    "images.shows_why": (
        "Lause või kaks: selle järgi valitakse pilt vastusesse või postitusse.",
        "A sentence or two: by this a picture is chosen for an answer or a post.",
    ),
    "images.alt": ("Kirjeldus neile, kes ei näe", "For those who cannot see it"),
    "images.tags": ("Märksõnad, komadega", "Tags, with commas"),
    "images.language": ("Pildil olevate sõnade keel", "Language of words in the picture"),
    "images.language_why": ("Näiteks et või en; tühi, kui sõnu ei ole.", "Such as et; or empty."),
    "images.credit": ("Autor ja õigused", "Credit and rights"),
    "images.ai": ("Loodud TI abil", "Made with AI"),
    "images.in_dms": ("Võib kasutada vastustes", "May be used in answers"),
    "images.in_posts": ("Võib kasutada postitustes", "May be used in posts"),
    "images.valid_from": ("Kasutada alates", "First day of use"),
    "images.valid_until": ("Kasutada kuni", "Last day of use"),
    "images.accounts": (
        "Ainult need kontod, komadega; tühi tähendab kõiki",
        "Only these accounts, with commas; empty for all",
    ),
    "images.post": ("Kui küljed postituseks ei sobi", "If it does not fit a post"),
    "images.post.none": ("ära luba", "refuse it"),
    "images.post.pad": ("lisa ääred", "add borders"),
    "images.post.crop": ("lõika servad", "cut the edges"),
    "images.save": ("Salvesta", "Save"),
    "images.retire": ("Lõpeta kasutus", "End its use"),
    "images.retire_why": (
        "Pilt jääb panka, aga uutesse vastustesse ja postitustesse seda enam ei panda.",
        "It stays in the bank, and goes into no new answers and posts.",
    ),
    "images.retire_sure": (
        "Kas lõpetada selle pildi kasutus?",
        "End the use of this picture?",
    ),
    "images.remove": ("Kustuta", "Delete"),
    "images.remove_why": (
        "Fail ja andmed kaovad, lingid lõpevad kohe. Tagasi ei saa.",
        "The file and its data go, links end at once. This cannot be taken back.",
    ),
    "images.remove_named": (
        "Ajakavad ja reeglid, mis seda nimetavad, jäävad ilma.",
        "Schedules and rules that name it will lack it.",
    ),
    "images.remove_sure": ("Kas kustutada pilt pangast?", "Delete the picture from the bank?"),
    "images.done.added": ("Pilt on pangas.", "The picture is in the bank."),
    "images.done.added_many": ("Pildid on pangas.", "The pictures are in the bank."),
    "images.done.saved": ("Salvestatud.", "Saved."),
    "images.done.retired": ("Kasutus on lõpetatud.", "Its use has ended."),
    "images.done.removed": ("Kustutatud.", "Deleted."),
    "images.drop": ("Lohista pildid siia või vali failid", "Drop pictures here, or choose files"),
    "images.files_why": (
        "PNG, JPEG, WebP või GIF, kuni 32 MB, lühem külg vähemalt 64 pikslit.",
        "PNG, JPEG, WebP or GIF, at most 32 MB, the shorter side at least 64 pixels.",
    ),
    "images.same": ("Kõigile ühine", "The same for all"),
    "images.send": ("Lisa panka", "Add to the bank"),
    "images.take_out": ("Võta välja", "Take out"),
    "images.sending": ("Saadan…", "Sending…"),
    "images.checking": ("Kontrollin…", "Checking…"),
    "images.sent": ("Pangas", "In the bank"),
    "images.failed": ("Ei saanud lisada", "Could not be added"),
    "images.lost": ("Ühendus katkes: proovi uuesti.", "The connection broke: try again."),
    "images.refused": ("Seda ei saa panka panna", "This cannot go into the bank"),
    "images.refused_act": ("Seda ei saa praegu teha", "This cannot be done now"),
    "images.refused.no_file": ("Vali fail.", "Choose a file."),
    "images.refused.empty": ("Fail on tühi.", "The file is empty."),
    "images.refused.busy": (
        "Praegu saadetakse korraga liiga palju faile. Proovi hetke pärast uuesti.",
        "Too many files are being sent at once. Try again in a moment.",
    ),
    "images.refused.too_many_bytes": (
        "Fail on suurem kui 32 MB.",
        "The file is larger than 32 MB.",
    ),
    "images.refused.too_many_pixels": (
        "Pildil on üle 64 miljoni piksli.",
        "The picture has more than 64 million pixels.",
    ),
    "images.refused.no_picture": (
        "See ei ole loetav pilt: PNG, JPEG, WebP või GIF, mis tahes nimega.",
        "It is no picture that can be read: PNG, JPEG, WebP or GIF, whatever its name.",
    ),
    "images.refused.colour_profile": (
        "Värviprofiili ei saa lugeda: salvesta pilt uuesti sRGB-na.",
        "Its colour profile cannot be read: save it again as sRGB.",
    ),
    "images.refused.damaged": (
        "Fail on katki või pooleli.",
        "The file is damaged or truncated.",
    ),
    "images.refused.too_small": (
        "Pilt on liiga väike: kumbki külg peab olema vähemalt 64 pikslit.",
        "The picture is too small: either side needs 64 pixels.",
    ),
    "images.refused.strip": (
        "Pilt on riba: üks külg on teisest üle 10 korra pikem.",
        "The picture is a strip: more than 10 times as long as wide.",
    ),
    "images.refused.too_detailed": (
        "Pilt on igal kujul suurem kui 8 MB.",
        "The picture is larger than 8 MB in any form.",
    ),
    "images.refused.proportions": (
        (
            "Sellise külgede suhtega pilte Instagram ei postita (4:5 kuni 1,91:1): vali ääred või "
            "lõikamine, või ära luba seda postitustesse."
        ),
        (
            "Instagram does not post these proportions (4:5 to 1.91:1): choose borders or "
            "cutting, or "
            "do not allow it in posts."
        ),
    ),
    "images.refused.too_narrow": (
        (
            "Postituseks on pilt liiga kitsas (vaja 320 pikslit): võta suurem, või ära luba seda "
            "postitustesse."
        ),
        "It is too narrow for a post (320 pixels): take a larger one, or do not allow it in posts.",
    ),
    "images.refused.id": (
        "Nimi: 1 kuni 64 väiketähte, numbrit ja sidekriipsu.",
        "Name: 1 to 64 small letters, digits and hyphens.",
    ),
    "images.refused.taken": (
        "Sellise nimega pilt on juba pangas.",
        "There is a picture of this name in the bank.",
    ),
    "images.refused.folder": (
        "See pilt tuleb kaustast: muuda seda seal.",
        "This picture comes from the folder: change it there.",
    ),
    "images.refused.gone": ("Seda pilti pangas ei ole.", "This picture is not in the bank."),
    "images.refused.changed": (
        "Keegi teine muutis seda vahepeal: vaata uued andmed üle.",
        "Somebody else has changed it meanwhile: look at the new data.",
    ),
    "images.refused.file_missing": ("Pildi fail puudub.", "The picture's file is missing."),
    "images.refused.field.shows": (
        "Ütle lause või kahega, mida pilt näitab (kuni 500 märki).",
        "Say in a sentence or two what it shows (at most 500 characters).",
    ),
    "images.refused.field.alt": (
        "Kirjeldus on pikem kui 1000 märki.",
        "The description is longer than 1000 characters.",
    ),
    "images.refused.field.tags": ("Märksõnu ei saa lugeda.", "The tags cannot be read."),
    "images.refused.field.language": (
        "Keel peab olema kujul et või en.",
        "The language must be such as et or en.",
    ),
    "images.refused.field.valid_from": (
        "Esimene päev ei ole kuupäev.",
        "The first day is no date.",
    ),
    "images.refused.field.valid_until": (
        "Viimane päev ei ole kuupäev, või on enne esimest.",
        "The last day is no date, or is before the first.",
    ),
    "images.refused.field.accounts": (
        "Konto tunnus koosneb numbritest.",
        "An account's id is made of digits.",
    ),
    "images.refused.field.in_dms": (
        "Luba pilt vähemalt vastustesse või postitustesse.",
        "Allow it in answers or in posts, at least.",
    ),
    "images.refused.unusable": ("Seda ei saa kasutada.", "This cannot be used."),
}
