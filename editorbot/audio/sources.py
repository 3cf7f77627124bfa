"""Recordings as sources of edits: described for a list, and found again on disk."""

from pathlib import Path

from editorbot.audio.io import probe
from editorbot.edl.model import Edit, Source
from editorbot.errors import EditorbotError
from editorbot.files import sha256


def source_of(recording: Path) -> Source:
    """A recording as the source of an edit, its path as given.

    Raises:
        AudioError: The recording cannot be read.
    """
    found = probe(recording)
    return Source(
        path=str(recording),
        sample_rate=found.sample_rate,
        channels=found.channels,
        samples=found.samples,
        sha256=sha256(recording),
    )


def with_sources_found(edit: Edit, *, beside: Path) -> Edit:
    """`edit` with each source's path leading to a file: as written, else from the folder `beside`.

    A list that was carried to another machine along with its recordings is found by their names.

    Raises:
        EditorbotError: A source is nowhere.
    """
    sources = [
        source.model_copy(update={"path": str(_find(Path(source.path), beside))})
        for source in edit.sources
    ]
    return edit.model_copy(update={"sources": tuple(sources)})


def _find(path: Path, beside: Path) -> Path:
    for candidate in (path, beside / path, beside / path.name):
        if candidate.is_file():
            return candidate
    raise EditorbotError(
        f"the source {path} was not found, neither as it is named nor in {beside}: "
        "put it there, or correct sources.path in the list"
    )
