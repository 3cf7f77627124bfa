"""Demo pairs: a rendered composition, a simulated jam of it, and the edit of that jam.

They lie in data/demo, apart from the user's own songs, and are made again only when their recipe
changed: the seed, the params, or the code that makes them.
"""

import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from editorbot.corpus.demo import DemoSong, demo_songs, render_demo
from editorbot.corpus.simulate import raw_names, simulate
from editorbot.corpus.songs import DEMO_FOLDER, EDIT_FOLDER, RAW_FOLDER
from editorbot.errors import EditorbotError
from editorbot.files import read_json, write_json
from editorbot.params import SimulateParams
from editorbot.progress import track
from editorbot.provenance import code_digest

TRACKS_FOLDER, RECIPES_FOLDER = "tracks", "recipes"


def make_demo_pairs(
    data: Path | str, wanted: int | str, *, seed: int, params: SimulateParams
) -> list[str]:
    """Make the first `wanted` demo songs, or "all", below `data`/demo; return their names.

    Raises:
        EditorbotError: `wanted` is not a number of songs that there are.
    """
    songs = _chosen(wanted)
    root = Path(data) / DEMO_FOLDER
    recipe = {
        "code": code_digest(__file__),
        "seed": seed,
        "simulate": params.model_dump(mode="json"),
    }
    missing = [song for song in songs if not _is_made(root, song.name, recipe)]
    # Most of a song is spent in single-threaded synthesis, so songs go side by side.
    workers = max(1, min(len(missing), len(os.sched_getaffinity(0))))
    with ProcessPoolExecutor(max_workers=workers) as pool:
        jobs = [pool.submit(_make, root, song, seed, params) for song in missing]
        for job in track(as_completed(jobs), "Making demo songs", total=len(jobs)):
            write_json(_recipe_of(root, job.result()), recipe)
    return [song.name for song in songs]


def _chosen(wanted: int | str) -> tuple[DemoSong, ...]:
    songs = demo_songs()
    if wanted == "all":
        return songs
    if not str(wanted).isdecimal() or not 1 <= int(wanted) <= len(songs):
        raise EditorbotError(f"expected 1 to {len(songs)} demo songs or all, got {wanted}")
    return songs[: int(wanted)]


def _make(root: Path, song: DemoSong, seed: int, params: SimulateParams) -> str:
    rendered = render_demo(song, root / TRACKS_FOLDER, seed=seed)
    simulate(rendered.mixture, root, song=song.name, seed=seed, params=params)
    return song.name


def _recipe_of(root: Path, name: str) -> Path:
    return root / RECIPES_FOLDER / f"{name}.json"


def _is_made(root: Path, name: str, recipe: dict) -> bool:
    """Whether the pair is there, and by this recipe, which is written last."""
    needed = (_recipe_of(root, name), *_pair(root, name, raws=recipe["simulate"]["raws"]))
    return all(path.is_file() for path in needed) and read_json(needed[0]) == recipe


def _pair(root: Path, name: str, *, raws: int) -> tuple[Path, ...]:
    files = (root / RAW_FOLDER / file for file in raw_names(name, raws))
    return (*files, root / EDIT_FOLDER / f"{name}_edit.wav")
