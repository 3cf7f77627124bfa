# The small Demucs that editorbot ships: trained anew from the demo songs' true parts. No other
# rule needs this one. To ship what it made, copy the output over editorbot/audio/weights/mini.


rule train_mini_demucs:
    output:
        multiext(
            "results/models/mini_demucs/shipped/",
            "model.safetensors",
            "checkpoint.json",
        ),
    log:
        "results/logs/train_mini_demucs.log",
    benchmark:
        "results/benchmarks/train_mini_demucs.tsv"
    conda:
        "../../environment.yml"
    threads: 2
    resources:
        mem_mb=6000,
        gpu=1,
    params:
        directory=lambda wildcards, output: str(Path(output[0]).parents[1]),
        log_directory="results/logs/mini_demucs",
        code=code_of("train_mini_demucs"),
    message:
        "Training the small Demucs on the demo songs"
    script:
        "../scripts/train_mini_demucs.py"
