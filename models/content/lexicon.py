"""Words of praise and blame by language, for the sentiment of a text. All lists are ours.

An entry that ends in ``~`` is a stem with the endings of its language's adjectives (``ENDINGS``). Words with another
meaning in another language (``die``, ``gift``, ``fatal``) are safe, because a list is used for its language only.
"""

ENDINGS = {
    "en": ("", "s", "d", "ed", "ing", "ly"),
    "es": ("o", "a", "os", "as"),
    "fr": ("", "e", "s", "es"),
    "de": ("", "e", "er", "es", "en", "em"),
    "pt": ("o", "a", "os", "as"),
}

NEGATORS = {
    "en": "not no never without hardly cannot nothing neither nor don't doesn't didn't isn't wasn't aren't weren't "
    "won't wouldn't can't couldn't shouldn't haven't hasn't hadn't ain't",
    "es": "no nunca jamás sin ni tampoco nada apenas",
    "fr": "pas jamais sans ni aucun aucune guère",
    "de": "nicht nie niemals kein keine keinen keinem keiner ohne weder kaum",
    "pt": "não nunca jamais sem nem tampouco nada",
}

PRAISE = {
    "en": "good great best better nice excellent wonderful~ brilliant~ lovely amazing~ awesome fantastic delight "
    "delightful~ superb~ perfect~ beautiful~ happy happier happiest happily joy joyful~ love~ loving lovable "
    "enjoy~ enjoyable enjoyment fun funny glad~ pleasant~ pleased pleasing pleasure helpful~ useful~ thank~ "
    "thanks thankful~ grateful~ welcome~ elegant~ insightful~ interesting~ impressive~ impress~ inspiring "
    "inspired exciting excited excite~ win~ winner winners won success successful~ succeed~ outstanding~ "
    "remarkable favorite favourite favorites favourites charming~ cute cool coolest smart~ clever~ kindness "
    "generous~ friendly comfortable easy easier easily correct~ valuable appreciate~ appreciation recommend~ "
    "recommendation fascinating fascinated magnificent~ marvellous marvelous stunning~ thrilled thrilling "
    "terrific incredible incredibly nicely proud~ relaxing refreshing reliable safe safer satisfied "
    "satisfying yummy tasty delicious gorgeous neat~ splendid~ sweet~ bravo congratulations hooray hope~ "
    "hopeful~ benefit~ beneficial improve~ improvement improvements",
    "es": "bien bueno buena buenos buenas buen mejor mejores excelente excelentes genial geniales maravillos~ "
    "increíble increíbles preciosos precios~ hermos~ bonit~ lind~ guap~ divertid~ estupend~ fantástic~ "
    "magnífic~ perfect~ feliz felices felicidad alegre alegres alegría content~ encanta encantan encantó "
    "encantad~ encantador encantadora amor amo adoro gusta gustan gustó disfruto disfrutar disfruté gracias "
    "agradable agradables agradecid~ útil útiles claro interesante interesantes impresionante impresionantes "
    "espectacular éxito exitos~ ganar ganamos victoria favorit~ amable amables generos~ delicios~ ric~ "
    "sabros~ emocionante emocionad~ orgullos~ cómod~ fácil recomiendo recomendable fenomenal sublime "
    "brillante brillantes fabulos~ inolvidable ideal tranquil~ valios~ bravo esperanza",
    "fr": "bien bon bonne bons bonnes meilleur~ mieux excellent~ génial~ géniaux merveilleux merveilleuse "
    "merveilleuses magnifique magnifiques incroyable incroyables beau belle beaux belles joli~ amusant~ "
    "superbe superbes formidable formidables fantastique parfait~ heureux heureuse heureuses joie joyeux "
    "joyeuse content~ ravi~ adore adoré adorons aime aimé aimons amour plaisir agréable agréables merci utile "
    "utiles clair~ intéressant~ impressionnant~ spectaculaire succès réussi~ réussite victoire gagné favori "
    "favorite préféré~ gentil gentille généreux généreuse délicieux délicieuse savoureux émouvant~ fier fière "
    "confortable facile recommande sublime brillant~ fabuleux inoubliable idéal~ tranquille précieux "
    "charmant~ sympa drôle bravo félicitations espoir chaleureux",
    "de": "gut~ bess~ besser beste besten schön~ toll~ wunderbar~ großartig~ herrlich~ fantastisch~ ausgezeichnet~ "
    "lustig~ super prima klasse perfekt~ hervorragend~ genial~ glücklich~ froh~ fröhlich~ freude freue freut "
    "liebe lieben liebt lieb~ mag gefällt genieße genießen spaß angenehm~ dankbar~ danke dank nützlich~ "
    "hilfreich~ klar~ interessant~ spannend~ beeindruckend~ erfolg erfolgreich~ gewonnen gewinn sieg liebling "
    "lieblings freundlich~ großzügig~ lecker~ köstlich~ aufregend~ stolz~ bequem~ empfehle empfehlenswert~ "
    "glänzend~ fabelhaft~ unvergesslich~ ideal~ ruhig~ wertvoll~ charmant~ nett~ süß~ bravo glückwunsch "
    "hoffnung zufrieden~ begeistert~ traumhaft~ einzigartig~",
    "pt": "bem bom boa bons boas melhor melhores excelente excelentes genial geniais maravilhos~ incrível incríveis "
    "lind~ bonit~ bel~ divertid~ ótim~ fantástic~ magnífic~ perfeit~ feliz felizes felicidade alegre alegres "
    "alegria contente adoro adorei amo amei amor gosto gostei gostamos curti obrigad~ agradável agradáveis "
    "útil úteis clar~ interessante interessantes impressionante impressionantes espetacular sucesso vencer "
    "vencemos vitória favorit~ gentil gentis generos~ delicios~ gostos~ saboros~ emocionante emocionad~ "
    "orgulhos~ confortável fácil recomendo sublime brilhante brilhantes fabulos~ inesquecível ideal tranquil~ "
    "valios~ encantador encantadora legal bravo parabéns esperança",
}

BLAME = {
    "en": "bad badly worse worst terrible terribly awful~ horrible horribly boring bored bore~ disappoint~ "
    "disappointing~ disappointed disappointment dreadful~ hate~ hated hating hateful~ sad sadder sadly "
    "sadness angry anger annoy~ annoying~ annoyance ugly nasty poor~ wrong~ fail~ failure failures useless~ "
    "stupid~ dumb~ ridiculous~ pointless~ worthless painful~ pain~ hurt~ hurting sick~ sucks suck~ lousy "
    "disgusting~ disgust~ gross miserable misery tragic~ tragedy unhappy unpleasant unfortunate unfortunately "
    "upset~ upsetting worry worried worrying worries afraid fear~ fearful scary scared confuse~ confusing~ "
    "confused confusion difficult~ problem~ problematic mistake~ mistaken broken trouble~ troubling lose~ "
    "losing loser lost loss losses reject~ rejected rude~ selfish~ unfair~ waste~ wasteful weak~ weakness "
    "misleading incorrect~ impossible nonsense garbage trash rubbish crap damn~ liar lying cheat~ danger~ "
    "dangerous~ death dead cry~ crying lonely abuse~ attack~ frustrate~ frustrating frustrated frustration "
    "regret~ complain~ complaint complaints mess messy",
    "es": "mal malo mala malos malas peor peores terrible terribles horrible horribles aburrid~ decepcionante "
    "decepcionantes decepción decepcionad~ triste tristes tristeza pésim~ fatal fatales odio odia odian asco "
    "asqueros~ fe~ feísim~ enfadad~ enojad~ rabia molest~ inútil inútiles estúpid~ tont~ ridícul~ doloros~ "
    "dolor enferm~ miserable trágic~ tragedia infeliz desagradable desagradables preocupad~ miedo confus~ "
    "difícil difíciles problema problemas error errores rot~ perder perdid~ pérdida rechaz~ grosser~ egoísta "
    "injust~ débil falso falsa imposible basura mentira mentiros~ peligro peligros~ muerte muert~ solitari~ "
    "frustrante frustrad~ desastre desastros~ lamentable queja fracaso espantos~ insoportable lent~ suci~",
    "fr": "mal mauvais mauvaise mauvaises pire pires terrible terribles horrible horribles ennuyeux ennuyeuse "
    "ennuyé~ décevant~ déçu~ déception triste tristes tristesse affreux affreuse affreuses lamentable "
    "lamentables déteste haine dégoûtant~ dégoût laid~ moche moches fâché~ colère énervant~ énervé~ inutile "
    "inutiles stupide stupides bête ridicule douloureux douleur malade misérable tragique tragédie malheureux "
    "malheureuse désagréable inquiet inquiète peur confus~ difficile difficiles problème problèmes erreur "
    "erreurs cassé~ perdre perdu~ perte rejeté~ grossier égoïste injuste faible faux fausse impossible ordure "
    "mensonge menteur danger dangereux mort seul frustrant~ frustré~ désastre catastrophe plainte échec "
    "épouvantable insupportable nul nulle pénible sale",
    "de": "schlecht~ schlimm~ schrecklich~ furchtbar~ langweilig~ enttäuschend~ enttäuscht~ enttäuschung traurig~ "
    "grauenhaft~ grausam~ hasse hass hasst ekelhaft~ ekel hässlich~ wütend~ wut ärger ärgerlich~ nervig~ "
    "nutzlos~ dumm~ blöd~ lächerlich~ schmerz~ schmerzhaft~ krank~ elend~ tragisch~ tragödie unglücklich~ "
    "unangenehm~ besorgt~ sorge sorgen angst verwirrend~ verwirrt~ schwierig~ problem probleme fehler kaputt~ "
    "verlieren verloren verlust unhöflich~ egoistisch~ unfair~ schwach~ falsch~ unmöglich~ unsinn müll lüge "
    "lügner gefahr gefährlich~ tod tot~ einsam~ frustrierend~ frustriert~ katastrophe beschwerde scheitern "
    "gescheitert entsetzlich~ unerträglich~ schade leider mies~ übel~ lästig~ schmutzig~ peinlich~ "
    "mangelhaft~",
    "pt": "mal mau má maus más pior piores terrível terríveis horrível horríveis chat~ decepcionante decepcionantes "
    "decepção decepcionad~ triste tristes tristeza péssim~ fatal odeio ódio odiei nojo nojent~ fei~ zangad~ "
    "raiva irritante irritad~ inútil inúteis estúpid~ burr~ ridícul~ doloros~ dor doente miserável trágic~ "
    "tragédia infeliz desagradável desagradáveis preocupad~ medo confus~ difícil difíceis problema problemas "
    "erro erros quebrad~ perder perdid~ perda rejeitad~ grosseir~ egoísta injust~ frac~ fals~ impossível lixo "
    "mentira mentiros~ perigo perigos~ morte mort~ sozinh~ frustrante frustrad~ desastre lamentável queixa "
    "fracasso horroroso ruim ruins insuportável lent~ suj~",
}
