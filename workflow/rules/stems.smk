# Stems and their features, by song and side; not part of the pipeline where stems are off.


rule stems:
    input:
        rules.decode.output,
    output:
        "results/stems/{song}_{side}.zarr.zip",
    log:
        "results/logs/stems/{song}_{side}.log",
    benchmark:
        "results/benchmarks/stems/{song}_{side}.tsv"
    conda:
        "../../environment.yml"
    # The small model is done sooner with two recordings side by side.
    threads: 1 if PARAMS.stems.model == "mini" else 4
    resources:
        mem_mb=4000,
        gpu=1,
    params:
        settings=STEMS_SETTINGS,
        code=code_of("stems"),
    message:
        "Separating {wildcards.song} ({wildcards.side}) into stems"
    script:
        "../scripts/stems.py"


rule stems_mel:
    input:
        rules.stems.output,
    output:
        "results/stems_mel/{song}_{side}.zarr.zip",
    log:
        "results/logs/stems_mel/{song}_{side}.log",
    benchmark:
        "results/benchmarks/stems_mel/{song}_{side}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        settings=PARAMS.mel.model_dump(),
        code=code_of("stems_mel"),
    message:
        "Computing the mel spectrograms of the stems of {wildcards.song} ({wildcards.side})"
    script:
        "../scripts/stems_mel.py"
