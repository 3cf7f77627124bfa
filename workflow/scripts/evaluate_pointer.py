"""Score the proposed edits of the held-out songs beside the trivial baselines."""

from pathlib import Path

from editorbot.workflow.step import step

with step(snakemake):
    from editorbot.edl.serialize import read_edit
    from editorbot.evaluate.frame_accuracy import frame_accuracy
    from editorbot.evaluate.pointer import HeldOutSong, ReportFiles, evaluate_pointer
    from editorbot.params import EvaluateParams, MelParams
    from editorbot.pointer_network.songs import SongFiles

    inputs, given = snakemake.input, snakemake.params
    songs, prepared, proposals = [], [], {}
    for index, name in enumerate(given.songs):
        mel, stems = Path(inputs.mel[index]), inputs.stems_mel[index : index + 1]
        prepared.append(
            SongFiles(
                name,
                mel=mel,
                pointers=Path(inputs.pointers[index]),
                ops=Path(inputs.ops[index]),
                stems_mel=Path(stems[0]) if stems else None,
            )
        )
        causes = Path(given.causes[index]) if given.causes[index] else None
        human, decoded = read_edit(inputs.edits[index]), Path(inputs.decoded[index])
        songs.append(HeldOutSong(name, human, decoded, mel, causes))
        proposals[name] = read_edit(inputs.proposals[index])
    evaluate_pointer(
        songs,
        proposals,
        accuracy=frame_accuracy(Path(inputs.checkpoint[0]).parent, prepared),
        training_songs=given.training_songs,
        outputs=ReportFiles(**{name: Path(path) for name, path in snakemake.output.items()}),
        params=EvaluateParams(**given.settings),
        mel=MelParams(**given.mel),
    )
