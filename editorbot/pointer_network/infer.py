"""Edit new raw recordings: `python -m editorbot.pointer_network.infer RAW... --checkpoint DIR`."""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import torch

from editorbot.align.picture import draw_alignment
from editorbot.audio.decode import decode
from editorbot.audio.mel import mel_store
from editorbot.audio.render import render_to
from editorbot.audio.sources import source_of
from editorbot.audio.stems import separate, stems_mel
from editorbot.audio.store import open_array
from editorbot.edl.model import Edit
from editorbot.edl.serialize import write_edit
from editorbot.files import Paths, path_list
from editorbot.nn.threads import cpu_threads
from editorbot.pointer_network.propose import PointerEditor, load_editor, propose_from_features


class Features(NamedTuple):
    """Stores of the raw side's features, as the steps that prepare songs leave them."""

    mel: Path
    stems_mel: Path | None
    """None where stems are not used."""


class Proposal(NamedTuple):
    """What `infer` wrote."""

    edit: Edit
    sound: Path
    edit_list: Path
    picture: Path


def propose(raw: Paths, *, checkpoint: Path | str) -> Edit:
    """Propose an edit of a raw recording, or of several that one edit may take from.

    Raises:
        EditorbotError: A recording or the checkpoint cannot be used, or the stems model that the
            network learned with is not there.
    """
    return _propose(path_list(raw), load_editor(checkpoint))


def infer(
    raw: Paths,
    *,
    checkpoint: Path | str,
    output: Path | str,
    features: Features | None = None,
) -> Proposal:
    """Edit a raw and write the sound, its EDL (.json) and a picture (.png) beside it.

    The sound has the rate and channels of the first recording, and equals those that have the same
    to the bit outside the crossfades.

    Args:
        raw: Any sound file, or several, which the network hears one after the other.
        checkpoint: A folder `best` of a training.
        output: The sound file to write; the suffix chooses the format.
        features: Of these very recordings, prepared with the params of the checkpoint; they are
            computed where there are none.

    Raises:
        EditorbotError: As `propose`; `features` do not fit; or an output cannot be written.
    """
    raws, output = path_list(raw), Path(output)
    editor = load_editor(checkpoint)
    print(f"{checkpoint}: {editor.describe()}")
    edit = _propose(raws, editor, features)
    proposal = Proposal(edit, output, output.with_suffix(".json"), output.with_suffix(".png"))
    render_to(edit, output)
    write_edit(proposal.edit_list, edit)
    title = f"Proposed edit of {raws[0].name}"
    if len(raws) > 1:
        title += f" and {len(raws) - 1} more"
    draw_alignment(edit, output, proposal.picture, title=title)
    return proposal


def _propose(raws: list[Path], editor: PointerEditor, features: Features | None = None) -> Edit:
    if features is None:
        with computed_features(raws, editor) as features:
            return _propose(raws, editor, features)
    mel, stems = (None if x is None else open_array(x, "mel") for x in features)
    return propose_from_features(editor, mel, stems, sources=list(map(source_of, raws)))


@contextmanager
def computed_features(raw: Paths, editor: PointerEditor) -> Iterator[Features]:
    """Compute features by the very steps that prepare songs; they go when the block ends."""
    with tempfile.TemporaryDirectory(prefix="editorbot-") as folder:
        decoded, mel, separated, by_stem = (Path(folder) / f"{n}.zarr.zip" for n in "dmsb")
        # As the pipeline's steps: what is small is slower with more threads.
        with cpu_threads(1):
            decode(
                raw,
                decoded,
                sample_rate=editor.decode.sample_rate,
                channels=editor.decode.channels,
            )
            mel_store(decoded, mel, params=editor.mel)
        if editor.stems is None:
            yield Features(mel, None)
            return
        with cpu_threads(1 if editor.stems.model == "mini" else torch.get_num_threads()):
            separate(decoded, separated, params=editor.stems)
        decoded.unlink()
        with cpu_threads(1):
            stems_mel(separated, by_stem, params=editor.mel)
        separated.unlink()
        yield Features(mel, by_stem)


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m editorbot.pointer_network.infer",
        description="Edit raw recordings with a trained pointer network.",
        epilog="example: python -m editorbot.pointer_network.infer jam.wav "
        "--checkpoint results/models/pointer_network/best --output jam_edit.wav",
    )
    parser.add_argument("raw", type=Path, nargs="+", help="recordings to take from")
    parser.add_argument("--checkpoint", type=Path, required=True, help="folder of a checkpoint")
    parser.add_argument("-o", "--output", type=Path, required=True, help="sound file to write")
    given = parser.parse_args(arguments)
    proposal = infer(given.raw, checkpoint=given.checkpoint, output=given.output)
    print(f"{proposal.sound}\n{proposal.edit_list}\n{proposal.picture}")


if __name__ == "__main__":
    from editorbot.pointer_network.doors import run

    run(main)
