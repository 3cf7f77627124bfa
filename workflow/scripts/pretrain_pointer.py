"""Train the pointer network on jams simulated from finished tracks."""

from pathlib import Path

from editorbot.workflow.step import step

with step(snakemake):
    from editorbot.params import DecodeParams, MelParams, PointerParams, PretrainParams, StemsParams
    from editorbot.pointer_network.pretrain import pretrain_pointer
    from editorbot.pointer_network.songs import SongFiles

    given, inputs = snakemake.params, snakemake.input
    kinds = "mel", "pointers", "ops", "parts"
    paths = zip(*(map(Path, inputs[kind]) for kind in kinds), strict=True)
    names = [Path(path).name.removesuffix("_ops.npy") for path in inputs.ops]
    pretrain_pointer(
        [
            SongFiles(name, **dict(zip(kinds, files, strict=True)))
            for name, files in zip(names, paths, strict=True)
        ],
        params=PointerParams(**given.settings),
        pretrain=PretrainParams(**given.pretrain),
        mel=MelParams(**given.mel),
        stems=StemsParams(**given.stems),
        decode=DecodeParams(**given.decode),
        directory=Path(snakemake.output.metrics).parent,
        log_directory=Path(given.log_directory),
    )
