"""Practice on jams simulated from finished tracks comes before the songs are learned from."""

from collections import Counter

import numpy as np
import soundfile

from editorbot.corpus.jams import JamFiles, make_jam
from editorbot.params import load_params

from .test_provenance import imports_are_covered
from .workspace import RATE

BEAT_S, BEATS = 0.5, 96


def finished_track(path, *, seed):
    """Bars of four beats, the first of them louder, on a chord that changes from bar to bar."""
    random, beat = np.random.default_rng(seed), int(BEAT_S * RATE)
    time = np.arange(beat) / RATE
    sound = []
    for number in range(BEATS):
        if number % 4 == 0:
            chord = 110 * 2 ** (random.integers(0, 24, 3) / 12)
        tones = np.sin(2 * np.pi * chord[:, None] * time).sum(axis=0)
        click = random.standard_normal(beat) * np.exp(-60 * time)
        sound.append((1 + (number % 4 == 0)) * (0.1 * tones * np.exp(-3 * time) + 0.15 * click))
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.concatenate(sound), RATE, subtype="PCM_16")


def test_tracks_are_made_to_practise_on(workspace):
    workspace.set_params(pretrain={"tracks": "made", "made": 3, "jams": 1, "steps": 1})
    assert workspace.jobs("pretrain_pointer") == Counter(
        {"render_track": 3, "simulate_jam": 3, "pretrain_pointer": 1}
    )
    workspace.snakemake("pretrain_pointer")
    practised = workspace.read_json(
        "results/models/pointer_network_pretrained/best/checkpoint.json"
    )
    assert practised["data"]["songs"] == ["practice-001.0", "practice-002.0"]
    assert practised["data"]["validation_songs"] == ["practice-000.0"]
    imports_are_covered(workspace, "render_track")

    # The jam of the third, that its dice make of takes that are played, is made of the renditions
    # that lie beside the track.
    params = load_params(workspace.path / "params.yaml")
    tracks = workspace.path / "results/pretraining/tracks"
    jam = JamFiles(
        *(workspace.path / f"jam_{name}" for name in ("mel", "pointers", "ops", "parts"))
    )
    lengths = []
    for renditions in (tracks / "practice-002_renditions.json", None):
        make_jam(
            tracks / "practice-002.flac",
            jam,
            number=0,
            mel=params.mel,
            decoding=params.decode,
            renditions=renditions,
        )
        lengths.append(len(np.load(jam.pointers)))
    made = np.load(workspace.path / "results/pretraining/practice-002.0_pointers.npy")
    assert len(made) == lengths[0] != lengths[1]

    # Another one beside them is made alone.
    workspace.set_params(pretrain={"tracks": "made", "made": 4, "jams": 1, "steps": 1})
    assert workspace.jobs("pretrain_pointer") == Counter(
        {"render_track": 1, "simulate_jam": 1, "pretrain_pointer": 1}
    )


def test_a_network_practises_on_references_before_it_learns(workspace):
    references = workspace.path / "data/reference"
    for seed, name in enumerate(["one", "another"]):
        finished_track(references / f"{name}.wav", seed=seed)
    (references / "licence.txt").write_text("theirs")
    held_out = workspace.read_json("results/splits.json")["test"]
    finished_track(references / f"{held_out[0]}.wav", seed=9)
    workspace.set_params(
        pretrain={"jams": 1, "steps": 1}, pointer={"path": {"pretrained": "reference"}}
    )
    assert workspace.jobs("train_pointer") == Counter(
        {"simulate_jam": 2, "pretrain_pointer": 1, "train_pointer": 1}
    )
    workspace.snakemake("train_pointer")
    info = workspace.read_json("results/models/pointer_network/best/checkpoint.json")
    practised = workspace.read_json(
        "results/models/pointer_network_pretrained/best/checkpoint.json"
    )
    assert info["data"]["pretrained"] == practised["data"]["digest"]
    assert practised["data"]["songs"] == ["one.0"]
    for rule in ("simulate_jam", "pretrain_pointer"):
        imports_are_covered(workspace, rule)

    # Another recording under the same name is another track.
    finished_track(references / "one.wav", seed=7)
    assert workspace.jobs("train_pointer")["simulate_jam"] == 1
