"""Draw what the path model hears of a raw recording, says of it, and makes of that.

    python docs/draw_pointer_network.py data/demo/input/SONG_raw.wav \\
        --checkpoint results/models/pointer_network/best \\
        --human data/demo/truth/SONG_edit.json --output docs/images/pointer_network.png
"""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Arc
from scipy.special import expit

from editorbot.audio.store import open_array
from editorbot.edl.model import Edit
from editorbot.edl.serialize import read_edit
from editorbot.pointer_network.infer import computed_features, propose
from editorbot.pointer_network.path.answers import answers_of
from editorbot.pointer_network.path.features import features_of
from editorbot.pointer_network.path.repeats import PARTNERS, Repeats
from editorbot.pointer_network.propose import load_editor

ARC_EVERY_S, SHORTEST_AGREED_S = 0.7, 3.0


def main() -> None:
    """Read the arguments and draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("raw", type=Path)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--human", type=Path, help="the person's edit list")
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args()
    edits = {"proposed": propose(given.raw, checkpoint=given.checkpoint)[0]}
    if given.human:
        edits["the person's"] = read_edit(given.human)
    draw(given.raw, given.checkpoint, edits, given.output)


def draw(raw: Path, checkpoint: Path, edits: dict[str, Edit], output: Path) -> None:
    """One picture of four rows over the raw's time."""
    editor = load_editor(checkpoint)
    stride = editor.model.size.stride
    with computed_features(raw, editor) as stores:
        mel = np.asarray(open_array(stores.mel, "mel")[:])
    features = features_of(mel, stride=stride, grid=editor.grid)
    answers = answers_of(editor.model, features, None)
    step_s = stride * editor.grid.seconds
    seconds = features.steps * step_s
    figure, rows = plt.subplots(
        4, 1, figsize=(14, 8), sharex=True, height_ratios=[2, 1.4, 1.6, 0.8], layout="constrained"
    )
    rows[0].imshow(
        features.mel.T.astype(np.float32),
        origin="lower",
        aspect="auto",
        extent=(0, seconds, 0, features.mel.shape[1]),
        cmap="magma",
    )
    rows[0].set_ylabel("mel band")
    _draw_partners(rows[1], features.repeats, step_s)
    _draw_answers(rows[2], answers, editor.decoding.temperature, step_s)
    _draw_edits(rows[3], edits)
    rows[3].set_xlabel("seconds of the raw")
    rows[0].set_xlim(0, seconds)
    rows[0].set_title(f"{raw.name}: what the path model hears, says, and makes of it")
    output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(output, dpi=85)
    plt.close(figure)


def _draw_partners(axes: plt.Axes, repeats: Repeats, step_s: float) -> None:
    """An arc from a step to the one that plays it again, in the longest stretch that does so."""
    later = slice(PARTNERS // 2)
    agreed_s = step_s * (repeats.behind + repeats.ahead)[:, later]
    highest = 1.0
    for step in range(0, len(agreed_s), max(1, round(ARC_EVERY_S / step_s))):
        longest = int(agreed_s[step].argmax())
        if agreed_s[step, longest] < SHORTEST_AGREED_S:
            continue
        length = step_s * float(repeats.partners[step, longest] - step)
        highest = max(highest, length)
        middle = step * step_s + length / 2
        axes.add_patch(Arc((middle, 0), length, 2 * length, theta2=180, alpha=0.5, lw=0.7))
    axes.set(ylim=(0, highest * 1.05), ylabel="played again\nso much later, s")


def _draw_answers(axes: plt.Axes, answers, temperature: float, step_s: float) -> None:
    times = (np.arange(len(answers.keep)) + 0.5) * step_s
    axes.fill_between(times, expit(answers.keep / temperature), color="tab:blue", alpha=0.3, lw=0)
    for name, color in (("start", "tab:green"), ("end", "tab:red")):
        axes.plot(times, expit(getattr(answers, name)), color=color, lw=1, label=name)
    axes.fill_between([], [], color="tab:blue", alpha=0.3, label="keep")
    axes.set(ylim=(0, 1.02), ylabel="probability")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, fontsize=8, frameon=False)


def _draw_edits(axes: plt.Axes, edits: dict[str, Edit]) -> None:
    """A bar for each run that is played, with its place in the edit."""
    for row, edit in enumerate(edits.values()):
        rate = edit.sources[0].sample_rate
        for number, segment in enumerate(s for s in edit.segments if s.has_source):
            start, end = segment.src_start / rate, segment.src_end / rate
            axes.barh(row, end - start, left=start, height=0.7, color=f"C{number % 10}")
            axes.text((start + end) / 2, row, str(number + 1), ha="center", va="center", size=8)
    axes.set_yticks(range(len(edits)), list(edits))
    axes.set_ylim(len(edits) - 0.5, -0.5)


if __name__ == "__main__":
    main()
