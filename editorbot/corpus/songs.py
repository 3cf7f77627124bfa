"""Songs on disk: pairs of raw recording and finished edit, found by the prefix of their names.

    data/input/{song}_raw.*            the raw recording, or
    data/input/{song}_raw.1.*, ...     several, numbered from 1 without a gap
    data/desired_output/{song}_edit.*  the edit made from it
    data/truth/{song}_edit.json        its EDL where that is known, as for simulated songs
    data/demo/...                      the demo songs, in the same three folders

The Snakefile reads this on each call, so nothing heavy may be imported here.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from editorbot.errors import EditorbotError

DEMO_PREFIX = "demo-"
RAW_FOLDER, EDIT_FOLDER, TRUTH_FOLDER, DEMO_FOLDER = "input", "desired_output", "truth", "demo"
_RAW = re.compile(r"(?P<song>.*)_raw(\.(?P<number>\d+))?", re.DOTALL)


class RawName(NamedTuple):
    """What the name of a raw recording says."""

    song: str
    number: int | None
    """None where it is the song's only one."""


@dataclass(frozen=True)
class Song:
    """A finished edit and the raw recordings that it was made from, in the order of their numbers.

    `truth` is the true EDL, `causes` why the rest of the raw was dropped, where they are known, as
    for simulated songs.
    """

    name: str
    raws: tuple[Path, ...]
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
        EditorbotError: Two files claim the same song and side, several raws of a song are not
            numbered without a gap, or one of the user's own takes a name that is reserved for demo
            songs.
    """
    data = Path(data)
    own = which == "own" or (which == "auto" and _has_own_songs(data))
    table = _pair(data if own else data / DEMO_FOLDER)
    reserved = [name for name in table.names if own and name.startswith(DEMO_PREFIX)]
    if reserved:
        raise EditorbotError(
            f"{table[reserved[0]].raws[0]} has a name reserved for demo songs: "
            f"rename the pair so that it does not begin with {DEMO_PREFIX}"
        )
    return table


def _has_own_songs(data: Path) -> bool:
    return bool(_raws(data / RAW_FOLDER) or _edits(data / EDIT_FOLDER))


def _pair(root: Path) -> SongTable:
    raws, edits = _raws(root / RAW_FOLDER), _edits(root / EDIT_FOLDER)
    songs = tuple(
        Song(
            name=name,
            raws=raws[name],
            edit=edits[name],
            truth=_if_there(root / TRUTH_FOLDER / f"{name}_edit.json"),
            causes=_if_there(root / TRUTH_FOLDER / f"{name}_causes.json"),
        )
        for name in sorted(raws.keys() & edits.keys())
    )
    half = [
        f"{listed(paths)} {'has' if len(paths) == 1 else 'have'} no edit: "
        f"expected {root / EDIT_FOLDER}/{name}_edit.*"
        for name, paths in sorted(raws.items())
        if name not in edits
    ] + [
        f"{path} has no raw recording: expected {root / RAW_FOLDER}/{name}_raw.*"
        for name, path in sorted(edits.items())
        if name not in raws
    ]
    return SongTable(songs=songs, half_pairs=tuple(half))


def raw_name(recording: Path) -> RawName | None:
    """Song and number of a raw recording by its name; None where it is not named as one."""
    found = _RAW.fullmatch(recording.stem)
    if found is None:
        return None
    number = found["number"]
    return RawName(_composed(found["song"]), None if number is None else int(number))


def in_order(song: str, raws: Iterable[Path]) -> tuple[Path, ...]:
    """All raws of one song in the order of their numbers.

    Raises:
        EditorbotError: They are not a single one without number, or numbered from 1 without a gap.
    """
    raws = sorted(raws)
    by_number: dict[int | None, Path] = {}
    for path in raws:
        number = raw_name(path).number
        if number in by_number:
            raise _both_claim(by_number[number], path, song)
        by_number[number] = path
    numbers = range(1, len(raws) + 1)
    if by_number.keys() not in ({None}, set(numbers)):
        raise EditorbotError(
            f"the song '{song}' has {listed(raws)}: expected one {song}_raw.* alone, or "
            f"{song}_raw.1.*, {song}_raw.2.* and so on without a gap"
        )
    return (by_number[None],) if None in by_number else tuple(by_number[n] for n in numbers)


def listed(paths: Iterable[Path]) -> str:
    """Paths for a sentence: a; a and b; a, b and c."""
    *before, last = map(str, paths)
    return f"{', '.join(before)} and {last}" if before else last


def _raws(folder: Path) -> dict[str, tuple[Path, ...]]:
    found: dict[str, list[Path]] = defaultdict(list)
    for path in _files(folder):
        name = raw_name(path)
        if name is not None:
            found[name.song].append(path)
    return {song: in_order(song, paths) for song, paths in found.items()}


def _edits(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in _files(folder):
        if not path.stem.endswith("_edit"):
            continue
        song = _composed(path.stem.removesuffix("_edit"))
        if song in found:
            raise _both_claim(found[song], path, song)
        found[song] = path
    return found


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.glob("*.*")):
        # Hidden files and DVC's own .dvc files beside the data are not recordings.
        if not path.name.startswith(".") and path.suffix != ".dvc" and path.is_file():
            yield path


def _composed(name: str) -> str:
    """One song typed on two systems may differ in how its accents are composed."""
    return unicodedata.normalize("NFC", name)


def _both_claim(first: Path, second: Path, song: str) -> EditorbotError:
    return EditorbotError(f"{first} and {second} both claim the song '{song}': keep one of the two")


def _if_there(path: Path) -> Path | None:
    return path if path.is_file() else None
