# Practice: jams simulated from finished tracks, before any pair of the user's is learned from. No
# other rule needs these unless pointer.path.pretrained is `reference`.
MADE = made_names(PARAMS.pretrain.made)
if PARAMS.pretrain.tracks == "made":
    TRACKS = {name: f"results/pretraining/tracks/{name}.flac" for name in MADE}
else:
    TRACKS = REFERENCES
# What is held out is not practised on, under its own name.
TRACKS = {name: path for name, path in TRACKS.items() if name not in SPLITS.test}
PRACTICE = expand(
    "results/pretraining/{track}.{number}",
    track=TRACKS,
    number=range(PARAMS.pretrain.jams),
)


wildcard_constraints:
    track="|".join(map(re.escape, TRACKS)) or "(?!)",
    number=r"\d+",


rule render_track:
    output:
        track="results/pretraining/tracks/{track}.flac",
        others=expand(
            "results/pretraining/tracks/{{track}}.{number}.flac",
            number=range(1, PARAMS.pretrain.renditions),
        ),
        listed="results/pretraining/tracks/{track}_renditions.json",
    log:
        "results/logs/render_track/{track}.log",
    benchmark:
        "results/benchmarks/render_track/{track}.tsv"
    wildcard_constraints:
        track="|".join(MADE),
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1500,
    params:
        number=lambda wildcards: MADE.index(wildcards.track),
        renditions=PARAMS.pretrain.renditions,
        code=code_of("render_track"),
    message:
        "Rendering {wildcards.track}"
    script:
        "../scripts/render_track.py"


rule simulate_jam:
    input:
        unpack(renditions_of),
        track=ancient(lambda wildcards: str(TRACKS[wildcards.track])),
    output:
        mel="results/pretraining/{track}.{number}_mel.zarr.zip",
        pointers="results/pretraining/{track}.{number}_pointers.npy",
        ops="results/pretraining/{track}.{number}_ops.npy",
        parts="results/pretraining/{track}.{number}_parts.json",
    log:
        "results/logs/simulate_jam/{track}.{number}.log",
    benchmark:
        "results/benchmarks/simulate_jam/{track}.{number}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        number=lambda wildcards: int(wildcards.number),
        mel=PARAMS.mel.model_dump(),
        decode=PARAMS.decode.model_dump(),
        track=track_digest,
        code=code_of("simulate_jam"),
    message:
        "Simulating jam {wildcards.number} from {wildcards.track}"
    script:
        "../scripts/simulate_jam.py"


rule pretrain_pointer:
    input:
        mel=expand("{jam}_mel.zarr.zip", jam=PRACTICE),
        pointers=expand("{jam}_pointers.npy", jam=PRACTICE),
        ops=expand("{jam}_ops.npy", jam=PRACTICE),
        parts=expand("{jam}_parts.json", jam=PRACTICE),
    output:
        best=multiext(
            "results/models/pointer_network_pretrained/best/",
            "model.safetensors",
            "checkpoint.json",
        ),
        metrics="results/models/pointer_network_pretrained/metrics.json",
    log:
        "results/logs/pretrain_pointer.log",
    benchmark:
        "results/benchmarks/pretrain_pointer.tsv"
    conda:
        "../../environment.yml"
    threads: 8
    resources:
        mem_mb=8000,
        gpu=1,
    params:
        settings=PARAMS.pointer.model_dump(),
        pretrain=PARAMS.pretrain.model_dump(),
        mel=PARAMS.mel.model_dump(),
        stems=PARAMS.stems.model_dump(),
        decode=PARAMS.decode.model_dump(),
        tracks=list(TRACKS),
        log_directory="results/logs/pointer_network_pretrained",
        code=code_of("pretrain_pointer"),
    message:
        "Training the pointer network on simulated jams"
    script:
        "../scripts/pretrain_pointer.py"
