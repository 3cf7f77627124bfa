# Recordings to features, by song and side.


rule decode:
    input:
        ancient(recordings),
    output:
        "results/decode/{song}_{side}.zarr.zip",
    log:
        "results/logs/decode/{song}_{side}.log",
    benchmark:
        "results/benchmarks/decode/{song}_{side}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=500,
    params:
        settings=PARAMS.decode.model_dump(),
        recordings=side_digest,
        code=code_of("decode"),
    message:
        "Decoding {wildcards.song} ({wildcards.side})"
    script:
        "../scripts/decode.py"


rule mel:
    input:
        rules.decode.output,
    output:
        "results/features/{song}_{side}.zarr.zip",
    log:
        "results/logs/mel/{song}_{side}.log",
    benchmark:
        "results/benchmarks/mel/{song}_{side}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        settings=PARAMS.mel.model_dump(),
        code=code_of("mel"),
    message:
        "Computing the mel spectrogram of {wildcards.song} ({wildcards.side})"
    script:
        "../scripts/mel.py"
