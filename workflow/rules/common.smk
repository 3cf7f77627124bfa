# What all rules share: the parameters, the songs, and digests of recordings and of code.
import re

from snakemake.exceptions import WorkflowError

from editorbot.corpus.references import find_references, made_names
from editorbot.corpus.songs import find_songs
from editorbot.corpus.splits import Splits, split_songs
from editorbot.errors import EditorbotError
from editorbot.params import check_params
from editorbot.provenance import code_digest
from editorbot.workflow.run import (
    begin,
    check_names,
    release_lock_of_killed_run,
    settle,
    tell_failures,
)
from editorbot.workflow.sources import digest_sources, join_digests
from editorbot.workflow.state import restore

try:
    PARAMS = check_params(config, name="params.yaml")
    TABLE = find_songs("data", which=PARAMS.songs.which)
    check_names(TABLE.names)
    SPLITS = (
        split_songs(TABLE.names, **PARAMS.splits.model_dump())
        if TABLE.songs
        else Splits((), (), ())
    )
    DIGESTS = digest_sources(
        path
        for song in TABLE.songs
        for path in (*song.raws, song.edit, song.truth, song.causes)
        if path
    )
    REFERENCES = find_references("data")
    REFERENCE_DIGESTS = digest_sources(map(str, REFERENCES.values()))
    if workflow.is_main_process:
        release_lock_of_killed_run()
        restore()
except EditorbotError as error:
    raise WorkflowError(str(error))

SONGS = TABLE.names
SONG = {song.name: song for song in TABLE.songs}
SIDES = ("raw", "edit")
STEMS = PARAMS.stems.model != "off"
STEMS_SIDES = SIDES if PARAMS.stems.sides == "both" else ("raw",)
# Which sides are wanted says nothing about how one is separated.
STEMS_SETTINGS = PARAMS.stems.model_dump(exclude={"sides"})

settle(workflow, songs=SONGS)
if workflow.is_main_process:
    for half_pair in TABLE.half_pairs:
        print(f"editorbot: left out: {half_pair}", file=sys.stderr)
    if SPLITS.warning:
        print(f"editorbot: {SPLITS.warning}", file=sys.stderr)


def raws(wildcards):
    """The raw recordings of a song."""
    return [str(path) for path in SONG[wildcards.song].raws]


def edited(wildcards):
    """The finished edit of a song."""
    return str(SONG[wildcards.song].edit)


def recordings(wildcards):
    """The recordings of a song's side."""
    return raws(wildcards) if wildcards.side == "raw" else [edited(wildcards)]


def side_digest(wildcards):
    """Digest of the recordings of a song's side."""
    return join_digests(DIGESTS[path] for path in recordings(wildcards))


def raws_digest(wildcards):
    """Digest of a song's raw recordings."""
    return join_digests(DIGESTS[path] for path in raws(wildcards))


def pair_digest(wildcards):
    """Digest of all recordings of a song."""
    return join_digests(DIGESTS[path] for path in [*raws(wildcards), edited(wildcards)])


def code_of(script):
    """Digest of a workflow script and of the package's modules behind it."""
    return code_digest(f"{workflow.basedir}/workflow/scripts/{script}.py")


def renditions_of(wildcards):
    """Other renditions of a track that was made; of a recording there are none."""
    if PARAMS.pretrain.tracks != "made":
        return {}
    base = f"results/pretraining/tracks/{wildcards.track}"
    numbers = range(1, PARAMS.pretrain.renditions)
    return {
        "others": [f"{base}.{number}.flac" for number in numbers],
        "listed": f"{base}_renditions.json",
    }


def track_digest(wildcards):
    """Digest of a finished track; tracks that are made go by the code that makes them."""
    if PARAMS.pretrain.tracks == "made":
        return None
    return REFERENCE_DIGESTS[str(REFERENCES[wildcards.track])]
