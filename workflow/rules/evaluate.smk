# Measures: of all alignments, and of the edits proposed for the held-out songs.
RAWS = [str(path) for song in TABLE.songs for path in song.raws]
EDITED = [str(song.edit) for song in TABLE.songs]
TRUTHS = [str(song.truth) if song.truth else None for song in TABLE.songs]
CAUSES = [str(SONG[name].causes) if SONG[name].causes else None for name in SPLITS.test]


rule evaluate_alignment:
    input:
        raws=ancient(RAWS),
        edited=ancient(EDITED),
        edits=expand(rules.align.output.edit, song=SONGS),
        infos=expand(rules.align.output.info, song=SONGS),
        truths=ancient([path for path in TRUTHS if path]),
    output:
        metrics="results/metrics/alignment.json",
        table=report(
            "results/plots/alignment.csv",
            caption="../report/alignment_scores.rst",
            category="Scores",
            labels={"scores": "alignment"},
        ),
    log:
        "results/logs/evaluate_alignment.log",
    benchmark:
        "results/benchmarks/evaluate_alignment.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        songs=SONGS,
        truths=TRUTHS,
        recordings=join_digests(DIGESTS[path] for path in [*RAWS, *EDITED]),
        truth_digests=join_digests(DIGESTS[path] for path in TRUTHS if path),
        code=code_of("evaluate_alignment"),
    message:
        "Measuring the alignments"
    script:
        "../scripts/evaluate_alignment.py"


rule evaluate_pointer:
    input:
        proposals=expand(rules.propose_song.output.edit, song=SPLITS.test),
        checkpoint=rules.train_pointer.output.best,
        edits=expand(rules.align.output.edit, song=SPLITS.test),
        pointers=expand(rules.pointers.output.pointers, song=SPLITS.test),
        ops=expand(rules.pointers.output.ops, song=SPLITS.test),
        decoded=expand("results/decode/{song}_raw.zarr.zip", song=SPLITS.test),
        mel=expand("results/features/{song}_raw.zarr.zip", song=SPLITS.test),
        stems_mel=expand(
            "results/stems_mel/{song}_raw.zarr.zip",
            song=SPLITS.test if LEARNS_STEMS else [],
        ),
        causes=ancient([path for path in CAUSES if path]),
    output:
        metrics="results/metrics/pointer_network.json",
        songs="results/plots/pointer_network_songs.csv",
        table=report(
            "results/plots/pointer_network.html",
            caption="../report/pointer_scores.rst",
            category="Scores",
            labels={"scores": "proposed edits, table"},
        ),
        scores=report(
            "results/plots/pointer_network_scores.png",
            caption="../report/pointer_scores.rst",
            category="Scores",
            labels={"scores": "proposed edits, by song"},
        ),
        dropped=report(
            "results/plots/pointer_network_dropped.png",
            caption="../report/pointer_dropped.rst",
            category="Scores",
            labels={"scores": "dropped material, by cause"},
        ),
    log:
        "results/logs/evaluate_pointer.log",
    benchmark:
        "results/benchmarks/evaluate_pointer.tsv"
    conda:
        "../../environment.yml"
    threads: 2
    resources:
        mem_mb=2000,
    params:
        settings=PARAMS.evaluate.model_dump(),
        mel=PARAMS.mel.model_dump(),
        songs=list(SPLITS.test),
        causes=CAUSES,
        cause_digests=join_digests(DIGESTS[path] for path in CAUSES if path),
        training_songs=len(SPLITS.train),
        code=code_of("evaluate_pointer"),
    message:
        "Scoring the proposed edits of {params.songs}"
    script:
        "../scripts/evaluate_pointer.py"


# With a single pair no song is held out to propose edits of; the splits' warning says so.
SCORES = [
    rules.evaluate_alignment.output,
    rules.evaluate_pointer.output if SPLITS.test else [],
]
