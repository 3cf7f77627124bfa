"""The demo songs' sources and arrangements; the table in docs/demo_songs.md is made from it."""

from dataclasses import dataclass

TRADITIONAL = "traditional"


@dataclass(frozen=True)
class DemoSong:
    """A composition and how it is played."""

    name: str
    title: str
    composer: str
    source: str
    """Path below music21's corpus."""
    band: str
    quarters_per_minute: float
    target_s: float = 85.0
    number: int | None = None
    melody_part: int = 0
    first_bar: int = 0
    max_bars: int | None = None


SONGS = (
    DemoSong(
        "demo-devils-dream",
        "The Devil's Dream",
        TRADITIONAL,
        "ryansMammoth/DevilsDreamReel.abc",
        "country",
        108,
    ),
    DemoSong(
        "demo-jesu-meine-freude",
        "Jesu, meine Freude (BWV 227.1)",
        "J. S. Bach",
        "bach/bwv227.1.mxl",
        "rock",
        104,
    ),
    DemoSong(
        "demo-maple-leaf-rag",
        "Maple Leaf Rag",
        "Scott Joplin",
        "joplin/maple_leaf_rag.mxl",
        "jazz",
        84,
        110,
    ),
    DemoSong(
        "demo-aloha-oe",
        "Aloha ʻOe",
        "Liliʻuokalani",
        "liliuokalani/aloha_oe.mxl",
        "bossa",
        88,
        105,
        melody_part=4,
    ),
    DemoSong(
        "demo-quartet-k80",
        "String Quartet No. 1, K. 80, 1st movement",
        "W. A. Mozart",
        "mozart/k80/movement1.mxl",
        "pop",
        92,
        100,
        max_bars=48,
    ),
    DemoSong(
        "demo-garry-owen", "Garry Owen", TRADITIONAL, "ryansMammoth/GarryOwenJig.abc", "folk", 168
    ),
    DemoSong(
        "demo-lift-every-voice",
        "Lift Every Voice and Sing",
        "J. Rosamond Johnson",
        "johnson_j_r/lift_every_voice.mxl",
        "gospel",
        102,
        110,
    ),
    DemoSong(
        "demo-white-cockade",
        "The White Cockade",
        TRADITIONAL,
        "airdsAirs/book1.abc",
        "march",
        168,
        number=1,
    ),
    DemoSong(
        "demo-lascia-chio-pianga",
        "Lascia ch'io pianga (Rinaldo)",
        "G. F. Handel",
        "handel/rinaldo/Lascia_chio_pianga.mxl",
        "ballad",
        84,
        90,
        first_bar=12,
    ),
    DemoSong(
        "demo-wachet-auf",
        "Wachet auf, ruft uns die Stimme (BWV 140.7)",
        "J. S. Bach",
        "bach/bwv140.7.mxl",
        "dance",
        122,
    ),
    DemoSong(
        "demo-brown-hair",
        "Jeanie with the Light Brown Hair",
        "Stephen Foster",
        "leadSheet/fosterBrownHair.mxl",
        "country",
        104,
        80,
    ),
    DemoSong(
        "demo-mazurka-op6-2",
        "Mazurka op. 6 no. 2",
        "Frédéric Chopin",
        "chopin/mazurka06-2.krn",
        "jazz",
        132,
        100,
    ),
    DemoSong(
        "demo-fishers-hornpipe",
        "Fisher's Hornpipe",
        TRADITIONAL,
        "ryansMammoth/FishersHornpipe.abc",
        "dance",
        112,
    ),
    DemoSong(
        "demo-quartet-op18-1",
        "String Quartet op. 18 no. 1, Scherzo",
        "Ludwig van Beethoven",
        "beethoven/opus18no1/movement3.mxl",
        "rock",
        196,
        90,
    ),
    DemoSong(
        "demo-o-haupt",
        "O Haupt voll Blut und Wunden (BWV 244.54)",
        "J. S. Bach",
        "bach/bwv244.54.mxl",
        "choir",
        76,
    ),
    DemoSong(
        "demo-haste-to-the-wedding",
        "Haste to the Wedding",
        TRADITIONAL,
        "ryansMammoth/HasteToTheWeddingJig.abc",
        "rock",
        162,
    ),
    DemoSong(
        "demo-sonata-k545",
        "Piano Sonata K. 545, exposition",
        "W. A. Mozart",
        "mozart/k545/movement1_exposition.mxl",
        "pop",
        120,
        70,
    ),
    DemoSong(
        "demo-la-donna-e-mobile",
        "La donna è mobile (Rigoletto)",
        "Giuseppe Verdi",
        "verdi/laDonnaEMobile.mxl",
        "folk",
        120,
        75,
    ),
    DemoSong(
        "demo-arkansas-traveller",
        "Arkansas Traveller",
        TRADITIONAL,
        "ryansMammoth/ArkansasTravellerReel.abc",
        "jazz",
        96,
    ),
    DemoSong(
        "demo-quartet-op1-1",
        "String Quartet op. 1 no. 1, Minuet",
        "Joseph Haydn",
        "haydn/opus1no1/movement2.mxl",
        "chamber",
        138,
        80,
    ),
    DemoSong(
        "demo-giovinetta-pianta",
        "La giovinetta pianta",
        "Claudio Monteverdi",
        "monteverdi/madrigal.3.1.mxl",
        "bossa",
        150,
        80,
        max_bars=48,
    ),
    DemoSong(
        "demo-drop-of-whiskey",
        "A Drop of Whiskey",
        TRADITIONAL,
        "ryansMammoth/DropOfWhiskeySlipjig.abc",
        "folk",
        180,
    ),
    DemoSong(
        "demo-aus-meinen-traenen",
        "Aus meinen Tränen sprießen (Dichterliebe no. 2)",
        "Robert Schumann",
        "schumann_robert/dichterliebe_no2.xml",
        "ballad",
        56,
        75,
    ),
    DemoSong(
        "demo-girl-i-left-behind",
        "The Girl I Left Behind Me",
        TRADITIONAL,
        "ryansMammoth/GirlILeftBehindMe.abc",
        "march",
        104,
    ),
    DemoSong(
        "demo-polonaise-op1-1",
        "Polonaise op. 1 no. 1",
        "Clara Schumann",
        "schumann_clara/polonaise_op1n1.mxl",
        "gospel",
        92,
        80,
    ),
    DemoSong(
        "demo-trio-sonata-op3-1",
        "Trio Sonata op. 3 no. 1, Grave",
        "Arcangelo Corelli",
        "corelli/opus3no1/1grave.xml",
        "dance",
        118,
        75,
    ),
    DemoSong(
        "demo-blackberry-blossom",
        "Blackberry Blossom",
        TRADITIONAL,
        "ryansMammoth/BlackberryBlossomReel.abc",
        "pop",
        100,
    ),
    DemoSong(
        "demo-quartet-k155",
        "String Quartet K. 155, Andante",
        "W. A. Mozart",
        "mozart/k155/movement2.mxl",
        "chamber",
        84,
        105,
    ),
    DemoSong(
        "demo-wie-schoen-leuchtet",
        "Wie schön leuchtet der Morgenstern (BWV 1.6)",
        "J. S. Bach",
        "bach/bwv1.6.mxl",
        "gospel",
        92,
        melody_part=1,
    ),
    DemoSong(
        "demo-green-sleeves",
        "Green Sleeves",
        TRADITIONAL,
        "ryansMammoth/GreenSleevesJig.abc",
        "choir",
        132,
    ),
    DemoSong(
        "demo-sonata-wq186", "Sonata H. 186", "C. P. E. Bach", "cpebach/h186.mxl", "jazz", 92, 90
    ),
)
