"""Edit new raw recordings: `python -m editorbot.pointer_network.infer RAW... --checkpoint DIR`."""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import torch

from editorbot.align.picture import draw_alignment
from editorbot.audio.decode import decode
from editorbot.audio.joins import matched
from editorbot.audio.mel import mel_store
from editorbot.audio.render import render_to
from editorbot.audio.ring_out import rung_out
from editorbot.audio.sources import source_of
from editorbot.audio.stems import separate, stems_mel
from editorbot.audio.store import open_array
from editorbot.edl.model import Edit
from editorbot.edl.raw_axis import bounds_s
from editorbot.edl.serialize import write_edit
from editorbot.errors import EditorbotError
from editorbot.files import Paths, path_list
from editorbot.nn.threads import cpu_threads
from editorbot.pointer_network.propose import PointerEditor, load_editor, propose_from_features
from editorbot.pointer_network.wishes import Wishes, read_span, read_time


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


def propose(
    raw: Paths, *, checkpoint: Path | str, wishes: Wishes | None = None, count: int = 1
) -> list[Edit]:
    """Propose edits of a raw recording, or of several that one edit may take from.

    Args:
        raw: Any sound file, or several.
        checkpoint: A folder `best` of a training, or `bundled`; see `load_editor`.
        wishes: What the edits must satisfy.
        count: How many are wanted; there may be fewer, the best one first.

    Raises:
        EditorbotError: A recording or the checkpoint cannot be used, or the stems model that the
            network learned with is not there, or a wish lies beyond the recordings.
    """
    return _propose(path_list(raw), load_editor(checkpoint), wishes or Wishes(), count)


def infer(
    raw: Paths,
    *,
    checkpoint: Path | str,
    output: Path | str,
    features: Features | None = None,
    wishes: Wishes | None = None,
    count: int = 1,
) -> list[Proposal]:
    """Edit a raw and write the sound, its EDL (.json) and a picture (.png) beside it.

    The sound has the rate and channels of the first recording, and equals those that have the same
    to the bit outside the crossfades. A second alternative is written to `{output}.2`, and so on.

    Args:
        raw: Any sound file, or several, which the network hears one after the other.
        checkpoint: A folder `best` of a training, or `bundled`; see `load_editor`.
        output: The sound file to write; the suffix chooses the format.
        features: Of these very recordings, prepared with the params of the checkpoint; they are
            computed where there are none.
        wishes: What the edits must satisfy.
        count: How many alternatives are wanted; there may be fewer, the best one first.

    Raises:
        EditorbotError: As `propose`; `features` do not fit; or an output cannot be written.
    """
    raws, output = path_list(raw), Path(output)
    editor = load_editor(checkpoint)
    print(f"{checkpoint}: {editor.describe()}")
    edits = _propose(raws, editor, wishes or Wishes(), count, features)
    if len(edits) < count:
        print(f"only {len(edits)} of {count} edits differ enough to be worth a listen")
    return [_write(edit, _numbered(output, n), raws) for n, edit in enumerate(edits, start=1)]


def _numbered(output: Path, number: int) -> Path:
    return output if number == 1 else output.with_name(f"{output.stem}.{number}{output.suffix}")


def _write(edit: Edit, output: Path, raws: list[Path]) -> Proposal:
    edit_list, picture = (output.with_name(f"{output.stem}{end}") for end in (".json", ".png"))
    proposal = Proposal(edit, output, edit_list, picture)
    render_to(edit, output)
    write_edit(proposal.edit_list, edit)
    title = f"Proposed edit of {raws[0].name}"
    if len(raws) > 1:
        title += f" and {len(raws) - 1} more"
    draw_alignment(edit, output, proposal.picture, title=title)
    return proposal


def _propose(
    raws: list[Path],
    editor: PointerEditor,
    wishes: Wishes,
    count: int,
    features: Features | None = None,
) -> list[Edit]:
    sources = [source_of(raw) for raw in raws]
    _check_wishes(wishes, float(bounds_s(sources)[-1]))
    if features is None:
        with computed_features(raws, editor) as features:
            return _propose(raws, editor, wishes, count, features)
    mel, stems = (None if x is None else open_array(x, "mel") for x in features)
    edits = propose_from_features(editor, mel, stems, sources=sources, wishes=wishes, count=count)
    fixed_s = [instant_s for span in (*wishes.keep, *wishes.drop) for instant_s in span]
    if wishes.length_s is None:
        edits = [rung_out(edit, fixed_s=fixed_s) for edit in edits]
    return [matched(edit, fixed_s=fixed_s) for edit in edits]


def _check_wishes(wishes: Wishes, duration_s: float) -> None:
    late = [span for span in (*wishes.keep, *wishes.drop) if span.end_s > duration_s]
    if late:
        raise EditorbotError(
            f"the recordings end after {duration_s:.1f} s: {late[0].end_s:g} s lies beyond that"
        )
    wanted, dropped = wishes.length_s, sum(end - start for start, end in wishes.drop)
    if dropped >= duration_s:
        raise EditorbotError("all of the recordings is to be dropped: leave something to keep")
    if wanted is not None and wanted > duration_s - dropped:
        raise EditorbotError(
            f"{wanted:g} s were asked for, of recordings that hold {duration_s - dropped:.1f} s "
            "without what is to be dropped: ask for less"
        )


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
    parser.add_argument("--checkpoint", required=True, help="folder of a checkpoint, or bundled")
    parser.add_argument("-o", "--output", type=Path, required=True, help="sound file to write")
    parser.add_argument("--target-length", help="how long the edit is to be, as 4:30")
    parser.add_argument("--keep", action="append", help="what is kept in any case, as 1:20-1:45")
    parser.add_argument("--drop", action="append", help="what is dropped in any case")
    parser.add_argument("--alternatives", type=int, default=1, help="how many different edits")
    given = parser.parse_args(arguments)
    proposals = infer(
        given.raw,
        checkpoint=given.checkpoint,
        output=given.output,
        wishes=read_wishes(given.keep, given.drop, given.target_length),
        count=given.alternatives,
    )
    for proposal in proposals:
        print(f"{proposal.sound}\n{proposal.edit_list}\n{proposal.picture}")


def read_wishes(
    keep: Sequence[str] | None, drop: Sequence[str] | None, length: str | None
) -> Wishes:
    """Wishes as they are written on a command line.

    Raises:
        EditorbotError: A time or a span cannot be read, or they contradict each other.
    """
    return Wishes(
        keep=tuple(map(read_span, keep or ())),
        drop=tuple(map(read_span, drop or ())),
        length_s=None if length is None else read_time(length),
    )


if __name__ == "__main__":
    from editorbot.pointer_network.doors import run

    run(main)
