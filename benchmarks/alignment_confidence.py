"""Confidences of alignment: fits them to pairs with known lists, and shows how far they hold.

    python benchmarks/alignment_confidence.py --music data/reference --folder build/confidence

Hardly any run of a list is far from where it should be, so that nothing would teach what that looks
like: of each list one segment more is measured as if it were played from elsewhere, and counts as
wrong, but for little.

Pairs come from both generators of `benchmarks/alignment.py`, most of the hard and mastered levels,
as hardly anything is wrong at the others, and half of those worse still: under loud noise, in a low
bit rate. A third of the simulation's raws repeat themselves to the sample. Weights are fitted on
pairs of even tracks and tried on pairs of odd ones; a table per kind and generator compares what is
said with what is right. `--write` puts the weights where `editorbot align` reads them.

What was measured is kept in the folder, so that another run only adds pairs.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
from alignment_pairs import Pair, random_pair, simulated_pair
from sklearn.linear_model import LogisticRegression

from editorbot.align.align import Alignment, align
from editorbot.align.cut_grounds import CutGrounds, with_odds
from editorbot.align.features import compute_features
from editorbot.align.grounds import measure_grounds
from editorbot.align.rating import KINDS, MODELS_JSON, Model
from editorbot.align.replay import Sound
from editorbot.align.segment_grounds import SegmentGrounds, StretchedGrounds
from editorbot.align.sides import open_pair
from editorbot.audio import io
from editorbot.errors import EditorbotError
from editorbot.evaluate.calibration import cuts_right, reliability, segments_right
from editorbot.files import read_json, write_json
from editorbot.params import AlignParams
from editorbot.progress import track

GENERATORS = ("simulate", "random")
NOISE_DB = (-22.0, -8.0)
"""Of worsened pairs, against the edit."""
MOVED_S = (0.05, 2.0)
"""By how much later or earlier in the raw a segment is played that is moved to be wrong."""
MOVED_WEIGHT = 0.2
"""What it counts in the fit beside one that was found."""
LESS_LIKELY = -0.05
"""Binary logarithm of a place's probability, below which others are alike."""
STRENGTH = 1.0
"""Inverse of the weights' regularisation: grounds are of the order of one."""


@dataclass(frozen=True)
class Case:
    """One pair to make; `worse` adds noise and a low bit rate."""

    generator: str
    level: str
    worse: bool
    seed: int
    track: int

    @property
    def name(self) -> str:
        return f"{self.generator}-{self.level}-{int(self.worse)}-{self.seed}-{self.track}"

    @property
    def is_held_out(self) -> bool:
        return self.track % 2 == 1


@dataclass(frozen=True)
class Outcome:
    """Grounds of one pair's list, and whether each segment and each cut is right."""

    case: Case
    segments: list[SegmentGrounds]
    segments_right: list[bool]
    cuts: list[CutGrounds]
    cuts_right: list[bool]
    moved: list[SegmentGrounds]


def cases(rounds: int, tracks: int) -> list[Case]:
    """Nine pairs of each track per round."""
    found = []
    for number in range(4 * rounds):
        for at in range(tracks):
            # Of the levels at which hardly anything is wrong a few will do.
            easy = "mastered" if at % 4 < 2 else "arranged", "arranged" if at % 4 else "splice"
            plans = (
                [("simulate", "hard", False), ("random", "hard", True)],
                [("random", "hard", False), ("simulate", "mastered", True)],
                [("simulate", "hard", True), ("random", "mastered", False)],
                [("random", "mastered", True), *zip(GENERATORS, easy, (False, False), strict=True)],
            )
            seed = 1000 + 100 * number + at
            found += [Case(*kind, seed, at) for kind in plans[number % 4]]
    return found


def make(case: Case, tracks: Sequence[Path], folder: Path, seconds: float) -> Pair:
    path, other = (tracks[(case.track + step) % len(tracks)] for step in (0, 2))
    form = {"level": case.level, "seed": case.seed, "seconds": seconds}
    if case.generator == "simulate":
        repeats = "copies" if case.seed % 3 == 0 else "played_again"
        habits = {"treated_share": 0.5, "foreign_share": 0.3, "repeats": repeats}
        pair = simulated_pair(path, folder, **form, **habits)
    else:
        pair = random_pair(path, other, folder, **form)
    if not case.worse:
        return pair
    return Pair(pair.raw, worsened(pair.edit, folder / "worse.ogg", case.seed), pair.truth)


def worsened(edit: Path, output: Path, seed: int) -> Path:
    """The edit under white noise, at the lowest bit rate of Ogg Vorbis."""
    rng = np.random.default_rng(seed)
    sound, rate = io.read(edit), io.probe(edit).sample_rate
    noise = rng.standard_normal(sound.shape)
    sound = sound + noise * sound.std() * 10 ** (rng.uniform(*NOISE_DB) / 20)
    sound = sound / max(1.0, float(np.abs(sound).max()))
    form = {"format": "OGG", "subtype": "VORBIS", "compression_level": 1.0}
    with soundfile.SoundFile(output, "w", rate, len(sound), **form) as file:
        # Its encoder overflows the stack on long writes.
        for start in range(0, sound.shape[1], rate):
            file.write(sound[:, start : start + rate].T)
    return output


def measured(case: Case, tracks: Sequence[Path], shelf: Path, seconds: float) -> Outcome | None:
    """What the shelf has of the case, or is made for it now; None where alignment refuses."""
    path = shelf / f"{case.name}.json"
    if not path.exists():
        write_json(path, measure(case, tracks, seconds))
    stored = read_json(path)
    if not stored:
        return None
    return Outcome(
        case,
        [KINDS[kind](*values) for kind, values in stored["segments"]],
        stored["segments_right"],
        [CutGrounds(*values) for values in stored["cuts"]],
        stored["cuts_right"],
        [KINDS[kind](*values) for kind, values in stored["moved"]],
    )


def measure(case: Case, tracks: Sequence[Path], seconds: float) -> dict:
    with TemporaryDirectory(prefix="editorbot-confidence-") as name:
        try:
            pair = make(case, tracks, Path(name), seconds)
            found = align(pair.raw, pair.edit, params=AlignParams())
        except (EditorbotError, ValueError) as error:
            print(f"{case.name}: {error}", file=sys.stderr)
            return {}
        right = segments_right(pair.truth, found.edit)
        moved = moved_grounds(found, pair, right, np.random.default_rng(case.seed))
    names = {kind: name for name, kind in KINDS.items()}
    return {
        "segments": [(names[type(each)], list(each)) for each in found.grounds.segments],
        "segments_right": right.tolist(),
        "moved": [(names[type(each)], list(each)) for each in moved],
        "cuts": [list(each) for each in found.grounds.cuts],
        "cuts_right": cuts_right(pair.truth, found.edit).tolist(),
    }


def moved_grounds(
    found: Alignment, pair: Pair, right: np.ndarray, rng: np.random.Generator
) -> list[SegmentGrounds]:
    """Grounds of one right segment that plays from elsewhere, of none if there is none."""
    segments = found.edit.segments
    numbers = [n for n in np.flatnonzero(right) if segments[n].has_source]
    if not numbers:
        return []
    number = int(rng.choice(numbers))
    chosen, source = segments[number], found.edit.sources[segments[number].source]
    shift = round(rng.uniform(*MOVED_S) * rng.choice([-1, 1]) * source.sample_rate)
    shift = int(np.clip(shift, -chosen.src_start, source.samples - chosen.src_end))
    if abs(shift) < MOVED_S[0] * source.sample_rate:
        return []
    place = {"src_start": chosen.src_start + shift, "src_end": chosen.src_end + shift}
    elsewhere = chosen.model_copy(update={**place, "confidence": 1.0})
    listed = found.edit.model_copy(
        update={"segments": (*segments[:number], elsewhere, *segments[number + 1 :])}
    )
    clock = 1 + found.info.clock_ppm * 1e-6
    with open_pair([pair.raw], pair.edit, clock=clock) as sides:
        sound = Sound(*(compute_features(side.wave) for side in sides))
        grounds = measure_grounds(listed, *sides, sound, clock=clock).segments[number]
    was = found.grounds.segments[number]
    # What was known when it was found stays as it was.
    known = {"score": was.score} if isinstance(was, StretchedGrounds) else {}
    return [grounds._replace(**known)]


def fitted(outcomes: Sequence[Outcome]) -> dict[type, Model]:
    """The models of segments, and that of cuts given those."""
    rows = defaultdict(list)
    for outcome in outcomes:
        for grounds, right in zip(outcome.segments, outcome.segments_right, strict=True):
            rows[type(grounds)].append((grounds, right, 1.0))
        for grounds in outcome.moved:
            rows[type(grounds)].append((grounds, False, MOVED_WEIGHT))
    models = {kind: fit(examples) for kind, examples in rows.items()}
    examples = [
        (grounds, right, 1.0)
        for outcome in outcomes
        for grounds, right in zip(cuts_of(outcome, models), outcome.cuts_right, strict=True)
    ]
    return models | {CutGrounds: fit(examples)}


def fit(examples: Sequence[tuple[tuple[float, ...], bool, float]]) -> Model:
    """The model of examples: grounds, whether right, and what each counts."""
    fields = examples[0][0]._fields
    at_places = [e for e in examples if getattr(e[0], "place", 0.0) < LESS_LIKELY]
    grounds, right, counts = zip(*(e for e in examples if e not in at_places), strict=True)
    columns = np.array(grounds) * [field != "place" for field in fields]
    regression = LogisticRegression(C=STRENGTH, max_iter=10_000)
    regression.fit(columns, np.array(right), sample_weight=np.array(counts))
    weights = tuple(round(float(weight), 4) for weight in regression.coef_[0])
    model = Model(round(float(regression.intercept_[0]), 4), weights)
    return replace(model, place_power=place_power(model, at_places)) if at_places else model


def place_power(model: Model, examples: Sequence[tuple[tuple[float, ...], bool, float]]) -> float:
    """The power under which what is right among places alike is the most likely."""

    def log_likelihood(power: float) -> float:
        powered = replace(model, place_power=power)
        said = [(powered.confidence(grounds), right) for grounds, right, _ in examples]
        return sum(float(np.log(p if right else 1 - p)) for p, right in said)

    return max((round(float(power), 2) for power in np.arange(0, 2.01, 0.05)), key=log_likelihood)


def segment_confidences(outcome: Outcome, models: dict[type, Model]) -> list[float]:
    return [models[type(grounds)].confidence(grounds) for grounds in outcome.segments]


def cuts_of(outcome: Outcome, models: dict[type, Model]) -> list[CutGrounds]:
    return with_odds(outcome.cuts, segment_confidences(outcome, models))


def print_reliability(title: str, outcomes: Sequence[Outcome], models: dict[type, Model]) -> None:
    rows = defaultdict(list)
    for outcome in outcomes:
        said = segment_confidences(outcome, models)
        for grounds, p, right in zip(outcome.segments, said, outcome.segments_right, strict=True):
            name = next(name for name, kind in KINDS.items() if kind is type(grounds))
            rows["segments"].append((p, right))
            rows[f"  {name}"].append((p, right))
        for grounds, right in zip(cuts_of(outcome, models), outcome.cuts_right, strict=True):
            rows["cuts"].append((models[CutGrounds].confidence(grounds), right))
    print(f"\n{title}: {len(outcomes)} pairs")
    for name, pairs in sorted(rows.items(), key=lambda row: row[0].strip() in KINDS):
        found = reliability(*zip(*pairs, strict=True))
        print(
            f"{name:12} {len(pairs):5}   calibration error {found.calibration_error:.3f}   "
            f"Brier {found.brier:.4f}, of a constant {found.brier_constant:.4f}"
        )
        for b in found.bins:
            span = f"{b.low:g} to {b.high:g}"
            print(f"{'':12} {b.count:5}   {span:12} said {b.said:.3f}, right {b.right:.3f}")


def print_weights(models: dict[type, Model]) -> None:
    for name, kind in KINDS.items():
        model = models[kind]
        terms = [f"{w:+.2f} {field}" for field, w in zip(kind._fields, model.weights, strict=True)]
        print(f"{name}: {model.bias:+.2f} {' '.join(terms)}; place to the {model.place_power:g}")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--music", type=Path, default=Path("data/reference"), help="folder")
    parser.add_argument("--folder", type=Path, default=Path("build/confidence"), help="measures")
    parser.add_argument("--rounds", type=int, default=1, help="nine pairs of each track a round")
    parser.add_argument("--seconds", type=float, default=50, help="about how long edits are")
    parser.add_argument("--write", action="store_true", help=f"write {MODELS_JSON.name}")
    return parser.parse_args()


def main() -> None:
    arguments = parsed()
    suffixes = (".ogg", ".flac", ".wav")
    tracks = sorted(path for path in arguments.music.rglob("*") if path.suffix in suffixes)
    if len(tracks) < 4:
        sys.exit(f"expected at least four tracks in {arguments.music}, got {len(tracks)}")
    arguments.folder.mkdir(parents=True, exist_ok=True)
    wanted = cases(arguments.rounds, len(tracks))
    all_outcomes = [
        measured(case, tracks, arguments.folder, arguments.seconds)
        for case in track(wanted, "measuring pairs")
    ]
    outcomes = [outcome for outcome in all_outcomes if outcome is not None]
    models = fitted([outcome for outcome in outcomes if not outcome.case.is_held_out])
    held_out = [outcome for outcome in outcomes if outcome.case.is_held_out]
    print_weights(models)
    print_reliability("fitted on", [o for o in outcomes if not o.case.is_held_out], models)
    for generator in GENERATORS:
        for worse in (False, True):
            name = f"held-out tracks, {generator}{', worsened' if worse else ''}"
            key = (generator, worse)
            group = [o for o in held_out if (o.case.generator, o.case.worse) == key]
            if group:
                print_reliability(name, group, models)
    print_reliability("held-out tracks, all", held_out, models)
    if arguments.write:
        stored = {
            name: {
                "bias": models[kind].bias,
                "place_power": models[kind].place_power,
                "weights": dict(zip(kind._fields, models[kind].weights, strict=True)),
            }
            for name, kind in KINDS.items()
        }
        write_json(MODELS_JSON, stored)


if __name__ == "__main__":
    main()
