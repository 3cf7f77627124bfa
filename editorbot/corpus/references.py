"""Finished tracks without raws, in data/reference: what jams are simulated from.

The Snakefile reads this on each call, so nothing heavy may be imported here.
"""

from pathlib import Path

from editorbot.errors import EditorbotError

REFERENCE_FOLDER = "reference"
_FORMATS = "aac aif aiff flac m4a mka mp3 mp4 oga ogg opus w64 wav wma wv"
SUFFIXES = frozenset(f".{name}" for name in _FORMATS.split())


def find_references(data: Path | str) -> dict[str, Path]:
    """Tracks below the folder `data` by their names without suffix, sorted.

    Other files beside them, such as licences, do not count.

    Raises:
        EditorbotError: Two tracks have one name, or a name has what the pipeline cannot take.
    """
    tracks: dict[str, Path] = {}
    for path in sorted((Path(data) / REFERENCE_FOLDER).glob("*")):
        if path.suffix.lower() not in SUFFIXES:
            continue
        if path.stem in tracks:
            raise EditorbotError(
                f"{tracks[path.stem]} and {path} have one name: rename one of them"
            )
        if "{" in path.stem or "}" in path.stem:
            raise EditorbotError(
                f"{path} has a curly bracket in its name, which the pipeline cannot take: rename it"
            )
        tracks[path.stem] = path
    return tracks


def made_names(count: int) -> list[str]:
    """Names of tracks that are made to practise on, by their numbers."""
    return [f"practice-{number:03d}" for number in range(count)]
