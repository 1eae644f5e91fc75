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
lopeta|lopettakaa|lopeta (?:viestit|vastaaminen|viestien lähettäminen)
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

#: The whole message: the user's data is to be erased. Never without a word for data or messages:
#: what is erased does not come back, and "forget me" is said for other reasons too.
DELETE: Final = r"""
(?:kustuta|kustutage|eemalda|eemaldage)(?: ära)?(?: kõik)? (?:mu|minu) (?:isiku)?(?:andmed
    |sõnumid|vestlus)(?: ära)?
soovin (?:kõigi )?oma (?:isiku)?andmete kustutamist|soovin oma (?:isiku)?andmed kustutada
(?:i want (?:you )?to |can you |could you )?(?:delete|erase|remove
    |forget) (?:all )?(?:of )?my (?:personal )?(?:data|information|messages|conversation)
(?:удали|удалите|удалить|сотри|сотрите|стереть) (?:все )?(?:мои )?(?:все )?(?:(?:персональные
    |личные) )?(?:мои )?(?:данные|сообщения)
(?:видали|видаліть|видалити|зітри|зітріть) (?:всі |усі )?мої (?:всі |усі )?(?:(?:персональні
    |особисті) )?(?:дані|повідомлення)
(?:poista|poistakaa)(?: kaikki)? (?:minun )?(?:henkilö)?(?:tietoni|viestini)
(?:izdzēs|izdzēsiet|dzēst|izdzēst|dzēsiet)(?: visus)? manus (?:personas )?datus
(?:ištrink|ištrinkite|ištrinti|pašalink|pašalinkite)(?: visus)? mano (?:asmens )?duomenis
(?:lösche|lösch|löschen sie)(?: alle)? meine (?:persönlichen )?(?:daten|nachrichten)
(?:alle )?meine (?:persönlichen )?daten löschen
(?:radera|ta bort)(?: alla)? mina (?:person)?(?:uppgifter|data|meddelanden)
radera min data
(?:usuń|usuńcie|usunąć|skasuj|skasujcie)(?: wszystkie)? moje (?:wszystkie )?dane(?: osobowe)?
"""

#: The whole message: yes, when the user was asked whether they mean it.
YES: Final = r"""
jah|jaa|kinnitan|jah kustuta
yes|yes delete|i confirm|confirm
да|подтверждаю|да удалите
так|підтверджую|так видаліть
kyllä|vahvistan
jā|apstiprinu
taip|patvirtinu
ja|ich bestätige|bestätigt|ja löschen
ja radera|jag bekräftar|bekräftar
tak|potwierdzam
"""

#: The whole message: a copy of the user's data. Never without a word for data: "send me everything"
#: is said of price lists too.
EXPORT: Final = r"""
(?:saada|saatke|anna|andke|näita|näidake)(?: mulle)?(?: kõik)?
     (?:mu|minu) (?:isiku)?andmed(?: mulle)?
soovin (?:koopiat )?oma (?:isiku)?andme(?:id|test)(?: koopiat)?
    |soovin oma (?:isiku)?andmete koopiat
milliseid andmeid te minu kohta hoiate|mis andmed teil minu kohta on
(?:can you |could you |i want to )?(?:send me|give me|show me|export|download|get|see)
     (?:a copy of )?
    (?:all )?(?:of )?my (?:personal )?data
i want (?:a copy of )?(?:all )?my (?:personal )?data|what data do you (?:have|hold) (?:on|about) me
(?:пришли|пришлите|покажи|покажите|дайте)(?: мне)? (?:все )?мои (?:персональные |личные )?данные
какие данные (?:у вас есть )?обо мне(?: вы храните)?
(?:надішли|надішліть|покажи|покажіть|дайте)(?: мені)? (?:всі |усі )?
    мої (?:персональні |особисті )?дані
які дані (?:у вас є )?про мене(?: ви зберігаєте)?
(?:lähetä|lähettäkää|näytä|näyttäkää|anna|antakaa)(?: minulle)?(?: kaikki)?
     (?:minun )?(?:henkilö)?tietoni
mitä tietoja teillä on minusta
(?:atsūti|atsūtiet|parādi|parādiet)(?: man)?(?: visus)? manus (?:personas )?datus
kādi dati jums ir par mani
(?:atsiųsk|atsiųskite|parodyk|parodykite)(?: man)?(?: visus)? mano (?:asmens )?duomenis
kokius duomenis apie mane turite
(?:schick|schicken sie|zeig|zeigen sie|gib|geben sie) mir(?: alle)? meine (?:persönlichen )?daten
welche daten haben sie über mich
(?:skicka|visa|ge)(?: mig)?(?: alla)? mina (?:person)?(?:uppgifter|data)
vilka uppgifter har ni om mig
(?:wyślij|wyślijcie|pokaż|pokażcie|podaj|podajcie)(?: mi)?(?: wszystkie)? moje dane(?: osobowe)?
jakie dane o mnie (?:macie|przechowujecie)
"""

#: The whole message: a person. One word only where it can hardly be the answer to a question,
#: such as who somebody is or what they work as.
PERSON_ALONE: Final = r"""
inimest|inimesega|päris inimene|operaator|operaatorit|klienditeenindaja|klienditeenindajat
teenindajat
(?:a )?(?:real )?(?:human|person)|human being|(?:live )?agent|operator
customer service|support agent
человека|живой человек|живого человека|оператор|оператора|сотрудника
людину|жива людина|живу людину|оператор|оператора|працівника
ihmistä|asiakaspalvelija|asiakaspalvelu|cilvēku|operators|operatoru
žmogaus|operatorius|operatoriaus
(?:einen )?menschen|(?:ein )?echter mensch|kundenservice|en människa|kundtjänst
człowieka|konsultant|konsultanta
"""

#: Anywhere in a message: a person. Questions whether one talks to a person are not among them. Who
#: only wants or needs one has to end there or to go on about talking: people are also wanted to
#: chop wood.
PERSON: Final = r"""
(?:rääkida|räägiks|räägiksin|suhelda|vestelda|ühendada|ühendage|ühenda|suuna|suunake|suunata
    |kontakti|ühendust)(?: \w+){0,3} (?:inimesega|inimesele|inimese poole|töötajaga|töötajale
    |operaatoriga|operaatorile|klienditeenindajaga|klienditeenindajale|teenindajaga|teenindajale
    |spetsialistiga|spetsialistile)
(?:inimesega|töötajaga|operaatoriga|klienditeenindajaga|teenindajaga|spetsialistiga)(?: \w+)
    {0,2} (?:rääkida|suhelda|vestelda|ühendust|kontakti)
(?:räägi|rääkige) (?:\w+ )?inimesega
(?:kutsu|kutsuge|anna|andke) (?:mulle )?(?:päris )?(?:inimene|operaator|klienditeenindaja|töötaja
    |teenindaja)(?: palun| siia| kohe){0,2}(?:(?! \w)| vestlus\w+| vastama| rääkima)
(?:tahan|soovin|sooviksin|palun|vajan) (?:päris |elus )?(?:inimest|operaatorit|klienditeenindajat
    |inimese vastust)(?: palun| siia| kohe){0,2}(?:(?! \w)| vestlus\w+| vastama| rääk\w+
    | kes (?:vasta|räägi)\w+| kellega (?:\w+ )?(?:rääkida|suhelda|vestelda))
(?:talk|speak|chat|connect me|transfer me|put me through|get through)(?: \w+){0,2} (?:to|with)
    (?: \w+){0,2} (?:human|person|someone real|agent|operator|representative|employee
    |member of staff|staff member|human being|real person|somebody real)
(?:want|need|get me|give me|prefer) (?:a |an )?(?:real |live |actual )?(?:human|person
    |human agent|live agent|operator|human being)(?: please| now| here){0,2}(?:(?! \w)
    | (?:i can |who can |to )(?:talk|speak|chat|answer|reply|respond|write)| not a (?:ro)?bot
    | instead)
(?:поговорить|говорить|связаться|пообщаться|соедини|соедините|соединить|переключи|переключите
    |свяжите|свяжи)(?: \w+){0,3} (?:человеком|человека|оператором|оператора|сотрудником
    |сотрудника|менеджером|специалистом|консультантом|администратором)
(?:позови|позовите|нужен|хочу|дайте|дай) (?:\w+ )?(?:человек|человека|оператор|оператора
    |сотрудник|сотрудника)(?: пожалуйста| сейчас| срочно| сюда){0,2}(?:(?! \w)
    | (?:чтобы |который |кто )(?:\w+ )?(?:ответ|говор|поговор|спрос)\w+| а не (?:ро)?бот\w*
    | для (?:разговора|связи|общения))
(?:поговорити|говорити|звязатися|поспілкуватися|зєднай|зєднайте|зєднати|переключіть)(?: \w+)
    {0,3} (?:людиною|оператором|працівником|менеджером|спеціалістом|фахівцем)
(?:поклич|покличте|потрібен|потрібна|хочу|дайте) (?:\w+ )?(?:людина|людину|оператор|оператора
    |працівник|працівника)(?: будь ласка| зараз| терміново| сюди){0,2}(?:(?! \w)
    | (?:щоб |який |хто )(?:\w+ )?(?:відпов|говор|поговор|спита)\w+| а не (?:ро)?бот\w*
    | для (?:розмови|звязку|спілкування))
(?:puhua|jutella|keskustella|yhdistä|yhdistäkää|yhteyden)(?: \w+){0,3} (?:ihmisen kanssa
    |ihmiselle|ihmiseen|asiakaspalvelijan kanssa|asiakaspalvelijalle|asiakaspalvelijaan
    |työntekijän kanssa)
(?:haluan|tarvitsen|saisinko) (?:oikean )?(?:ihmisen|ihmistä|asiakaspalvelijan)
    (?: kiitos| nyt| heti| tänne){0,2}(?:(?! \w)| vastaamaan| puhumaan| kanssa juttelemaan
    | jonka kanssa (?:puhua|jutella)| joka (?:vastaa|osaa vastata))
(?:runāt|parunāt|aprunāties|sazināties|savieno|savienojiet|savienot)(?: \w+){0,3} (?:cilvēku
    |operatoru|darbinieku|konsultantu|speciālistu)
(?:pasauc|pasauciet|vajag|gribu|vajadzīgs) (?:īstu |dzīvu )?(?:cilvēku|cilvēks|operatoru)
    (?: lūdzu| tagad| šeit){0,2}(?:(?! \w)| (?:lai|kas|kurš) (?:\w+ )?(?:atbild|parunā|runā)\w*
    | ar ko (?:pa)?runāt)
(?:kalbėti|pakalbėti|pasikalbėti|bendrauti|susisiekti|sujunk|sujunkite|sujungti)(?: \w+)
    {0,3} (?:žmogumi|operatoriumi|darbuotoju|konsultantu|specialistu)
(?:reikia|noriu|pakviesk|pakvieskite) (?:gyvo |tikro )?(?:žmogaus|operatoriaus|žmogų|operatorių)
    (?: prašau| dabar| čia){0,2}(?:(?! \w)| (?:kad|kuris|kas) (?:\w+ )?(?:atsaky|kalbė)\w*
    | su kuriuo (?:pa)?(?:si)?kalbėti| pokalbiui)
(?:mit|zu)(?: \w+){0,2} (?:menschen|mitarbeiter|mitarbeiterin|person|berater|kundenservice)
     (?:\w+ )?(?:sprechen|reden|schreiben|chatten|verbinden|verbunden)
(?:verbinde|verbinden sie) mich mit(?: \w+){0,2} (?:menschen|mitarbeiter|person|berater)
(?:will|möchte|brauche) (?:einen )?(?:echten |richtigen )?(?:menschen|mitarbeiter)
    (?: bitte| jetzt| hier){0,2}(?:(?! \w)| sprechen| haben(?! \w)| zum (?:reden|sprechen)
    | der (?:mir )?antwort\w+| und keinen (?:ro)?bot| mit dem ich (?:reden|sprechen))
(?:prata|tala|snacka|chatta|koppla mig|kontakt)(?: \w+){0,1} (?:med|till)(?: \w+)
    {0,2} (?:människa|person|handläggare|medarbetare|kundtjänst|personal)
(?:vill ha|behöver) en (?:riktig )?människa(?: tack| nu| här){0,2}(?:(?! \w)
    | som (?:kan )?svara\w*| att (?:prata|tala) med| inte en (?:ro)?bot)
(?:rozmawiać|porozmawiać|pogadać|skontaktować się|połącz mnie|połączcie mnie|połączyć)(?: \w+)
    {0,2} z(?:e)?(?: \w+){0,2} (?:człowiekiem|konsultantem|pracownikiem|operatorem|osobą|doradcą)
(?:chcę|potrzebuję|poproszę) (?:żywego )?(?:człowieka|konsultanta|operatora)
    (?: proszę| teraz| tutaj){0,2}(?:(?! \w)| do rozmowy| a nie (?:ro)?bota
    | (?:żeby|który|kto) (?:\w+ )?(?:odpowie|rozmawia|porozmawia)\w*)
"""

#: Other things and people that go by the same words.
PERSON_NOT_MEANT: Final = r"""
human (?:resources?|rights|remains|body|anatomy|history|trafficking)
operators? (?:licen[cs]es?|permits?|training|courses?|jobs?|manuals?|cards?)
(?:crane|forklift|machine|excavator|drone|tour|phone|mobile|network) operators?
(?:real estate|estate|travel|insurance|letting) agents?
(?:my|our) (?:\w+ )?representatives?|(?:council|parliament|parliamentary) representatives?
representatives? (?:in|of|on|at|to|from) (?:the |our |my )?(?:\w+ )?(?:council|parliament|riigikogu)
"""
