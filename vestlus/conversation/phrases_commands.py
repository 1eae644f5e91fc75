r"""How users ask for something that needs no model, by language: patterns of words.

In the order Estonian, English, Russian, Ukrainian, Finnish, Latvian, Lithuanian, German, Swedish,
Polish; one or more patterns a line; a line that is indented by four spaces goes on with the line
before it. Written in each language's own spelling; ``words`` takes accents and case away from
both sides.
"""

# ruff: noqa: RUF001  (Cyrillic letters that look like Latin ones)

from __future__ import annotations

from typing import Final

#: Words around a command that change nothing about it.
POLITE: Final = r"""
palun|aitäh|tänan|tere|hei|tsau|nüüd|kohe
please|pls|plz|thanks|thank you|hello|hi|hey|now|ok|okay
пожалуйста|спасибо|здравствуйте|привет|добрый день|сейчас
будь ласка|прошу|дякую|вітаю|добрий день|зараз
kiitos|ole hyvä|moi|nyt
lūdzu|paldies|labdien|sveiki|tagad
prašau|prašom|ačiū|laba diena|labas|dabar
bitte|danke|hallo|jetzt
snälla|tack|hej|nu
proszę|dziękuję|dzień dobry|cześć|teraz
"""

#: The whole message: no more automated answers.
STOP: Final = r"""
sto+pp?|(?:lõpeta|lõpetage|peatu|peatuge)(?: ära)?
(?:lõpeta|lõpetage) (?:see |mulle )?(?:vastamine|kirjutamine|sõnumite saatmine|sõnumid)
(?:ära|ärge) (?:mulle |enam ){0,2}(?:vasta|vastake|kirjuta|kirjutage|saada|saatke)(?: enam
    | sõnumeid| mulle){0,3}
jäta mind rahule|jätke mind rahule
(?:stop|quit) (?:it|bot|messages|messaging|messaging me|writing|writing to me|texting me
    |answering|answering me|replying|replying to me|sending messages|sending me messages)
unsubscribe|opt ?out|leave me alone
(?:dont|do not) (?:message|text|write|write to|reply to|answer) me(?: anymore| any more)?
no more (?:messages|answers)|stop all
стоп|остановись|остановитесь|прекрати|прекратите|отписаться|отпишите меня
(?:прекрати|прекратите|перестань|перестаньте) (?:мне )?(?:писать|отвечать)(?: мне)?
не (?:пиши|пишите|отвечай|отвечайте)(?: мне)?(?: больше)?
больше не (?:пиши|пишите|отвечай|отвечайте)(?: мне)?|оставь меня в покое|оставьте меня в покое
зупинись|зупиніться|припини|припиніть|відписатися
(?:припини|припиніть|перестань|перестаньте) (?:мені )?(?:писати|відповідати)(?: мені)?
(?:більше )?не (?:пиши|пишіть|відповідай|відповідайте)(?: мені)?(?: більше)?
seis|lopeta|lopettakaa|lopeta (?:viestit|vastaaminen|viestien lähettäminen)
älä (?:enää )?(?:vastaa|kirjoita)(?: minulle)?(?: enää)?|jätä minut rauhaan
beidz|beidziet|pārtrauc|pārtrauciet|apstājies|apstājieties
(?:vairs )?neraksti(?:et)?(?: man)?(?: vairs)?|(?:vairs )?neatbildi(?:et)?(?: man)?(?: vairs)?
atrakstīties|liec mani mierā
baik|baikite|sustok|sustokite|nutrauk|nutraukite
(?:daugiau )?ne(?:be)?rašyk(?:ite)?(?: man)?(?: daugiau)?
(?:daugiau )?ne(?:be)?atsakinėk(?:ite)?(?: man)?|palik mane ramybėje
stopp|anhalten|aufhören|hör auf|hören sie auf|hör auf (?:mir )?zu (?:schreiben|antworten)
(?:schreib|schreiben sie|antworte|antworten sie) mir (?:nicht mehr|nie wieder)|abmelden
lass mich in ruhe|lassen sie mich in ruhe|keine nachrichten mehr
sluta|avsluta|sluta (?:skriva|svara|skicka meddelanden)(?: till mig| mig)?|avregistrera
(?:skriv|svara) inte(?: till)?(?: mig)?(?: mer| längre)?|lämna mig ifred
przestań|przestańcie|zatrzymaj|zatrzymaj się
(?:przestań|przestańcie) (?:do mnie )?(?:pisać|odpowiadać)(?: do mnie)?
nie pisz(?:cie)?(?: do mnie)?(?: więcej| już)?|nie odpowiadaj(?:cie)?(?: mi)?(?: więcej| już)?
wypisz mnie|daj mi spokój
"""

#: The whole message: automated answers again.
START: Final = r"""
start|alusta|alusta uuesti|hakka uuesti vastama|vasta (?:mulle )?(?:jälle|uuesti)
restart|resume|unstop|start again|start answering(?: me)?(?: again)?|opt ?in|subscribe
(?:answer|reply to|write to) me again
старт|начать|начни снова|начните снова|возобновить|отвечай(?:те)? (?:мне )?(?:снова|опять)
почати|почни знову|почніть знову|відновити|відповідай(?:те)? (?:мені )?знову
aloita|aloita uudelleen|vastaa (?:minulle )?(?:taas|uudelleen)
sākt|sāc|sāciet|sāc no jauna|atsākt|atbildi(?:et)? (?:man )?atkal
pradėti|pradėk|pradėkite|pradėk iš naujo|atsakyk(?:ite)? (?:man )?vėl
starten|neu starten|wieder starten|antworte(?:n sie)? (?:mir )?wieder
starta|börja igen|starta igen|svara (?:mig )?igen
zacznij|zacznij od nowa|wznów|rozpocznij|odpowiadaj(?:cie)? (?:mi )?(?:znowu|znów)
"""

#: The whole message: the user's data is to be erased.
DELETE: Final = r"""
(?:kustuta|kustutage|eemalda|eemaldage)(?: ära)?(?: kõik)? (?:mu|minu) (?:isiku)?(?:andmed
    |sõnumid|vestlus)(?: ära)?
unusta(?:ge)? mind(?: ära)?
soovin (?:kõigi )?oma (?:isiku)?andmete kustutamist|soovin oma (?:isiku)?andmed kustutada
(?:i want (?:you )?to |can you |could you )?(?:delete|erase|remove
    |forget) (?:all )?(?:of )?my (?:personal )?(?:data|information|messages|conversation)
(?:delete|forget|erase) me
(?:удали|удалите|удалить|сотри|сотрите|стереть) (?:все )?(?:мои )?(?:все )?(?:(?:персональные
    |личные) )?(?:мои )?(?:данные|сообщения)
забудь(?:те)? меня
(?:видали|видаліть|видалити|зітри|зітріть) (?:всі |усі )?мої (?:всі |усі )?(?:(?:персональні
    |особисті) )?(?:дані|повідомлення)
забудь(?:те)? мене
(?:poista|poistakaa)(?: kaikki)? (?:minun )?(?:henkilö)?(?:tietoni|viestini)|unohda minut
(?:izdzēs|izdzēsiet|dzēst|izdzēst|dzēsiet)(?: visus)? manus (?:personas )?datus
aizmirsti(?:et)? mani
(?:ištrink|ištrinkite|ištrinti|pašalink|pašalinkite)(?: visus)? mano (?:asmens )?duomenis
pamiršk(?:ite)? mane
(?:lösche|lösch|löschen sie)(?: alle)? meine (?:persönlichen )?(?:daten|nachrichten)
(?:alle )?meine (?:persönlichen )?daten löschen|vergiss mich|vergessen sie mich
(?:radera|ta bort)(?: alla)? mina (?:person)?(?:uppgifter|data|meddelanden)|glöm mig
radera min data
(?:usuń|usuńcie|usunąć|skasuj|skasujcie)(?: wszystkie)? moje (?:wszystkie )?dane(?: osobowe)?
zapomnij(?:cie)? o? ?mnie
"""

#: The whole message: a person.
PERSON_ALONE: Final = r"""
inimene|inimest|inimesega|päris inimene|operaator|operaatorit|klienditeenindaja|klienditeenindajat
teenindaja|teenindajat
(?:a )?(?:real )?(?:human|person)|human being|(?:live )?agent|operator|representative
customer service|support agent
человек|человека|живой человек|оператор|оператора|сотрудник|менеджер
людина|людину|жива людина|працівник|працівника
ihminen|asiakaspalvelija|asiakaspalvelu|cilvēks|cilvēku|operators|operatoru
žmogus|žmogaus|operatorius|operatoriaus|darbuotojas
mensch|(?:ein )?echter mensch|mitarbeiter|kundenservice|människa|en människa|kundtjänst
handläggare|człowiek|człowieka|konsultant|konsultanta
"""

#: Anywhere in a message: a person. Questions whether one talks to a person are not among them.
PERSON: Final = r"""
(?:rääkida|räägiks|räägiksin|suhelda|vestelda|ühendada|ühendage|ühenda|suuna|suunake|suunata
    |kontakti|ühendust)(?: \w+){0,3} (?:inimesega|inimesele|inimese poole|töötajaga|töötajale
    |operaatoriga|operaatorile|klienditeenindajaga|klienditeenindajale|teenindajaga|teenindajale
    |spetsialistiga|spetsialistile)
(?:inimesega|töötajaga|operaatoriga|klienditeenindajaga|teenindajaga|spetsialistiga)(?: \w+)
    {0,2} (?:rääkida|suhelda|vestelda|ühendust|kontakti)
(?:räägi|rääkige) (?:\w+ )?inimesega
(?:kutsu|kutsuge|anna|andke) (?:mulle )?(?:päris )?(?:inimene|operaator|klienditeenindaja|töötaja
    |teenindaja)
(?:tahan|soovin|sooviksin|palun|vajan) (?:päris |elus )?(?:inimest|operaatorit|klienditeenindajat
    |inimese vastust)
(?:talk|speak|chat|connect me|transfer me|put me through|get through)(?: \w+){0,2} (?:to|with)
    (?: \w+){0,2} (?:human|person|someone real|agent|operator|representative|employee
    |member of staff|staff member|human being|real person|somebody real)
(?:want|need|get me|give me|prefer) (?:a |an )?(?:real |live |actual )?(?:human|person
    |human agent|live agent|operator|human being)
(?:поговорить|говорить|связаться|пообщаться|соедини|соедините|соединить|переключи|переключите
    |свяжите|свяжи)(?: \w+){0,3} (?:человеком|человека|оператором|оператора|сотрудником
    |сотрудника|менеджером|специалистом|консультантом|администратором)
(?:позови|позовите|нужен|хочу|дайте|дай) (?:\w+ )?(?:человек|человека|оператор|оператора
    |сотрудник|сотрудника)
(?:поговорити|говорити|звязатися|поспілкуватися|зєднай|зєднайте|зєднати|переключіть)(?: \w+)
    {0,3} (?:людиною|оператором|працівником|менеджером|спеціалістом|фахівцем)
(?:поклич|покличте|потрібен|потрібна|хочу|дайте) (?:\w+ )?(?:людина|людину|оператор|оператора
    |працівник|працівника)
(?:puhua|jutella|keskustella|yhdistä|yhdistäkää|yhteyden)(?: \w+){0,3} (?:ihmisen kanssa
    |ihmiselle|ihmiseen|asiakaspalvelijan kanssa|asiakaspalvelijalle|asiakaspalvelijaan
    |työntekijän kanssa)
(?:haluan|tarvitsen|saisinko) (?:oikean )?(?:ihmisen|ihmistä|asiakaspalvelijan)
(?:runāt|parunāt|aprunāties|sazināties|savieno|savienojiet|savienot)(?: \w+){0,3} (?:cilvēku
    |operatoru|darbinieku|konsultantu|speciālistu)
(?:pasauc|pasauciet|vajag|gribu|vajadzīgs) (?:īstu |dzīvu )?(?:cilvēku|cilvēks|operatoru)
(?:kalbėti|pakalbėti|pasikalbėti|bendrauti|susisiekti|sujunk|sujunkite|sujungti)(?: \w+)
    {0,3} (?:žmogumi|operatoriumi|darbuotoju|konsultantu|specialistu)
(?:reikia|noriu|pakviesk|pakvieskite) (?:gyvo |tikro )?(?:žmogaus|operatoriaus|žmogų|operatorių)
(?:mit|zu)(?: \w+){0,2} (?:menschen|mitarbeiter|mitarbeiterin|person|berater|kundenservice)
     (?:\w+ )?(?:sprechen|reden|schreiben|chatten|verbinden|verbunden)
(?:verbinde|verbinden sie) mich mit(?: \w+){0,2} (?:menschen|mitarbeiter|person|berater)
(?:will|möchte|brauche) (?:einen )?(?:echten |richtigen )?(?:menschen|mitarbeiter)
(?:prata|tala|snacka|chatta|koppla mig|kontakt)(?: \w+){0,1} (?:med|till)(?: \w+)
    {0,2} (?:människa|person|handläggare|medarbetare|kundtjänst|personal)
(?:vill ha|behöver) en (?:riktig )?människa
(?:rozmawiać|porozmawiać|pogadać|skontaktować się|połącz mnie|połączcie mnie|połączyć)(?: \w+)
    {0,2} z(?:e)?(?: \w+){0,2} (?:człowiekiem|konsultantem|pracownikiem|operatorem|osobą|doradcą)
(?:chcę|potrzebuję|poproszę) (?:żywego )?(?:człowieka|konsultanta|operatora)
"""
