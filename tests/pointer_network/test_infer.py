"""A raw recording in; sound, edit list and picture out."""

import numpy as np
import pytest
import soundfile
import torch

from editorbot.audio.stems import separate
from editorbot.audio.store import read_array, write_array
from editorbot.edl.serialize import read_edit
from editorbot.edl.spans import edit_of_spans
from editorbot.errors import EditorbotError
from editorbot.evaluate.playback import kept_steps
from editorbot.params import PathParams, PathSize, PointerParams, StemsParams
from editorbot.pointer_network import infer as infer_module
from editorbot.pointer_network.doors import run
from editorbot.pointer_network.infer import computed_features, infer, main, propose
from editorbot.pointer_network.path.network import PathNetwork
from editorbot.pointer_network.path.pretrained import BUNDLED
from editorbot.pointer_network.path.terms import PathDecoding
from editorbot.pointer_network.propose import load_editor
from editorbot.pointer_network.v2.decode import NEVER, Decoding
from editorbot.pointer_network.v2.model import PointerNetwork
from editorbot.pointer_network.wishes import Span, Wishes
from editorbot.train.checkpoints import save_checkpoint

from .songs import N_MELS, path_of, tiny_params, write_checkpoint

torch.set_num_threads(1)
RATE, SECONDS = 32000, 6
KEEP_ALL = Decoding(NEVER, NEVER, NEVER)
ALWAYS_LEAVE = Decoding(NEVER, cut=0.5, stop=NEVER)


def checkpoint(folder, *, stems=False, decoding=KEEP_ALL, **changes):
    """An untrained network, which with these thresholds keeps everything."""
    torch.manual_seed(0)
    model = PointerNetwork(tiny_params(**changes), n_mels=N_MELS, stems=stems)
    return write_checkpoint(folder / "best", model, stems=stems, decoding=decoding)


def recording(folder, *, channels=3):
    """Noise that swells, as 16-bit WAV of an odd rate and number of channels."""
    generator = np.random.default_rng(0)
    samples = generator.standard_normal((SECONDS * RATE, channels)) * 0.1
    samples *= 0.5 + 0.4 * np.sin(np.arange(len(samples)) / RATE * 5)[:, None]
    soundfile.write(folder / "a jam.wav", samples, RATE, subtype="PCM_16")
    return folder / "a jam.wav"


def test_samples_outside_fades_are_the_raws_to_the_bit(tmp_path, monkeypatch, capsys):
    raw, best = recording(tmp_path), checkpoint(tmp_path)
    real_steps = path_of((10, 60), (30, 100))  # of 4 frames of 11.6 ms
    monkeypatch.setattr(
        "editorbot.pointer_network.v2.propose.decode_steps", lambda *_, **__: real_steps
    )
    (proposal,) = infer(raw, checkpoint=best, output=tmp_path / "out" / "edit.wav")
    assert "learned from 2 songs with 7 cuts" in capsys.readouterr().out
    edit = read_edit(proposal.edit_list)
    assert edit == proposal.edit and len(edit.segments) == 2
    before, rate = soundfile.read(raw, dtype="int16")
    after, edited_rate = soundfile.read(proposal.sound, dtype="int16")
    assert rate == edited_rate and after.shape == (edit.samples, 3)
    same = 0
    for segment in edit.segments:
        fade_in, fade_out = segment.fade_in.samples, segment.fade_out.samples
        inside = slice(segment.out_start + fade_in, segment.out_end - fade_out)
        shift = segment.src_start - segment.out_start
        copied = before[inside.start + shift : inside.stop + shift]
        np.testing.assert_array_equal(after[inside], copied)
        same += len(copied)
    assert same > 0.98 * len(after)
    assert proposal.picture.read_bytes().startswith(b"\x89PNG")


def test_an_untrained_network_that_never_leaves_keeps_all(tmp_path):
    (edit,) = propose(recording(tmp_path), checkpoint=checkpoint(tmp_path))
    assert len(edit.segments) == 1 and edit.segments[0].src_start == 0
    assert edit.samples == pytest.approx(SECONDS * RATE, abs=0.02 * RATE)


def test_several_raws_are_one_edit_of_all_of_them(tmp_path):
    first = recording(tmp_path)
    second = tmp_path / "another.wav"
    soundfile.write(second, soundfile.read(first)[0][: 3 * RATE, :1], RATE, subtype="PCM_24")
    (edit,) = propose([first, second], checkpoint=checkpoint(tmp_path))
    assert [source.path for source in edit.sources] == [str(first), str(second)]
    assert [segment.source for segment in edit.segments] == [0, 1]
    assert edit.samples == pytest.approx((SECONDS + 3) * RATE, abs=0.03 * RATE)


def test_stems_are_separated_as_the_checkpoint_says(tmp_path, monkeypatch):
    seen = []

    def separate_and_tell(decoded, output, *, params):
        seen.append(params)
        separate(decoded, output, params=params)

    monkeypatch.setattr(infer_module, "separate", separate_and_tell)
    raw, best = recording(tmp_path, channels=1), checkpoint(tmp_path, stems=True)
    with computed_features(raw, load_editor(best)) as features:
        mel, stems = (read_array(path, "mel") for path in features)
    assert seen == [StemsParams()]
    assert stems.shape == (4, *mel.shape) and mel.shape[0] == N_MELS
    assert not features.mel.exists()


@pytest.mark.parametrize("stems", [False, True])
def test_prepared_features_give_the_same_edit_and_are_not_computed_again(
    tmp_path, monkeypatch, stems
):
    raw = recording(tmp_path, channels=1)
    # Nothing is smoothed away, so that the edit tells what the features are.
    unsmoothed = {"jitter_s": 0, "shortest_segment_s": 0, "max_length_ratio": 1}
    best = checkpoint(tmp_path, stems=stems, decoding=ALWAYS_LEAVE, **unsmoothed)
    (expected,) = infer(raw, checkpoint=best, output=tmp_path / "expected.wav")
    expected = expected.edit
    assert len(expected.segments) > 3
    with computed_features(raw, load_editor(best)) as features:
        monkeypatch.setattr(infer_module, "decode", None)
        monkeypatch.setattr(infer_module, "separate", None)
        (given,) = infer(raw, checkpoint=best, output=tmp_path / "given.wav", features=features)
        others = features._replace(mel=store_of(tmp_path, N_MELS + 1, 500))
        with pytest.raises(EditorbotError, match=r"a jam.wav: the mel has shape .* expected"):
            infer(raw, checkpoint=best, output=tmp_path / "o.wav", features=others)
        if stems:
            with pytest.raises(EditorbotError, match=r"learned with stems: .* got none"):
                bare = features._replace(stems_mel=None)
                infer(raw, checkpoint=best, output=tmp_path / "o.wav", features=bare)
    assert given.edit == expected
    assert given.sound.read_bytes() == (tmp_path / "expected.wav").read_bytes()
    assert not (tmp_path / "o.wav").exists()


def store_of(folder, *shape):
    write_array(folder / "other.zarr.zip", np.zeros(shape, np.float16), name="mel", chunks=shape)
    return folder / "other.zarr.zip"


def test_a_folder_without_a_checkpoint_ends_in_one_line(tmp_path):
    options = ["--checkpoint", str(tmp_path / "none"), "-o", str(tmp_path / "edit.wav")]
    with pytest.raises(SystemExit) as caught:
        run(lambda: main([str(recording(tmp_path)), *options]))
    assert caught.value.code == (
        f"editorbot: {tmp_path / 'none'} holds no checkpoint.json: learn from your pairs with "
        "`snakemake train_pointer`, or give the folder of a checkpoint, or `bundled`, which knows "
        "simulated jams alone"
    )
    assert not (tmp_path / "edit.wav").exists()


def test_what_is_known_before_any_pair_edits_and_says_so(tmp_path, capsys):
    raw, output = recording(tmp_path), tmp_path / "edit.wav"
    main([str(raw), "--checkpoint", "bundled", "-o", str(output)])
    says = capsys.readouterr().out
    assert says.startswith("bundled: ") and "simulated jams, none of them yours, with" in says
    edit = read_edit(output.with_suffix(".json"))
    assert 0 < edit.samples == soundfile.info(output).frames
    (weighed,) = propose(raw, checkpoint=BUNDLED)
    assert edit == weighed


def test_another_systems_checkpoint_is_refused(tmp_path):
    save_checkpoint(tmp_path / "rl", model=torch.nn.Linear(1, 1), info={"system": "rl_editor"})
    with pytest.raises(EditorbotError, match="not a version 1 checkpoint of pointer_network"):
        propose(recording(tmp_path), checkpoint=tmp_path / "rl")


def path_checkpoint(folder):
    """An untrained path model, with which anything may be kept."""
    torch.manual_seed(0)
    params = PointerParams(path=PathParams(size=PathSize(stride=4, width=8)))
    model = PathNetwork(params.path.size, stems=False)
    return write_checkpoint(
        folder / "path", model, stems=False, decoding=PathDecoding(), params=params
    )


def test_wishes_are_kept_to_and_alternatives_are_numbered(tmp_path, capsys):
    raw, best = recording(tmp_path), path_checkpoint(tmp_path)
    options = ["--checkpoint", str(best), "-o", str(tmp_path / "edit.flac")]
    wishes = ["--keep", "0:01-0:02", "--drop", "0:03-0:04", "--target-length", "3"]
    main([str(raw), *options, *wishes])
    edit = read_edit(tmp_path / "edit.json")
    assert edit.samples / edit.sample_rate == pytest.approx(3, abs=0.5)
    kept = kept_steps(edit)
    assert kept[100:200].all() and not kept[300:400].any()
    main([str(raw), *options, "--alternatives", "2"])
    assert str(tmp_path / "edit.2.flac") in capsys.readouterr().out
    assert read_edit(tmp_path / "edit.2.json") != read_edit(tmp_path / "edit.json")


@pytest.mark.parametrize(
    ("wishes", "rings"),
    [
        (Wishes(), True),
        (Wishes(drop=(Span(0, 0.5),)), True),
        (Wishes(drop=(Span(4, 5),)), False),
        (Wishes(keep=(Span(2, 3),)), False),
        (Wishes(length_s=2.5), False),
    ],
)
def test_the_last_note_rings_out_unless_a_wish_says_otherwise(tmp_path, monkeypatch, wishes, rings):
    generator, t = np.random.default_rng(0), np.arange(SECONDS * RATE) / RATE
    samples = generator.standard_normal(len(t)) * np.where(t < 3, 0.1, 0.1 * 10 ** (3 - t))
    soundfile.write(tmp_path / "jam.wav", samples, RATE)

    def ends_with_the_passage(*_, sources, **__):
        return [edit_of_spans([(0.5, 3.0)], sources)]

    monkeypatch.setattr(infer_module, "propose_from_features", ends_with_the_passage)
    (edit,) = propose(tmp_path / "jam.wav", checkpoint=path_checkpoint(tmp_path), wishes=wishes)
    end_s = edit.segments[-1].src_end / RATE
    assert end_s > 4.5 if rings else end_s == 3.0


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        (Wishes(keep=(Span(5, 7),)), "the recordings end after 6.0 s: 7 s lies beyond that"),
        (Wishes(drop=(Span(0, 6),)), "all of the recordings is to be dropped"),
        (Wishes(drop=(Span(1, 2),), length_s=5.5), "5.5 s were asked for, of recordings that hold"),
    ],
)
def test_wishes_that_cannot_be_are_refused(tmp_path, wishes, message):
    with pytest.raises(EditorbotError, match=message):
        propose(recording(tmp_path), checkpoint=path_checkpoint(tmp_path), wishes=wishes)


def test_a_network_v2_takes_no_wishes(tmp_path):
    raw, best = recording(tmp_path), checkpoint(tmp_path)
    for asked in ({"count": 2}, {"wishes": Wishes(length_s=3)}):
        with pytest.raises(EditorbotError, match="proposes one edit and takes no wishes"):
            propose(raw, checkpoint=best, **asked)
