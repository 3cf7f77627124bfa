"""The end of a run, as a user wants it: the scores, and where everything is."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from editorbot.corpus.splits import Splits, read_splits
from editorbot.errors import EditorbotError
from editorbot.evaluate.summary import print_table, read_songs, summarise
from editorbot.files import read_json
from editorbot.params import EvaluateParams

MOST_LISTED = 12
"""Songs whose files are named one by one."""


def print_overview(results: Path | str, *, params: EvaluateParams) -> None:
    """Print the tables of a finished run below `results`, and the paths of what it made.

    Only the songs of the run are told of; `results` may hold files of songs that are gone.

    Raises:
        EditorbotError: The run is not finished: the splits, an alignment or a score is missing.
    """
    results = Path(results)
    if not (results / "report.html").exists():
        raise EditorbotError(
            f"{results} holds no finished run: run the pipeline with snakemake --cores all"
        )
    splits = read_splits(results / "splits.json")
    _print_alignment(read_json(results / "metrics" / "alignment.json"))
    if splits.test:
        scores = read_songs(results / "plots" / "pointer_network_songs.csv")
        title = "Edits proposed for songs that no training heard"
        print_table(summarise(scores, params=params), title=title)
    else:
        print("No song was held out, so no proposed edit is scored.")
    _print_places(results, splits)


def _print_alignment(groups: dict[str, dict[str, float]]) -> None:
    console = Console(highlight=False)
    for group, means in groups.items():
        numbers = ", ".join(
            f"{name.replace('_', ' ')} {value:.4g}"
            for name, value in means.items()
            if name != "songs"
        )
        title = f"Alignment, {group.replace('_', ' ')} ({means['songs']:.0f})"
        console.print(f"{title}: {numbers}", soft_wrap=True)


def _print_places(results: Path, splits: Splits) -> None:
    songs = sorted((*splits.train, *splits.validation, *splits.test))
    proposals, pointers = results / "proposals", results / "pointers"
    places = [
        *_by_song("edited sound", proposals, "{}.wav", splits.test),
        *_by_song("its edit list", proposals, "{}.json", splits.test),
        *_by_song("its picture", proposals, "{}.png", splits.test),
        *_by_song("alignment", pointers, "{}_alignment.png", songs),
    ]
    if splits.test:
        places += [
            ("metrics", results / "metrics" / "pointer_network.json"),
            ("metrics table", results / "plots" / "pointer_network.html"),
        ]
    places += [
        ("model", results / "models" / "pointer_network" / "best"),
        ("training curves", f"tensorboard --logdir {results / 'logs' / 'pointer_network'}"),
        ("report", results / "report.html"),
    ]
    width = max(len(name) for name, _ in places)
    console = Console(highlight=False, markup=False)
    for name, path in places:
        console.print(f"{name:<{width}}  {path}", soft_wrap=True)


def _by_song(
    name: str, folder: Path, file: str, songs: Sequence[str]
) -> list[tuple[str, Path | str]]:
    """A line for each song, or one for all where they would fill the screen."""
    if len(songs) > MOST_LISTED:
        return [(name, f"{folder / file.format('SONG')}, {len(songs)} songs")]
    return [(name, folder / file.format(song)) for song in songs]
