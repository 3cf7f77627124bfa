# What the human editor did, by song.


rule align:
    input:
        raws=ancient(raws),
        edit=ancient(edited),
    output:
        edit="results/pointers/{song}_edit.json",
        info="results/pointers/{song}_info.json",
        picture=report(
            "results/pointers/{song}_alignment.png",
            caption="../report/alignment.rst",
            category="Alignment",
            labels={"song": "{song}"},
        ),
    log:
        "results/logs/align/{song}.log",
    benchmark:
        "results/benchmarks/align/{song}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=4000,
    params:
        settings=PARAMS.align.model_dump(),
        recordings=pair_digest,
        code=code_of("align"),
    message:
        "Aligning the edit of {wildcards.song} with its raw"
    script:
        "../scripts/align.py"


rule pointers:
    input:
        rules.align.output.edit,
    output:
        pointers="results/pointers/{song}_pointers.npy",
        ops="results/pointers/{song}_ops.npy",
    log:
        "results/logs/pointers/{song}.log",
    benchmark:
        "results/benchmarks/pointers/{song}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=500,
    params:
        # Pointers count mel frames; how many mels a frame has is no matter here.
        settings=PARAMS.mel.model_dump(include={"sample_rate", "hop_length"}),
        code=code_of("pointers"),
    message:
        "Taking pointers and ops of {wildcards.song}"
    script:
        "../scripts/pointers.py"


rule splits:
    output:
        "results/splits.json",
    log:
        "results/logs/splits.log",
    benchmark:
        "results/benchmarks/splits.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=200,
    params:
        settings=PARAMS.splits.model_dump(),
        songs=SONGS,
        code=code_of("splits"),
    message:
        "Splitting the songs"
    script:
        "../scripts/splits.py"


PREPARED = expand(rules.pointers.output, song=SONGS) + expand(
    "results/features/{song}_{side}.zarr.zip", song=SONGS, side=SIDES
)
if STEMS:
    PREPARED += expand(
        "results/stems_mel/{song}_{side}.zarr.zip", song=SONGS, side=STEMS_SIDES
    )
