# One HTML file with everything that can be looked at, which opens without a network.


rule report:
    input:
        SCORES,
        PREPARED,
        rules.splits.output,
        expand(rules.propose_song.output, song=SPLITS.test),
    output:
        "results/report.html",
    log:
        "results/logs/report.log",
    benchmark:
        "results/benchmarks/report.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        settings=PARAMS.model_dump(mode="json"),
        code=code_of("report"),
    message:
        "Writing the report"
    script:
        "../scripts/report.py"
