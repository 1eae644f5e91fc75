r"""How people say that they may harm themselves, by language: patterns of words.

Only clear statements about oneself: what moderation by a model weighs is not weighed here. One or
more patterns a line; a line that is indented by four spaces goes on with the line before it.
Written in each language's own spelling; ``words`` takes accents and case away from both sides.
"""

# ruff: noqa: RUF001  (Cyrillic letters that look like Latin ones)

from __future__ import annotations

from typing import Final

#: Anywhere in a message. In the order Estonian, English, Russian, Ukrainian, Finnish, Latvian,
#: Lithuanian, German, Swedish, Polish.
EMERGENCY: Final = r"""
(?:tahan|tahaks|tahaksin|soovin) (?:\w+ )?(?:ära )?surra
(?:tapan|tappa) (?:ma )?(?:end|ennast)(?: ära)?|(?:end|ennast) (?:ära )?(?:tapan|tappa)
ei taha (?:ma )?(?:enam|rohkem) elada|ei jaksa (?:ma )?enam elada|elada (?:ma )?enam ei taha
(?:lõpetan|tahan lõpetada) oma elu|võtan (?:endalt|omalt) elu|tahan (?:endalt|omalt) elu võtta
(?:teen|tahan teha) (?:endale|enesele) lõpu|(?:teen|sooritan) enesetapu
(?:tahan|kavatsen|mõtlen) (?:\w+ )?(?:teha |sooritada )?enesetap\w+
enesetapumõt\w+|suitsiidimõt\w+|(?:vigastan|lõigun) (?:end|ennast)
(?<!dont )(?<!not )(?<!never )(?:want|wanna|wish) (?:to )?(?:die|end it all|hurt myself|harm myself)
(?<!dont want to )(?:kill|killing|hang) myself|(?:end|ending) my (?:own )?life
tak(?:e|ing) my own life|(?:cutting|hurting|harming) myself
i (?:am|feel) suicidal|im suicidal|suicidal thoughts
(?:want to|wanna|going to|gonna|will|ill|might) commit suicide
im thinking (?:about|of) (?:committing )?suicide|i (?:am thinking|think) (?:about|of) suicide
(?:dont|do not) want to (?:live|be alive|exist)(?: anymore| any more)?(?! \w+)
(?:dont|do not) want to (?:live|be alive) (?:anymore|any more)
(?<!не )(?:хочу|хочется) (?:\w+ )?(?:умереть|сдохнуть)|не хочу больше жить|больше не хочу жить
не хочу жить(?! \w+)|не хочется жить(?! \w+)|жить (?:больше )?не (?:хочу|хочется)
(?:убью|зарежу|порежу) себя|себя убью|покончу с (?:собой|жизнью)|наложу на себя руки|повешусь
(?:хочу|думаю|собираюсь|решил|решила|готов|готова) (?:\w+ ){0,2}(?:убить себя|себя убить
    |покончить с (?:собой|жизнью)|наложить на себя руки|повеситься)
мысли о (?:самоубийстве|суициде)|суицидальные мысли|совершу (?:самоубийство|суицид)
(?<!не )хочу (?:\w+ )?(?:померти|вмерти|здохнути)|не хочу більше жити|більше не хочу жити
не хочу жити(?! \w+)|жити (?:більше )?не хочу
(?:вбю|убю) себе|себе (?:вбю|убю)|покінчу з (?:собою|життям)|накладу на себе руки
(?:хочу|думаю|збираюся|вирішив|вирішила) (?:\w+ ){0,2}(?:вбити себе|убити себе|себе вбити
    |покінчити з (?:собою|життям)|накласти на себе руки)
думки про (?:самогубство|суїцид)|вчиню самогубство
(?:haluan|haluaisin|tahdon) (?:\w+ )?kuolla|tapan itseni|(?:haluan|aion) tappaa itseni
en halua enää elää|en halua elää(?! \w+)|en jaksa enää elää
teen itsemurhan|(?:haluan|aion) tehdä itsemurhan|itsemurha ?ajatuks\w+|itsetuhois\w+ ajatuks\w+
(?:gribu|vēlos) (?:no)?mirt|vairs negribu dzīvot|negribu vairs dzīvot|negribu dzīvot(?! \w+)
nogalināšu sevi|gribu nogalināt sevi|gribu sevi nogalināt
izdarīšu pašnāvību|gribu izdarīt pašnāvību|pašnāvības domas|domas par pašnāvību
noriu (?:nu)?mirti|nebenoriu gyventi|nenoriu daugiau gyventi|nenoriu gyventi(?! \w+)
nusižudysiu|noriu nusižudyti|nužudysiu save|mintys apie savižudybę|savižudiškos mintys
(?<!nicht )(?:will|möchte) (?:einfach |nur |nur noch |bloß )?sterben
(?:will|mag|möchte) nicht (?:mehr )leben|(?:bringe|bring) mich (?:\w+ )?um
(?:mich|mir) (?:selbst )?(?:umbringen|umzubringen|das leben (?:zu )?nehmen)
(?:selbstmord|suizid)gedanken|begehe selbstmord|will selbstmord begehen
(?<!inte )vill (?:bara )?dö|vill inte leva (?:längre|mer)|vill inte leva(?! \w+)|orkar inte leva
tar livet av mig|(?:ska|vill) ta livet av mig|vill ta mitt (?:eget )?liv
dödar mig själv|(?:ska|vill) döda mig själv|självmordstank\w+|(?:ska|vill) begå självmord
(?<!nie )chcę (?:\w+ )?umrzeć|nie chcę (?:już |dłużej |więcej )żyć|nie chcę żyć(?! \w+)
nie chce mi się (?:już )?żyć|zabiję się|chcę się zabić|chcę zabić się|powieszę się
chcę odebrać sobie życie|odbiorę sobie życie|popełnię samobójstwo|chcę popełnić samobójstwo
myśli samobójcze
"""

#: Manners of speaking that hold the words of a statement, and are none.
NOT_MEANT: Final = r"""
(?:tahan|tahaks|tahaksin) (?:\w+ )?surra (?:naerust|naeru kätte|igavusse|häbist|piinlikkusest)
(?:die|kill myself|killing myself) (?:of |from |with )?(?:laughing|laughter|boredom|embarrassment
    |cringe|shame|happiness|cuteness)
(?:умереть|сдохнуть) (?:со|от) (?:смеху|смеха|скуки|стыда|счастья)
(?:померти|вмерти) (?:зі|від) (?:сміху|нудьги|сорому|щастя)
kuolla (?:nauruun|häpeään|tylsyyteen)|(?:will|möchte) vor (?:lachen|langeweile|scham) sterben
sterben vor (?:lachen|langeweile|scham)|dö av (?:skratt|skam|tristess)
umrzeć (?:ze śmiechu|ze wstydu|z nudów)|(?:nomirt|mirt) aiz (?:smiekliem|kauna)
(?:nu)?mirti iš (?:juoko|gėdos|nuobodulio)
"""
