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
(?:lõpetan|tahan lõpetada) oma elu
(?:tahan|tahaks|tahaksin|kavatsen|mõtlen|otsustasin) (?:\w+ )?oma elu (?:ära )?lõpetada
ei näe (?:ma )?(?:enam )?(?:mingit )?(?:mõtet|põhjust) (?:enam |edasi )?elada
võtan (?:endalt|omalt) elu|tahan (?:endalt|omalt) elu võtta
(?:teen|tahan teha) (?:endale|enesele) lõpu|(?:teen|sooritan) enesetapu
(?:tahan|kavatsen|mõtlen) (?:\w+ )?(?:teha |sooritada )?enesetap\w+
enesetapumõt\w+|suitsiidimõt\w+|(?:vigastan|lõigun|lõikan) (?:end|ennast)
(?<!dont )(?<!not )(?<!never )(?:want|wanna|wish) (?:to )?(?:die|end it all
    |hurt my ?self|harm my ?self)
(?<!dont want to )(?:kill|killing|hang) my ?self|(?:end|ending) my (?:own )?life
tak(?:e|ing) my own life|(?:cutting|hurting|harming) my ?self
(?:thinking|thought|think) (?:about|of) (?:just )?ending it all
i (?:am|feel) suicidal|im suicidal|suicidal thoughts
(?:want to|wanna|going to|gonna|will|ill|might) commit suicide
im thinking (?:about|of) (?:committing )?suicide|i (?:am thinking|think) (?:about|of) suicide
(?:dont|do not) want to (?:live|be alive|exist)(?: anymore| any more)?(?! \w+)
(?:dont|do not) want to (?:live|be alive) (?:anymore|any more)
(?<!не )(?:хочу|хочется) (?:\w+ )?(?:умереть|сдохнуть)|не хочу больше жить|больше не хочу жить
не хочу жить(?! \w+)|не хочется жить(?! \w+)|жить (?:больше )?не (?:хочу|хочется)
(?:убью|зарежу|порежу) себя|себя убью|покончу с (?:собой|жизнью)|наложу на себя руки|повешусь
(?:хочу|думаю|собираюсь|решил|решила|готов|готова) (?:\w+ ){0,2}(?:убить себя|себя убить
    |покончить с (?:собой|жизнью)|покончить жизнь самоубийством|наложить на себя руки|повеситься)
покончу жизнь самоубийством|(?:как|лучше|легче|пора) покончить жизнь самоубийством
(?<!\w )покончить жизнь самоубийством
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

#: What holds the words of a statement, and is none: manners of speaking, and where or next to whom
#: people do not want to live. Living in this world, in pain or in fear is not about a place.
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
(?:ei taha|ei jaksa|ei näe) (?:\w+ ){1,3}elada (?!(?:\w+ ){0,2}(?:\w*maailm\w*|ilmas|elus|elul|valus
    |valudes|põrgus|piinas|piinades|hirmus|hirmul|häbis|mures|masenduses|depressioonis|ahastuses
    |üksinduses|üksilduses|ängis|ärevuses|pimeduses|leinas|olukorras|seisus|seisundis|kehas|nahas
    |kannatus\w*|piinlemises)\b)(?:siin|seal|(?:(?!(?:ma|mina|ja|ega|aga|kui|kuna|sest|nüüd)\b)
    \w*[aeiouslõäöü] ){0,3}\w*(?:kodus|majas|korteris|toas|linnas|linnaosas|tänaval|külas|vallas
    |alevis|alevikus|rajoonis|piirkonnas|asulas|ühikas|ühiselamus|maakonnas|maal|saarel|kõrval
    |lähedal|naabruses|juures)|(?!(?:kuidas|millal|kellel|milles|alates|alles|vahel|hetkel|viimasel
    |praegusel|sellisel|sellises|sellistes|niisugus\w+|minul|sinul|temal|endal|kõigil|ühel|mingil
    |tänasel|homsel|igal|päeval|õhtul|hommikul|nädalal|aastal|sügisel|talvel|kevadel|suvel|ausalt
    |\w+päeval|suris|kadus|lahkus|jättis|pettis|tahtis|ütles|läks|tappis|võttis|lõppes|muutus)\b)
    \w{4,}[sl])
(?:tahan lõpetada|lõpetan) oma elu \w+[sl] (?:ja|ning) (?:koli\w+|alusta\w+)
(?:lõikan|vigastan) (?:end|ennast) (?:paberi\w*|kogemata|köögis|juuksuris)
(?:end|ending) my (?:own )?life (?:insurance|assurance|cover|membership|sentence|annuity|policy)
tak(?:e|ing) my own life (?:jacket|vest|raft|ring|buoy|insurance)
cutting myself (?:a|an|another|some) (?:slice|piece|slack|cake|key)
(?:cutting|hurting) myself on (?:the|a|an|your|that|this) (?!(?:\w+ )?(?:wrists?|arms?|legs?|thighs?
    |hands?|skin|body|stomach|inside|daily|weekly|regular)\b)\w+
(?:live|be alive) (?:anymore|any more) (?:(?:here|there)(?! on| in)|(?:in|at|near|next to|on)
     (?!(?:\w+ ){0,2}(?:world|life|pain|hell|body|fear|misery|agony|darkness|shame|skin|earth|planet
    |moment|all)\b)\w+)
(?:не хочу больше жить|больше не хочу жить|жить (?:больше )?не (?:хочу|хочется)) (?:(?:здесь|тут|там
    )(?! на этом| в этом мире)|рядом с|около|возле|(?:в|во|на) (?!(?:\w+ ){0,2}(?:свете|мире|миру
    |жизни|боли|болью|аду|страхе|одиночестве|теле|муках|мучениях|кошмаре|депрессии|позоре|стыде
    |отчаянии|тоске|страданиях|ужасе|тьме|темноте|земле|планете|принципе|общем|целом|момент|моменте
    |состоянии|году|ситуации|горе)\b)\w+)
(?:хочу|хочется) (?:\w+ )?умереть (?:дома|(?:в|на) (?:\w+ ){0,2}\w+)(?: \.)?(?: \w+){0,4}
     (?:завещан|хоспис|паллиатив|наследств|нотариус)\w*
(?:не хочу більше жити|більше не хочу жити|жити (?:більше )?не хочу) (?:(?:тут|там)(?! на цьому
    | у цьому світі| в цьому світі)|поруч з|біля|коло|(?:в|у|на) (?!(?:\w+ ){0,2}(?:світі|світу
    |житті|болю|болі|пеклі|страху|самотності|тілі|муках|стражданнях|кошмарі|депресії|ганьбі|соромі
    |відчаї|тузі|жаху|темряві|землі|планеті|принципі|загалом|цілому|момент|стані|році|ситуації|мене
    |горі)\b)\w+)
en (?:halua|jaksa) enää elää (?!(?:\w+ ){0,2}(?:\w*maailma\w*|\w*elämä\w*|tusk\w*|kiv\w+|kipu\w*
    |pelo\w*|helvet\w*|keho\w*|ruumi\w*|yksinäisyy\w*|masenn\w*|häpeä\w*|suru\w*|epätoivo\w*
    |pimey\w*|tilantee\w*|ahdist\w*|maan)\b)(?:täällä|siellä|(?:tässä |tuossa |siinä |samassa )?
    \w{3,}ssa|(?:\w+ )?(?:kadulla|alueella|seudulla|paikkakunnalla|tampereella|vantaalla))
(?:vairs negribu|negribu vairs) dzīvot (?!(?:\w+ ){0,2}(?:pasaul\w*|dzīv\w*|sāp\w*|ell\w*|bail\w*
    |vientul\w*|kaun\w*|ķermen\w*|mok\w*|cieš\w*|tums\w*|depres\w*|brīd\w*|stāvok\w*)\b)(?:šeit|tur
    |blakus|(?:šajā|tajā|šai|savā) \w+|(?:\w+ )?(?:rīgā|mājā|mājās|dzīvoklī|pilsētā|ielā|centrā
    |laukos|rajonā|pagastā|novadā|ciemā|latvijā|igaunijā|tallinā|jelgavā|liepājā|daugavpilī))
(?:nebenoriu|nenoriu daugiau) gyventi (?!(?:\w+ ){0,2}(?:pasaul\w*|gyvenim\w*|skausm\w*|kanč\w*
    |baim\w*|vienatv\w*|pragar\w*|kūn\w*|nevilt\w*|depresij\w*|tams\w*|gėd\w*|būsen\w*)\b)(?:čia|ten
    |šalia|(?:šiame|šioje|tame|toje) \w+|(?:\w+ )?(?:kaune|vilniuje|klaipėdoje|šiauliuose|bute
    |name|namuose|mieste|kaime|gatvėje|rajone|centre|lietuvoje|estijoje|taline))
(?:will|mag|möchte) nicht (?:mehr )?leben (?:hier(?! auf| in)|dort|neben|bei|in (?!(?:\w+ ){0,2}(?:
    welt|leben|schmerz\w*|angst|hölle|körper|einsamkeit|leid|qual\w*|scham|dunkelheit|haut|elend
    |zustand|moment|augenblick|weise|situation|depression\w*)\b)\w+)
(?:vill|orkar) inte leva (?:längre|mer) (?:(?:här|där)(?! på| i)|bredvid|hos|nära|på (?:den här )?
    (?:gatan|landet|orten|ön)|i (?!(?:\w+ ){0,2}(?:världen|värld|livet|liv|smärta|smärtan|ångest
    |helvete|helvetet|rädsla|skam|mörker|mörkret|kropp|kroppen|ensamhet|sorg|dag|kväll|natt|morgon
    |läge|fall)\b)\w+)
(?:nie chcę|nie chce mi się) (?:już |dłużej |więcej )?żyć (?:(?:tu|tutaj|tam)(?! na| w)|obok|koło
    |(?:w|we|na) (?!(?:\w+ ){0,2}(?:świecie|świata|życiu|bólu|strachu|lęku|piekle|ciele|samotności
    |wstydzie|cierpieniu|rozpaczy|koszmarze|ciemności|ziemi|planecie|ogóle|chwili|stanie|sytuacji
    |depresji)\b)\w+)
"""
