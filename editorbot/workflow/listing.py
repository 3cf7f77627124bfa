"""The songs as a user sees them: what is paired, what is missing, what is stale.

A song goes by the content of its recordings, as the pipeline does:

new     there is no alignment
stale   the alignment was made of other recordings, or it is not known of which
ready   the alignment was made of these recordings

Whether parameters or code changed since is what `snakemake --dry-run` tells.
"""

import os
from contextlib import chdir
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from editorbot.corpus.songs import Song, SongTable, find_songs
from editorbot.workflow.sources import digest_sources, join_digests
from editorbot.workflow.state import Records, restore


def states_of(table: SongTable, results: Path | str) -> dict[str, str]:
    """`new`, `stale` or `ready` by the song's name; `results` is the pipeline's folder."""
    results = Path(results)
    aligned = [song for song in table.songs if (results / _alignment(song)).exists()]
    states = dict.fromkeys(table.names, "new")
    if aligned:
        states |= _states_of_aligned(aligned, workspace=results.absolute().parent)
    return states


def _states_of_aligned(songs: list[Song], *, workspace: Path) -> dict[str, str]:
    # The records know recordings and results by their paths below the workspace.
    recordings = {
        song.name: [os.path.relpath(path, workspace) for path in (*song.raws, song.edit)]
        for song in songs
    }
    with chdir(workspace):
        restore()
        records = Records()
        digests = digest_sources(path for paths in recordings.values() for path in paths)
        states = {}
        for song in songs:
            joined = join_digests(digests[path] for path in recordings[song.name])
            made_of = records.read(f"results/{_alignment(song)}").get("params", [])
            states[song.name] = "ready" if repr(joined) in made_of else "stale"
    return states


def _alignment(song: Song) -> str:
    return f"pointers/{song.name}_edit.json"


def print_songs(data: Path, results: Path, *, which: str = "auto") -> None:
    """Print a table of the songs below `data`, and a sentence for each half pair.

    Args:
        data: Folder with the recordings.
        results: Folder with what the pipeline made of them.
        which: The user's "own" songs, the "demo" songs, or "auto", as for `find_songs`.

    Raises:
        EditorbotError: Two recordings claim the same song and side, or a name is reserved.
    """
    # Without markup, as a song may be called "song [live]".
    console = Console(markup=False)
    table = find_songs(data, which=which)
    if table.songs:
        rows = Table(box=None, pad_edge=False)
        for heading in ("song", "raw", "edit", "state"):
            rows.add_column(heading, overflow="fold")
        states = states_of(table, results)
        for song in table.songs:
            raws = "\n".join(map(str, song.raws))
            cells = (song.name, raws, str(song.edit), states[song.name])
            rows.add_row(*map(Text, cells))
        console.print(rows)
        console.print("new and stale songs are built by: snakemake --cores all prepare")
    else:
        console.print(
            f"no song yet: put SONG_raw.wav into {data}/input and SONG_edit.wav into "
            f"{data}/desired_output, or make demo songs with: editorbot demo"
        )
    for sentence in table.half_pairs:
        console.print(f"half a pair: {sentence}", soft_wrap=True)
