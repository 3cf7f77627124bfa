"""Songs on disk: pairs of raw recording and finished edit, found by the prefix of their names.

    data/input/{song}_raw.*            the raw recording
    data/desired_output/{song}_edit.*  the edit made from it
    data/truth/{song}_edit.json        its EDL where that is known, as for simulated songs
    data/demo/...                      the demo songs, in the same three folders

The Snakefile reads this on each call, so nothing heavy may be imported here.
"""

import unicodedata
from dataclasses import dataclass
from pathlib import Path

from editorbot.errors import EditorbotError

DEMO_PREFIX = "demo-"
RAW_FOLDER, EDIT_FOLDER, TRUTH_FOLDER, DEMO_FOLDER = "input", "desired_output", "truth", "demo"


@dataclass(frozen=True)
class Song:
    """A pair of recordings.

    `truth` is the true EDL, `causes` why the rest of the raw was dropped, where they are known, as
    for simulated songs.
    """

    name: str
    raw: Path
    edit: Path
    truth: Path | None = None
    causes: Path | None = None


@dataclass(frozen=True)
class SongTable:
    """The songs that are complete, by name, and a sentence for each one that is not."""

    songs: tuple[Song, ...]
    half_pairs: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """The songs' names, sorted."""
        return [song.name for song in self.songs]

    def __getitem__(self, name: str) -> Song:
        """The song of that name.

        Raises:
            KeyError: There is none.
        """
        for song in self.songs:
            if song.name == name:
                return song
        raise KeyError(name)


def find_songs(data: Path | str, *, which: str = "auto") -> SongTable:
    """Pair the recordings below the folder `data`.

    `which` is "own", "demo", or "auto": the user's own as soon as there is a raw recording or an
    edit of theirs, the demo songs until then.

    Raises:
        EditorbotError: Two files claim the same song and side, or one of the user's own takes a
            name that is reserved for demo songs.
    """
    data = Path(data)
    own = which == "own" or (which == "auto" and _has_own_songs(data))
    table = _pair(data if own else data / DEMO_FOLDER)
    reserved = [name for name in table.names if own and name.startswith(DEMO_PREFIX)]
    if reserved:
        raise EditorbotError(
            f"{table[reserved[0]].raw} has a name reserved for demo songs: "
            f"rename the pair so that it does not begin with {DEMO_PREFIX}"
        )
    return table


def _has_own_songs(data: Path) -> bool:
    folders = ((data / RAW_FOLDER, "_raw"), (data / EDIT_FOLDER, "_edit"))
    return any(_by_prefix(folder, ending) for folder, ending in folders)


def _pair(root: Path) -> SongTable:
    raws = _by_prefix(root / RAW_FOLDER, "_raw")
    edits = _by_prefix(root / EDIT_FOLDER, "_edit")
    songs = tuple(
        Song(
            name=name,
            raw=raws[name],
            edit=edits[name],
            truth=_if_there(root / TRUTH_FOLDER / f"{name}_edit.json"),
            causes=_if_there(root / TRUTH_FOLDER / f"{name}_causes.json"),
        )
        for name in sorted(raws.keys() & edits.keys())
    )
    half = [
        f"{path} has no edit: expected {root / EDIT_FOLDER}/{name}_edit.*"
        for name, path in sorted(raws.items())
        if name not in edits
    ] + [
        f"{path} has no raw recording: expected {root / RAW_FOLDER}/{name}_raw.*"
        for name, path in sorted(edits.items())
        if name not in raws
    ]
    return SongTable(songs=songs, half_pairs=tuple(half))


def _by_prefix(folder: Path, ending: str) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(folder.glob(f"*{ending}.*")):
        # Hidden files and DVC's own .dvc files beside the data are not recordings.
        if path.name.startswith(".") or path.suffix == ".dvc" or not path.is_file():
            continue
        if not path.stem.endswith(ending):
            continue
        # One song typed on two systems may differ in how its accents are composed.
        name = unicodedata.normalize("NFC", path.stem.removesuffix(ending))
        if name in found:
            raise EditorbotError(
                f"{found[name]} and {path} both claim the song '{name}': keep one of the two"
            )
        found[name] = path
    return found


def _if_there(path: Path) -> Path | None:
    return path if path.is_file() else None
