"""Which songs are learned from, which choose the checkpoint, and which are held out.

Songs are split whole, and a song's versions stay together: two takes of one song share nearly all
of their sound, so a version in training would give its held-out sister away.

Versions. Names are versions of one song if they are equal, in any case, after one or more of these
endings were taken off: a bracket such as "(live)" or "[remaster]"; a dot and one or two digits
(".2"); and, after a space, "-", "_" or ".", one of the words live, demo, acoustic, alt,
alternative, rough, final, remaster, remastered, remix, or one of v, ver, version, take, tk, mix,
jam, sim, rev with a number, which a space, "-", "_" or "." may set apart. A bare number after a
space, "-" or "_" is no version: "song_1" and "song_2" are two songs.

Order. Songs are ranked by a hash of the seed and their base name; the first are the test songs, the
next the validation songs, the rest the training songs. A rank does not depend on other songs, so
an added song pushes at most one song across each border.

Numbers. With five songs or more: the params' shares, rounded, but at least two test songs, one
validation song and one training song. With four: 2 training, 1 validation, 1 test; three: 1, 1, 1;
two: 1 training, 1 test; one: 1 training. `Splits.warning` says what so few songs cannot show.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from editorbot.errors import EditorbotError
from editorbot.files import read_json, write_json

_WORDS = "live|demo|acoustic|alt|alternative|rough|final|remaster|remastered|remix"
_NUMBERED = "v|ver|version|take|tk|mix|jam|sim|rev"
_VERSION = re.compile(
    rf"(\s*[-_.]?\s*(\([^()]*\)|\[[^\[\]]*\])|\.\d{{1,2}}|[\s._-]+({_WORDS})"
    rf"|[\s._-]+({_NUMBERED})[\s._-]*\d+)$",
    re.IGNORECASE,
)
_FEW_SONGS = {
    # songs: (test, validation, warning)
    1: (0, 0, "only one song: it is trained on, and nothing can be validated or tested"),
    2: (1, 0, "only two songs: none is left to choose the best checkpoint by"),
    3: (1, 1, "only three songs: one test song shows little"),
    4: (1, 1, "only four songs: one test song shows little"),
}
MIN_TEST, MIN_VALIDATION, MIN_TRAIN = 2, 1, 1


@dataclass(frozen=True)
class Splits:
    """Names of the songs in each part, sorted; `warning` is None where the parts suffice."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    warning: str | None = None


def base_name(name: str) -> str:
    """The song that `name` is a version of, in lower case; see the module's docstring."""
    base = unicodedata.normalize("NFC", name).strip().casefold()
    while True:
        shorter = _VERSION.sub("", base).strip()
        # A name that is nothing but a version ("(live)", "take 2") is a song of that name.
        if not shorter or shorter == base:
            return base
        base = shorter


def split_songs(
    names: Iterable[str],
    *,
    held_out: float,
    validation: float,
    seed: int = 0,
) -> Splits:
    """Split songs by name; `held_out` and `validation` are shares of the songs, 0 to 1.

    Shares and least numbers count songs, so a song with many versions counts once.

    Raises:
        EditorbotError: There is no song, or the shares leave nothing to train on.
    """
    if held_out + validation >= 1:
        raise EditorbotError(
            f"splits.held_out {held_out} and splits.validation {validation} leave nothing to "
            "train on: expected a sum below 1"
        )
    versions: dict[str, list[str]] = {}
    for name in sorted(set(names)):
        versions.setdefault(base_name(name), []).append(name)
    if not versions:
        raise EditorbotError("there is no complete pair to split: expected at least one song")
    ranked = sorted(versions, key=lambda base: _rank(base, seed))
    tests, validations, warning = _counts(len(ranked), held_out, validation)
    parts = (ranked[tests + validations :], ranked[tests : tests + validations], ranked[:tests])
    train, valid, test = (tuple(sorted(n for base in p for n in versions[base])) for p in parts)
    return Splits(train=train, validation=valid, test=test, warning=warning)


def _rank(base: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}/{base}".encode()).hexdigest()


def _counts(songs: int, held_out: float, validation: float) -> tuple[int, int, str | None]:
    """Numbers of test and validation songs, and the warning."""
    if songs in _FEW_SONGS:
        return _FEW_SONGS[songs]
    tests = min(max(MIN_TEST, round(held_out * songs)), songs - MIN_VALIDATION - MIN_TRAIN)
    validations = min(max(MIN_VALIDATION, round(validation * songs)), songs - tests - MIN_TRAIN)
    return tests, validations, None


def write_splits(path: Path | str, splits: Splits) -> None:
    """Write the splits as JSON."""
    write_json(path, asdict(splits))


def read_splits(path: Path | str) -> Splits:
    """Read the splits that `write_splits` wrote.

    Raises:
        EditorbotError: The file is missing or holds something else.
    """
    values = read_json(path)
    try:
        parts = {part: tuple(values[part]) for part in ("train", "validation", "test")}
        return Splits(**parts, warning=values["warning"])
    except (TypeError, KeyError) as error:
        raise EditorbotError(
            f"{path} is not a split of songs: expected train, validation, test and warning"
        ) from error
