"""Learned editors and the trivial baselines, scored on the same held-out songs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from editorbot.audio.store import array_blocks, open_array, read_array
from editorbot.edl.frames import FrameGrid
from editorbot.edl.model import Edit
from editorbot.edl.raw_axis import frame_times_s
from editorbot.errors import EditorbotError
from editorbot.evaluate import baselines
from editorbot.evaluate.frame_accuracy import FrameAccuracy, KeepAccuracy, describe
from editorbot.evaluate.metrics import EditScores, dropped_recall, read_causes, score_edit
from editorbot.evaluate.playback import kept_steps
from editorbot.evaluate.plots import draw_dropped, draw_scores
from editorbot.evaluate.summary import (
    SongScore,
    SystemSummary,
    print_table,
    summarise,
    write_metrics,
    write_songs,
    write_table,
)
from editorbot.params import EvaluateParams, MelParams
from editorbot.progress import track
from editorbot.rl_editor.environment import EditingEnvironment

SYSTEM = "pointer_network"


@dataclass(frozen=True)
class HeldOutSong:
    """A song that no training saw; `causes` is None where it is not known why it was cut."""

    name: str
    human: Edit
    """The person's edit, as recovered by the alignment."""
    raw_audio: Path
    """Store of the decoded raw, "audio" (C, T)."""
    raw_mel: Path
    """Store of the raw's features, "mel" (M, F), of several raws one after the other."""
    causes: Path | None = None


@dataclass(frozen=True)
class ReportFiles:
    """Where `evaluate_pointer` writes."""

    metrics: Path
    """JSON, means by system."""
    songs: Path
    """CSV, a row per system and song."""
    table: Path
    """HTML, means and intervals."""
    scores: Path
    """PNG, keep F1 and cut F1 of every song."""
    dropped: Path
    """PNG, recall of dropped material by cause."""


def evaluate_pointer(
    songs: Sequence[HeldOutSong],
    proposals: Mapping[str, Edit],
    *,
    accuracy: KeepAccuracy | FrameAccuracy,
    training_songs: int,
    outputs: ReportFiles,
    params: EvaluateParams,
    mel: MelParams,
) -> tuple[SystemSummary, ...]:
    """Score the pointer network's proposals (song -> edit) beside the baselines; write and print.

    Args:
        songs: The held-out songs.
        proposals: One proposed edit for each of them.
        accuracy: Of single steps, from `frame_accuracy`.
        training_songs: Number of songs that the network learned from.
        outputs: The files to write.
        params: Of intervals and baselines.
        mel: How the songs' features were computed.

    Raises:
        EditorbotError: As `score_systems`.
    """
    scores = score_systems(songs, {SYSTEM: proposals}, params=params, mel=mel)
    summaries = summarise(scores, params=params)
    numbers = {**asdict(accuracy), "training_songs": training_songs}
    write_metrics(outputs.metrics, summaries, extra={SYSTEM: numbers})
    write_songs(outputs.songs, scores)
    title = "Edits proposed for songs that no training heard"
    learned_from = f"{training_songs} song{'s' * (training_songs != 1)}"
    notes = [f"The pointer network learned from {learned_from}.", describe(accuracy)]
    write_table(outputs.table, summaries, title=title, notes=notes)
    draw_scores(outputs.scores, scores, summaries)
    draw_dropped(outputs.dropped, summaries)
    print_table(summaries, title=title)
    print(*notes, sep="\n")
    return summaries


def baseline_edits(song: HeldOutSong, *, params: EvaluateParams, mel: MelParams) -> dict[str, Edit]:
    """Each baseline's edit of a song by the baseline's name; the oracle where causes are known."""
    sources = song.human.sources
    audio = open_array(song.raw_audio, "audio")
    levels = baselines.measure_levels(
        array_blocks(audio), sample_rate=int(audio.attrs["sample_rate"])
    )
    features = read_array(song.raw_mel, "mel")
    grid = FrameGrid(sample_rate=mel.sample_rate, hop_length=mel.hop_length)
    beats_s = baselines.beat_times_s(
        features,
        frame_times_s(sources, grid),
        sample_rate=mel.sample_rate,
        hop_length=mel.hop_length,
    )
    edits = {
        "keep_all": baselines.keep_all(sources),
        "keep_first": baselines.keep_first(
            sources, length_s=song.human.samples / song.human.sample_rate
        ),
        "loudest_beats": baselines.loudest_beats(
            sources,
            levels,
            beat_times_s=beats_s,
            kept_share=float(kept_steps(song.human).mean()),
        ),
        "loudness_threshold": baselines.loudness_threshold(
            sources, levels, silence_db=params.silence_db, margin_s=params.silence_margin_s
        ),
        "random": baselines.random_edit(
            EditingEnvironment(features, song.human, grid=grid), seed=params.seed
        ),
    }
    if song.causes is not None:
        edits["junk_oracle"] = baselines.junk_oracle(sources, read_causes(song.causes, sources))
    return edits


def score_systems(
    songs: Sequence[HeldOutSong],
    proposals: Mapping[str, Mapping[str, Edit]],
    *,
    params: EvaluateParams,
    mel: MelParams,
) -> tuple[SongScore, ...]:
    """Score the systems' proposals (system -> song -> edit) and the baselines on every song.

    Raises:
        EditorbotError: There is no song, or a system lacks a proposal or made it of another raw.
    """
    if not songs:
        raise EditorbotError(
            "no song is held out to be scored on: add pairs until there are at least two"
        )
    scores = []
    for song in track(songs, "scoring held-out songs"):
        edits = {name: _proposal(name, made, song) for name, made in proposals.items()}
        edits |= baseline_edits(song, params=params, mel=mel)
        causes = () if song.causes is None else read_causes(song.causes, song.human.sources)
        for system, edit in edits.items():
            scores.append(
                SongScore(
                    system=system,
                    song=song.name,
                    learned=system in proposals,
                    measures=_score(edit, song, system=system),
                    dropped=dropped_recall(edit, causes),
                )
            )
    return tuple(scores)


def _proposal(system: str, made: Mapping[str, Edit], song: HeldOutSong) -> Edit:
    if song.name not in made:
        raise EditorbotError(
            f"song {song.name} has no edit by {system}: expected one for each held-out song"
        )
    return made[song.name]


def _score(edit: Edit, song: HeldOutSong, *, system: str) -> EditScores:
    try:
        return score_edit(edit, song.human)
    except ValueError as error:
        raise EditorbotError(f"song {song.name}, edit by {system}: {error}") from error
