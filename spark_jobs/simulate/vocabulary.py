"""The vocabulary of simulated texts: languages by country, words of topics, sentences, praise and blame.

All lists are ours. ``{a}`` and ``{b}`` stand for topic words, ``{m}`` for a word of praise or blame.
"""

LANGUAGES = ("en", "es", "fr", "de", "pt")
"""ISO 639-1, in the order of every list below."""

SPOKEN = {
    "ZA": {"en": 0.95, "pt": 0.05},
    "BR": {"pt": 0.95, "en": 0.05},
    "DE": {"de": 0.92, "en": 0.08},
    "IN": {"en": 1.0},
    "MX": {"es": 0.95, "en": 0.05},
    "US": {"en": 0.85, "es": 0.15},
    "FR": {"fr": 0.92, "en": 0.08},
}
"""A user's own language, by country."""

TOPIC_WORDS = {
    "sports": (
        "match goal coach season league sprint trophy keeper",
        "partido gol entrenador temporada liga carrera trofeo portero",
        "match but entraîneur saison ligue course trophée gardien",
        "Spiel Tor Trainer Saison Liga Sprint Pokal Torwart",
        "partida gol treinador temporada liga corrida troféu goleiro",
    ),
    "technology": (
        "chip kernel battery sensor robot compiler network gadget",
        "chip núcleo batería sensor robot compilador red ordenador",
        "puce noyau batterie capteur robot compilateur réseau ordinateur",
        "Chip Kernel Akku Sensor Roboter Compiler Netzwerk Rechner",
        "chip núcleo bateria sensor robô compilador rede computador",
    ),
    "entertainment": (
        "film stage band encore trailer series comedy premiere",
        "película escenario banda concierto tráiler serie comedia estreno",
        "film scène groupe concert affiche série comédie première",
        "Film Bühne Band Zugabe Vorschau Serie Komödie Premiere",
        "filme palco banda concerto trailer série comédia estreia",
    ),
    "politics": (
        "vote council debate budget reform ballot treaty campaign",
        "voto concejo debate presupuesto reforma urna tratado campaña",
        "vote conseil débat budget réforme scrutin traité campagne",
        "Wahl Stadtrat Debatte Haushalt Reform Stimmzettel Vertrag Wahlkampf",
        "voto conselho debate orçamento reforma urna tratado campanha",
    ),
    "health": (
        "sleep vitamin clinic recovery yoga pulse therapy balance",
        "sueño vitamina clínica recuperación yoga pulso terapia equilibrio",
        "sommeil vitamine clinique guérison yoga pouls thérapie équilibre",
        "Schlaf Vitamin Klinik Erholung Yoga Puls Therapie Gleichgewicht",
        "sono vitamina clínica recuperação ioga pulso terapia equilíbrio",
    ),
    "travel": (
        "harbour train passport island trail hostel sunset ferry",
        "puerto tren pasaporte isla sendero albergue atardecer transbordador",
        "port train passeport île sentier auberge crépuscule traversier",
        "Hafen Zug Reisepass Insel Wanderweg Herberge Sonnenuntergang Fähre",
        "porto trem passaporte ilha trilha albergue entardecer balsa",
    ),
    "food": (
        "noodle bakery spice harvest kitchen dumpling roast citrus",
        "fideo panadería especia cosecha cocina empanada asado cítrico",
        "nouille boulangerie épice récolte cuisine ravioli rôti agrume",
        "Nudel Bäckerei Gewürz Ernte Küche Knödel Braten Zitrone",
        "macarrão padaria tempero colheita cozinha pastel assado limão",
    ),
    "fashion": (
        "linen runway denim tailor scarf vintage pattern boots",
        "lino pasarela vaquero sastre bufanda vestido estampado botas",
        "lin défilé jean tailleur écharpe robe motif bottes",
        "Leinen Laufsteg Jeans Schneider Schal Kleid Muster Stiefel",
        "linho passarela jeans alfaiate cachecol vestido estampa botas",
    ),
    "gaming": (
        "quest level arcade joystick raid pixel speedrun console",
        "misión nivel recreativa mando incursión píxel videojuego consola",
        "quête niveau arcade manette raid pixel jeu console",
        "Quest Level Spielhalle Joystick Raubzug Pixel Videospiel Konsole",
        "missão nível fliperama controle incursão pixel videogame console",
    ),
    "education": (
        "lecture library thesis tutor physics essay campus lesson",
        "clase biblioteca tesis tutor física ensayo campus lección",
        "cours bibliothèque thèse tuteur physique essai campus leçon",
        "Vorlesung Bibliothek Dissertation Tutor Physik Aufsatz Campus Lektion",
        "aula biblioteca tese tutor física ensaio campus lição",
    ),
}

SENTENCES = (
    (
        "today we talked about the {a} and the {b}",
        "has anyone seen the {a} next to the {b}",
        "this morning there was a {a} with a {b}",
        "my brother asked me about the {a} again",
        "we are going back to the {a} next week",
        "here is another {a} from last night",
        "they said the {b} comes after the {a}",
        "everyone at home is looking at the {a} now",
    ),
    (
        "hoy hablamos de {a} y de {b}",
        "alguien ha visto {a} al lado de {b}",
        "esta mañana había {a} con {b}",
        "mi hermano me preguntó otra vez por {a}",
        "la semana que viene volvemos a {a}",
        "aquí va otra imagen de {a} de anoche",
        "dicen que {b} viene después de {a}",
        "en casa todos miran {a} ahora",
    ),
    (
        "aujourd'hui nous avons parlé de {a} et de {b}",
        "quelqu'un a vu {a} à côté de {b}",
        "ce matin il y avait {a} avec {b}",
        "mon frère m'a encore demandé des nouvelles de {a}",
        "la semaine prochaine on retourne voir {a}",
        "voici une autre image de {a} prise hier soir",
        "ils disent que {b} vient après {a}",
        "à la maison tout le monde regarde {a} maintenant",
    ),
    (
        "heute haben wir über {a} und {b} geredet",
        "hat jemand {a} neben {b} gesehen",
        "heute Morgen gab es {a} mit {b}",
        "mein Bruder hat mich wieder nach {a} gefragt",
        "nächste Woche gehen wir zurück zu {a}",
        "hier noch ein Bild von {a} von gestern Abend",
        "sie sagen, {b} kommt nach {a}",
        "zu Hause schauen gerade alle auf {a}",
    ),
    (
        "hoje falamos de {a} e de {b}",
        "alguém viu {a} ao lado de {b}",
        "esta manhã havia {a} com {b}",
        "o meu irmão perguntou outra vez por {a}",
        "na próxima semana voltamos a {a}",
        "aqui está outra imagem de {a} de ontem à noite",
        "dizem que {b} vem depois de {a}",
        "em casa todos olham para {a} agora",
    ),
)

JUDGEMENTS = (
    ("it was {m}", "what a {m} week", "I find it {m}", "so {m} today"),
    ("fue {m}", "qué semana tan {m}", "me parece {m}", "todo muy {m}"),
    ("c'était {m}", "quelle semaine, vraiment {m}", "je trouve ça {m}", "tout est {m}"),
    ("es war {m}", "das ist {m}", "ich finde es {m}", "alles so {m} heute"),
    ("foi {m}", "que semana tão {m}", "eu acho {m}", "tudo muito {m}"),
)

DENIALS = (
    ("it was not {m}", "never {m} for me"),
    ("no fue {m}", "nunca me pareció {m}"),
    ("ce n'était pas {m}", "jamais {m} pour moi"),
    ("es war nicht {m}", "ich finde es gar nicht {m}"),
    ("não foi {m}", "nunca achei {m}"),
)

PRAISE = (
    "wonderful brilliant lovely amazing delightful superb stellar ace",
    "maravilloso genial precioso increíble excelente divertido estupendo chulo",
    "merveilleux génial magnifique incroyable excellent amusant superbe chouette",
    "wunderbar großartig herrlich fantastisch ausgezeichnet lustig toll dufte",
    "maravilhoso genial lindo incrível excelente divertido ótimo bacana",
)

BLAME = (
    "terrible awful boring horrible disappointing dreadful meh dire",
    "terrible horrible aburrido decepcionante triste pésimo fatal cutre",
    "terrible horrible ennuyeux décevant triste affreux lamentable naze",
    "schrecklich furchtbar langweilig enttäuschend traurig grauenhaft mies öde",
    "terrível horrível chato decepcionante triste péssimo ruim tosco",
)

SIGNS = {
    "clickbait": (
        (
            "you will not believe what happened next",
            "click here before it is gone",
            "number 7 will leave you speechless",
            "this one trick changes everything",
        ),
        (
            "no vas a creer lo que pasó después",
            "haz clic antes de que desaparezca",
            "el número 7 te dejará con la boca abierta",
            "este truco lo cambia todo",
        ),
        (
            "vous n'allez pas croire la suite",
            "cliquez ici avant que ça disparaisse",
            "le numéro 7 va vous laisser bouche bée",
            "cette astuce change tout",
        ),
        ("du glaubst nicht was geschah", "klick hier bevor es weg ist", "Nummer 7 verblüfft", "der Trick ändert alles"),
        (
            "você não vai acreditar no que aconteceu depois",
            "clique aqui antes que desapareça",
            "o número 7 vai deixar você de boca aberta",
            "este truque muda tudo",
        ),
    ),
    "nsfw": (
        ("18+ only", "for adults only", "uncensored pictures inside", "explicit pictures for adults"),
        ("solo 18+", "solo para adultos", "imágenes sin censura dentro", "imágenes explícitas para adultos"),
        ("18+ seulement", "réservé aux adultes", "images non censurées ici", "images explicites pour adultes"),
        ("nur ab 18+", "nur für Erwachsene", "unzensierte Bilder hier", "explizite Bilder für Erwachsene"),
        ("só 18+", "só para adultos", "imagens sem censura aqui", "imagens explícitas para adultos"),
    ),
    "misinformation": (
        (
            "they do not want you to know this",
            "the media hide this from you",
            "share this before they delete it",
            "wake up and do your own research",
        ),
        (
            "no quieren que sepas esto",
            "los medios te ocultan esto",
            "comparte esto antes de que lo borren",
            "despierta e investiga por tu cuenta",
        ),
        (
            "ils ne veulent pas que vous le sachiez",
            "les médias vous cachent ceci",
            "partagez avant qu'ils ne le suppriment",
            "réveillez-vous et cherchez par vous-mêmes",
        ),
        (
            "sie wollen nicht dass du das weißt",
            "die Medien verschweigen dir das",
            "teilt das bevor sie es löschen",
            "wacht auf und forscht selbst nach",
        ),
        (
            "eles não querem que você saiba disto",
            "a mídia esconde isto de você",
            "compartilhe antes que apaguem isto",
            "acorde e pesquise por conta própria",
        ),
    ),
}
"""What gives a post away that somebody should look at; in no list of words of praise or blame."""
