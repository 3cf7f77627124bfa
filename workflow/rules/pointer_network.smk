# The pointer network: learned from the training songs, applied to the held-out ones.
LEARNED = SPLITS.train + SPLITS.validation
LEARNS_STEMS = STEMS and PARAMS.pointer.stems
PRACTISES = PARAMS.pointer.path.pretrained == "reference"


rule train_pointer:
    input:
        mel=expand("results/features/{song}_raw.zarr.zip", song=LEARNED),
        pointers=expand(rules.pointers.output.pointers, song=LEARNED),
        ops=expand(rules.pointers.output.ops, song=LEARNED),
        stems_mel=expand(
            "results/stems_mel/{song}_raw.zarr.zip",
            song=LEARNED if LEARNS_STEMS else [],
        ),
        pretrained=rules.pretrain_pointer.output.best if PRACTISES else [],
    output:
        best=multiext(
            "results/models/pointer_network/best/",
            "model.safetensors",
            "checkpoint.json",
        ),
        latest=multiext(
            "results/models/pointer_network/latest/",
            "model.safetensors",
            "optimizer.safetensors",
            "checkpoint.json",
        ),
        metrics="results/models/pointer_network/metrics.json",
    log:
        "results/logs/train_pointer.log",
    benchmark:
        "results/benchmarks/train_pointer.tsv"
    conda:
        "../../environment.yml"
    threads: 8
    resources:
        mem_mb=8000,
        gpu=1,
    params:
        settings=PARAMS.pointer.model_dump(),
        mel=PARAMS.mel.model_dump(),
        stems=STEMS_SETTINGS,
        decode=PARAMS.decode.model_dump(),
        train=list(SPLITS.train),
        validation=list(SPLITS.validation),
        log_directory="results/logs/pointer_network",
        code=code_of("train_pointer"),
    message:
        "Training the pointer network on {params.train}"
    script:
        "../scripts/train_pointer.py"


rule propose_song:
    input:
        raws=ancient(raws),
        mel="results/features/{song}_raw.zarr.zip",
        stems_mel="results/stems_mel/{song}_raw.zarr.zip" if LEARNS_STEMS else [],
        checkpoint=rules.train_pointer.output.best,
    output:
        sound="results/proposals/{song}.wav",
        edit="results/proposals/{song}.json",
        picture=report(
            "results/proposals/{song}.png",
            caption="../report/proposal.rst",
            category="Proposed edits",
            labels={"song": "{song}"},
        ),
    log:
        "results/logs/propose/{song}.log",
    benchmark:
        "results/benchmarks/propose/{song}.tsv"
    conda:
        "../../environment.yml"
    threads: 2
    resources:
        mem_mb=4000,
    params:
        recordings=raws_digest,
        code=code_of("propose_song"),
    message:
        "Proposing an edit of {wildcards.song}, which was held out"
    script:
        "../scripts/propose_song.py"
