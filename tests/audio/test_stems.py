"""Separation: measured and streamed right, beside the mixture's mel; models found or asked for."""

import json
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from demucs.apply import BagOfModels, apply_model
from demucs.htdemucs import HTDemucs
from demucs.states import save_with_checksum
from safetensors.torch import save_file

from editorbot.audio import pretrained, store
from editorbot.audio.demucs_mini import MINI, WEIGHTS, load_mini
from editorbot.audio.mel import mel_store
from editorbot.audio.separate import count_segments, separate_array, separate_blocks
from editorbot.audio.si_sdr import si_sdr
from editorbot.audio.stems import STEMS, load_separator, separate, stems_mel
from editorbot.errors import EditorbotError
from editorbot.params import MelParams, StemsParams

OFFLINE_LIMIT_S = 2.0
FLOAT16_STEP = 2**-11
LARGEST_WEIGHTS = 5_000_000  # bytes, the limit that the project set itself

torch.set_num_threads(1)


def tiny_model(*, samplerate=8000, channels=2, segment=1, seed=0):
    torch.manual_seed(seed)
    settings = {"channels": 8, "nfft": 512, "depth": 2, "t_layers": 0, "bottom_channels": 0}
    model = HTDemucs(
        list(STEMS), audio_channels=channels, samplerate=samplerate, segment=segment, **settings
    )
    return model.eval()


def save_as_pretrained(model, folder: Path, *, name: str, signature: str) -> Path:
    """A model as Demucs publishes it: NAME.yaml and SIGNATURE-CHECKSUM.th; returns the latter."""
    args, kwargs = model._init_args_kwargs
    package = {"klass": HTDemucs, "args": args, "kwargs": kwargs, "state": model.state_dict()}
    folder.mkdir(parents=True, exist_ok=True)
    save_with_checksum(package, folder / f"{signature}.th")
    (folder / f"{name}.yaml").write_text(f"models: ['{signature}']\n")
    return next(folder.glob(f"{signature}-*.th"))


def decoded_store(path, audio, *, sample_rate):
    source = {"sample_rate": sample_rate, "channels": len(audio), "samples": audio.shape[1]}
    attrs = {"sample_rate": sample_rate, "sources": [source]}
    store.write_array(path, audio, name="audio", chunks=(len(audio), 2**14), attrs=attrs)
    return path


def noise(channels, samples, seed=0):
    rng = np.random.default_rng(seed)
    return (0.1 * rng.standard_normal((channels, samples))).astype(np.float32)


# SI-SDR


def test_si_sdr_of_orthogonal_noise_is_the_ratio_of_powers():
    t = np.arange(8000) / 8000
    reference, disturbance = np.sin(2 * np.pi * 100 * t), np.sin(2 * np.pi * 300 * t)
    assert si_sdr(reference + 0.1 * disturbance, reference) == pytest.approx(20.0, abs=1e-6)
    # The scale of the estimate, even its sign, must not matter.
    assert si_sdr(-7 * (reference + 0.1 * disturbance), reference) == pytest.approx(20, abs=1e-6)
    assert si_sdr(reference + 0.1 * reference, reference) > 200


def test_si_sdr_says_what_it_cannot_measure():
    with pytest.raises(ValueError, match="silent"):
        si_sdr(np.ones(10), np.zeros(10))
    with pytest.raises(ValueError, match=r"expected an estimate of shape \(10,\)"):
        si_sdr(np.ones(9), np.ones(10))


# Streaming


@pytest.mark.parametrize("samples", [1, 500, 7999, 8000, 8001, 14000, 30011])
def test_streamed_equals_demucs_own_separation(samples):
    model, mixture = tiny_model(), noise(2, samples)
    whole = apply_model(model, torch.from_numpy(mixture)[None], shifts=0, overlap=0.25)[0].numpy()
    streamed = separate_array(model, mixture)
    assert streamed.shape == (4, 2, samples)
    # Demucs pads the last, shorter segments with what lies before them.
    settled = max(0, samples - 8000)
    np.testing.assert_allclose(streamed[..., :settled], whole[..., :settled], atol=1e-5)


@pytest.mark.parametrize("block", [1000, 6000, 8000, 19999])
def test_result_does_not_depend_on_the_blocks(block):
    model, mixture = tiny_model(), noise(2, 20000)
    whole = separate_array(model, mixture)
    blocks = [mixture[:, start : start + block] for start in range(0, 20000, block)]
    np.testing.assert_array_equal(np.concatenate([*separate_blocks(model, blocks)], -1), whole)


@pytest.mark.parametrize("samples", [1, 7999, 8000, 8001, 14000, 14001, 50000])
def test_segments_are_counted_before_they_are_made(samples):
    model = tiny_model()
    assert count_segments(model, samples) == len([*separate_blocks(model, [noise(2, samples)])])


def test_memory_does_not_grow_with_length():
    model = tiny_model()
    mixture, given = noise(2, 6000), []

    def blocks():
        for index in range(12):
            given.append(index)
            yield mixture

    for count, part in enumerate(separate_blocks(model, blocks()), start=1):
        assert part.shape[-1] <= 8000
        # Nothing is read far ahead of what has been given out.
        assert len(given) * 6000 - count * 6000 <= 3 * 8000


def test_a_bag_of_models_averages_them():
    first, second = tiny_model(seed=1), tiny_model(seed=2)
    mixture = noise(2, 8000)
    mean = (separate_array(first, mixture) + separate_array(second, mixture)) / 2
    bag = BagOfModels([first, second])
    np.testing.assert_allclose(separate_array(bag, mixture), mean, atol=1e-6)


# Stores


@pytest.mark.parametrize("channels, sample_rate", [(1, 44100), (2, 48000), (4, 16000)])
def test_stems_and_their_mels_lie_beside_the_mixture(tmp_path, channels, sample_rate):
    folder = tmp_path / "models"
    save_as_pretrained(tiny_model(), folder, name="tiny", signature="ab12")
    samples = 2 * sample_rate + 317
    decoded = decoded_store(
        tmp_path / "a.zarr.zip", noise(channels, samples), sample_rate=sample_rate
    )
    stems, mel = tmp_path / "stems.zarr.zip", tmp_path / "stems_mel.zarr.zip"
    separate(decoded, stems, params=StemsParams(model="tiny", repo=str(folder)))
    array = store.open_array(stems, "stems")
    assert array.shape == (4, 2, int(samples * 8000 / sample_rate + 0.5))
    assert array.dtype == np.float16
    assert (array.attrs["sample_rate"], array.attrs["names"]) == (8000, list(STEMS))
    for params in (MelParams(), MelParams(sample_rate=16000, n_fft=512, hop_length=100, n_mels=40)):
        mel_store(decoded, tmp_path / "mel.zarr.zip", params=params)
        stems_mel(stems, mel, params=params)
        frames = store.read_array(tmp_path / "mel.zarr.zip", "mel").shape[1]
        values = store.read_array(mel, "mel")
        assert values.shape == (4, params.n_mels, frames)
        assert values.dtype == np.float16
        assert values.max() == 1
        assert values.min() >= 0


def test_each_source_of_a_store_is_separated_by_itself(tmp_path):
    folder, kept = tmp_path / "models", {"repo": str(tmp_path / "models")}
    save_as_pretrained(tiny_model(), folder, name="tiny", signature="ab12")
    parts = {"both": noise(2, 70_001), "first": None, "second": None}
    parts["first"], parts["second"] = np.split(parts["both"], [30_000], axis=1)
    found, mels = {}, {}
    for name, audio in parts.items():
        decoded = decoded_store(tmp_path / f"{name}.zarr.zip", audio, sample_rate=22050)
        if name == "both":
            lengths = [part.shape[1] for part in (parts["first"], parts["second"])]
            # Given at other rates than that of the store.
            sources = [{"sample_rate": 44100, "channels": 2, "samples": 2 * n} for n in lengths]
            attrs = {"sample_rate": 22050, "sources": sources}
            store.write_array(decoded, audio, name="audio", chunks=(2, 2**14), attrs=attrs)
        separate(decoded, tmp_path / "s.zarr.zip", params=StemsParams(model="tiny", **kept))
        stems_mel(tmp_path / "s.zarr.zip", tmp_path / "m.zarr.zip", params=MelParams())
        found[name] = store.read_array(tmp_path / "s.zarr.zip", "stems")
        mels[name] = store.read_array(tmp_path / "m.zarr.zip", "mel")
    both = np.concatenate([found["first"], found["second"]], axis=-1)
    np.testing.assert_array_equal(found["both"], both)
    frames = mels["first"].shape[-1]
    assert mels["both"].shape[-1] == frames + mels["second"].shape[-1]
    # One level for both: that of the one which has the maximum.
    parts = mels["both"][..., :frames], mels["both"][..., frames:]
    alone = [mels["first"], mels["second"]]
    loudest = int(parts[1].max() > parts[0].max())
    np.testing.assert_array_equal(parts[loudest], alone[loudest])
    assert parts[1 - loudest].max() < alone[1 - loudest].max() == 1


def test_levels_between_stems_stay_comparable(tmp_path):
    t = np.arange(44100) / 22050
    tone = np.sin(2 * np.pi * 440 * t)
    amplitudes = np.array([0.5, 0.05, 0.005, 0.0])
    stems = (amplitudes[:, None, None] * tone).astype(np.float16)
    attrs = {"sample_rate": 22050, "names": list(STEMS)}
    attrs["sources"] = [{"sample_rate": 22050, "channels": 1, "samples": len(t)}]
    path = tmp_path / "stems.zarr.zip"
    store.write_array(path, stems, name="stems", chunks=(1, 1, 10000), attrs=attrs)
    stems_mel(path, tmp_path / "mel.zarr.zip", params=MelParams())
    highest = store.read_array(tmp_path / "mel.zarr.zip", "mel").max(axis=(1, 2))
    # 20 dB of 80 a step; the last is silent.
    np.testing.assert_allclose(highest, [1, 0.75, 0.5, 0], atol=2 * FLOAT16_STEP)


# The shipped network


@pytest.fixture(scope="module")
def mini_info():
    return json.loads((WEIGHTS / "checkpoint.json").read_text())


def test_mini_is_small_and_improves_every_stem_of_held_out_songs(mini_info):
    assert sum(path.stat().st_size for path in WEIGHTS.iterdir()) < LARGEST_WEIGHTS
    assert mini_info["model"] == MINI
    assert len(mini_info["held_out"]) >= 5
    assert set(mini_info["si_sdr_improvement_db"]) == set(mini_info["held_out"])
    assert all(mini_info["si_sdr_improvement_db_mean"][stem] > 0 for stem in STEMS)


def test_mini_does_what_its_checkpoint_says(mini_info):
    """A held-out song, 12 seconds of it, rendered here and separated here."""
    from dataclasses import replace

    from editorbot.corpus.demo import demo_songs
    from editorbot.train.mini_demucs import improvement_table, render_parts

    songs = {song.name: song for song in demo_songs()}
    song = songs[mini_info["held_out"][0]]
    parts = render_parts([replace(song, max_bars=6, target_s=12.0)])
    row = improvement_table(load_mini(), parts)[song.name]
    assert all(row[stem] > 0 for stem in STEMS), row


def test_mini_weights_that_do_not_fit_are_named(tmp_path):
    (tmp_path / "checkpoint.json").write_text(
        json.dumps({"system": "mini_demucs", "model": {**MINI, "channels": 8}})
    )
    (tmp_path / "model.safetensors").write_bytes((WEIGHTS / "model.safetensors").read_bytes())
    with pytest.raises(EditorbotError, match=r"model\.safetensors does not hold"):
        load_mini(tmp_path)


# Pretrained models


def test_model_in_demucs_format_is_loaded_by_name_and_by_signature(tmp_path):
    model = tiny_model()
    save_as_pretrained(model, tmp_path, name="tiny", signature="ab12")
    mixture = noise(2, 8000)
    for name in ("tiny", "ab12"):
        loaded = load_separator(StemsParams(model=name, repo=str(tmp_path)))
        np.testing.assert_array_equal(
            separate_array(loaded, mixture), separate_array(model, mixture)
        )


def test_damaged_weights_are_one_sentence(tmp_path):
    path = save_as_pretrained(tiny_model(), tmp_path, name="tiny", signature="ab12")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(EditorbotError, match=r"tiny could not be loaded.*checksum"):
        load_separator(StemsParams(model="tiny", repo=str(tmp_path)))


@pytest.fixture
def empty_caches(tmp_path, monkeypatch):
    """A machine that has fetched nothing yet; the folder that both caches are below."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path


@pytest.fixture
def published(tmp_path, monkeypatch):
    """The tiny model in the place of htdemucs in Demucs' own list; returns its file."""
    path = save_as_pretrained(
        tiny_model(), tmp_path / "server" / "v4", name="x", signature="955717e8"
    )
    listing = tmp_path / "remote"
    listing.mkdir()
    (listing / "files.txt").write_text(f"# Models\nroot: v4/\n{path.name}\n")
    (listing / "htdemucs.yaml").write_text("models: ['955717e8']\n")
    monkeypatch.setattr(pretrained, "_remote_folder", lambda: listing)
    monkeypatch.setattr("demucs.pretrained.REMOTE_ROOT", listing)
    return path


def assert_is_tiny_model(model):
    mixture = noise(2, 4000)
    np.testing.assert_allclose(
        separate_array(model, mixture), separate_array(tiny_model(), mixture), atol=1e-6
    )


def test_model_in_torchs_cache_is_loaded_without_the_network(empty_caches, published, monkeypatch):
    monkeypatch.setattr(pretrained, "_ask", lambda urls: pytest.fail("the network was asked"))
    cache = empty_caches / "torch" / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    published.rename(cache / published.name)
    weights = pretrained.find_weights("htdemucs")
    assert (weights.place, weights.cached) == ("server", True)
    assert_is_tiny_model(load_separator(StemsParams(model="htdemucs")))


def test_model_in_hubs_cache_is_loaded_without_the_network(empty_caches, monkeypatch):
    monkeypatch.setattr(pretrained, "_ask", lambda urls: pytest.fail("the network was asked"))
    snapshot = empty_caches / "hub" / "models--adefossez--HTDemucs" / "snapshots" / "c0ffee"
    snapshot.mkdir(parents=True)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("c0ffee")
    (snapshot / "htdemucs.yaml").write_text("models: ['ab12']\n")
    # Without its weights it is not there.
    assert not pretrained._hub_cached("htdemucs")
    model = tiny_model()
    args, kwargs = model._init_args_kwargs
    about = {"klass": "demucs.htdemucs.HTDemucs"}
    about |= {"args": json.dumps(args), "kwargs": json.dumps(kwargs)}
    state = {key: value.contiguous() for key, value in model.state_dict().items()}
    save_file(state, snapshot / "ab12.safetensors", metadata=about)
    weights = pretrained.find_weights("htdemucs")
    assert (weights.place, weights.cached) == ("hub", True)
    assert_is_tiny_model(load_separator(StemsParams(model="htdemucs")))


def test_model_is_fetched_where_its_server_answers(empty_caches, published, monkeypatch):
    folder = published.parents[1]
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    monkeypatch.setattr(SimpleHTTPRequestHandler, "log_message", lambda *arguments: None)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        monkeypatch.setattr(pretrained, "SERVER", address)
        monkeypatch.setattr("demucs.pretrained.ROOT_URL", address)
        weights = pretrained.find_weights("htdemucs")
        assert (weights.place, weights.cached) == ("server", False)
        assert_is_tiny_model(load_separator(StemsParams(model="htdemucs")))
        published.unlink()
        # From now on it is in the cache; without it, the server's refusal is told.
        assert pretrained.find_weights("htdemucs").cached
        (empty_caches / "torch" / "hub" / "checkpoints" / published.name).unlink()
        with pytest.raises(EditorbotError, match=f"refused.*put {published.name} into"):
            pretrained.find_weights("htdemucs")
        server.shutdown()


def test_off_has_no_stems():
    with pytest.raises(EditorbotError, match="off"):
        load_separator(StemsParams(model="off"))


@pytest.mark.parametrize(
    "name, files, expected",
    [
        ("htdemucs", {}, "put htdemucs.yaml and 955717e8-8726e21a.th into "),
        ("htdemucs", {"htdemucs.yaml": "models: ['955717e8']"}, "put 955717e8-8726e21a.th into "),
        ("mine", {}, "put mine.yaml and the .th files it lists into "),
        ("mine", {"mine.yaml": "models: ['c0ffee']"}, "put c0ffee-CHECKSUM.th into "),
    ],
)
def test_what_a_local_folder_lacks_is_named(tmp_path, name, files, expected):
    for file, text in files.items():
        (tmp_path / file).write_text(text)
    with pytest.raises(EditorbotError) as caught:
        load_separator(StemsParams(model=name, repo=str(tmp_path)))
    assert expected + str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("content", ["- a", "models: [", "other: 1", ""])
def test_a_list_of_models_that_is_none_is_named(tmp_path, content):
    (tmp_path / "mine.yaml").write_text(content)
    with pytest.raises(EditorbotError, match=r"mine\.yaml lists no models"):
        load_separator(StemsParams(model="mine", repo=str(tmp_path)))


@pytest.mark.parametrize("name", ["my model", "a/b/c", "hf://", "hf://x/y z"])
def test_a_name_that_the_hub_does_not_allow_is_one_sentence(empty_caches, monkeypatch, name):
    monkeypatch.setattr(pretrained, "_ask", lambda urls: {})
    with pytest.raises(EditorbotError, match=f"stems.model {name} is n"):
        pretrained.find_weights(name)


ASK = """
import json, socket, sys, time
mode, name = sys.argv[1:]
import numpy, urllib.request, huggingface_hub.file_download
from editorbot.audio.stems import load_separator
from editorbot.params import StemsParams

def refused(*arguments, **options):
    raise OSError(101, "Network is unreachable")

def silent(*arguments, **options):
    time.sleep(30)

socket.socket.connect = socket.create_connection = refused if mode == "refused" else silent
socket.getaddrinfo = refused if mode == "refused" else silent
start = time.perf_counter()
try:
    load_separator(StemsParams(model=name))
except Exception as error:
    took = time.perf_counter() - start
    print(json.dumps([type(error).__name__, str(error), took, "torch" in sys.modules]), flush=True)
"""


@pytest.mark.parametrize("mode", ["refused", "silent"])
@pytest.mark.parametrize("name, file", [("htdemucs", "955717e8-8726e21a.th"), ("nosuch", None)])
def test_offline_ends_at_once_in_one_sentence(tmp_path, mode, name, file):
    """Refused: no network. Silent: a name server that never answers."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "TORCH_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", ASK, mode, name],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    kind, message, took_s, torch_imported = json.loads(done.stdout)
    assert kind == "EditorbotError"
    assert took_s < OFFLINE_LIMIT_S
    # Importing it takes longer than all of this may.
    assert not torch_imported
    assert "\n" not in message
    if file:
        assert f"put {file} into {tmp_path}/hub/checkpoints" in message
    else:
        assert "put nosuch.yaml and the .th files it lists into a folder" in message
