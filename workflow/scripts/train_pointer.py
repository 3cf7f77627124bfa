"""Train the pointer network on the prepared songs."""

from itertools import zip_longest
from pathlib import Path

from editorbot.workflow.step import step

with step(snakemake):
    from editorbot.params import DecodeParams, MelParams, PointerParams, StemsParams
    from editorbot.pointer_network.songs import SongFiles
    from editorbot.pointer_network.train import train_pointer

    given, inputs = snakemake.params, snakemake.input
    names = given.train + given.validation
    paths = (map(Path, files) for files in (inputs.mel, inputs.pointers, inputs.ops))
    # Without stems the last list is empty, and each song's path there None.
    stems_mel = map(Path, inputs.stems_mel)
    songs = [SongFiles(*files) for files in zip_longest(names, *paths, stems_mel)]
    train_pointer(
        songs[: len(given.train)],
        songs[len(given.train) :],
        params=PointerParams(**given.settings),
        mel=MelParams(**given.mel),
        stems=StemsParams(**given.stems),
        decode=DecodeParams(**given.decode),
        directory=Path(snakemake.output.metrics).parent,
        log_directory=Path(given.log_directory),
    )
