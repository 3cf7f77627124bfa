"""Scores of several systems on several songs: summed up, written and printed.

metrics JSON   means by system, numbers only, for `dvc metrics`; what is undefined is left out
songs CSV      one row per system and song, for `dvc plots`; undefined cells are empty
table HTML     means with intervals over songs, self-contained, for the report
table text     the same on the terminal
"""

import csv
import html
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from editorbot.errors import EditorbotError
from editorbot.evaluate.intervals import Interval, interval
from editorbot.evaluate.metrics import EditScores
from editorbot.files import write_json, write_text
from editorbot.params import EvaluateParams

LABELS = {
    "keep_f1": "keep F1",
    "keep_precision": "keep precision",
    "keep_recall": "keep recall",
    "cut_f1_100ms": "cut F1 0.1 s",
    "cut_f1_500ms": "cut F1 0.5 s",
    "cut_f1_3s": "cut F1 3 s",
    "cut_error_s": "cut error, s",
    "length_error": "length error",
    "order_tau": "order τ",
    "loops_f1": "loops F1",
}
HINTS = {
    "keep_f1": "F1 of the raw material that is kept, on a grid of 10 ms",
    "keep_precision": "share of what the system keeps that the person kept",
    "keep_recall": "share of what the person kept that the system keeps",
    "cut_f1_100ms": "F1 of the cut times on the raw, within 0.1 s",
    "cut_f1_500ms": "F1 of the cut times on the raw, within 0.5 s",
    "cut_f1_3s": "F1 of the cut times on the raw, within 3 s",
    "cut_error_s": "median distance of the cuts matched within 0.5 s, seconds; less is better",
    "length_error": "relative error of the edit's length; less is better",
    "order_tau": "Kendall's tau of the order of what both keep",
    "loops_f1": "F1 of the passages that are played again",
}
DROPPED = "dropped_"
DROPPED_TITLE = "Share of the dropped material that is dropped too, by cause"
TERMINAL = (
    "keep_f1",
    "cut_f1_100ms",
    "cut_f1_500ms",
    "cut_f1_3s",
    "length_error",
    "order_tau",
    "loops_f1",
)
WITH_INTERVAL = ("keep_f1", "cut_f1_500ms")
TERMINAL_WIDTH = 110
"""Characters that the table with its intervals takes, also where there is no terminal."""


@dataclass(frozen=True)
class SongScore:
    """The measures of one system's edit of one song, and its recall of dropped material by cause.

    `learned` tells a system from a baseline.
    """

    system: str
    song: str
    learned: bool
    measures: EditScores
    dropped: dict[str, float]

    @property
    def values(self) -> dict[str, float]:
        """Measures and recalls (`dropped_talk`, ...) by name."""
        return asdict(self.measures) | {DROPPED + c: v for c, v in self.dropped.items()}


@dataclass(frozen=True)
class SystemSummary:
    """One row of the table: a mean with its interval over songs for every measure."""

    system: str
    learned: bool
    measures: dict[str, Interval]


def summarise(scores: Sequence[SongScore], *, params: EvaluateParams) -> tuple[SystemSummary, ...]:
    """One summary per system: learned systems first, then baselines by keep F1, best first."""
    columns = list(dict.fromkeys(name for score in scores for name in score.values))
    rows = []
    for system in dict.fromkeys(score.system for score in scores):
        own = [score for score in scores if score.system == system]
        measures = {
            column: interval(
                [score.values.get(column, math.nan) for score in own],
                confidence=params.confidence,
                resamples=params.resamples,
                seed=params.seed,
            )
            for column in columns
        }
        rows.append(SystemSummary(system, own[0].learned, measures))
    return tuple(sorted(rows, key=lambda row: (not row.learned, -row.measures["keep_f1"].mean)))


def label(name: str) -> str:
    """A system's, cause's or measure's name as people read it."""
    return LABELS.get(name, name.removeprefix(DROPPED).replace("_", " "))


def dropped_columns(summaries: Sequence[SystemSummary]) -> list[str]:
    """The recalls of dropped material that any system has; none where no cause is known."""
    return [name for name in _shown(summaries) if name.startswith(DROPPED)]


def write_metrics(
    path: Path | str,
    summaries: Iterable[SystemSummary],
    *,
    extra: dict[str, dict[str, float]] | None = None,
) -> None:
    """Write {system: {measure: mean}} as JSON; `extra` adds numbers to a system's."""
    numbers: dict[str, dict[str, float]] = {}
    for row in summaries:
        means = {name: found.mean for name, found in row.measures.items()}
        means |= (extra or {}).get(row.system, {})
        numbers[row.system] = {
            name: round(value, 6) for name, value in means.items() if not math.isnan(value)
        }
        numbers[row.system]["songs"] = max(found.songs for found in row.measures.values())
    write_json(path, numbers)


def write_songs(path: Path | str, scores: Sequence[SongScore]) -> None:
    """Write one CSV row per system and song."""
    columns = list(dict.fromkeys(name for score in scores for name in score.values))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["system", "learned", "song", *columns])
    for score in scores:
        cells = [score.values.get(column, math.nan) for column in columns]
        texts = ["" if math.isnan(cell) else f"{cell:.6f}" for cell in cells]
        writer.writerow([score.system, int(score.learned), score.song, *texts])
    write_text(path, text.getvalue())


def read_songs(path: Path | str) -> tuple[SongScore, ...]:
    """Read what `write_songs` wrote, to six digits.

    Raises:
        EditorbotError: The file is missing or is no such table.
    """
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return tuple(_read_row(row) for row in csv.DictReader(file))
    except OSError as error:
        raise EditorbotError(f"{path} could not be read: {error.strerror}") from error
    except (KeyError, ValueError) as error:
        raise EditorbotError(
            f"{path} is not a table of scores by song: run the evaluation again"
        ) from error


def _read_row(row: dict[str, str]) -> SongScore:
    measures = {name: float(row[name] or math.nan) for name in EditScores.names()}
    # An empty cell is a cause that this song does not have.
    dropped = {
        name.removeprefix(DROPPED): float(text)
        for name, text in row.items()
        if name.startswith(DROPPED) and text
    }
    return SongScore(
        system=row["system"],
        song=row["song"],
        learned=row["learned"] == "1",
        measures=EditScores(**measures),
        dropped=dropped,
    )


def print_table(
    summaries: Sequence[SystemSummary], *, title: str, console: Console | None = None
) -> None:
    """Print the main means; learned systems in bold, the best of each column underlined.

    The intervals are shown where the terminal has room for them.
    """
    if console is None:
        console = Console()
        console = console if console.is_terminal else Console(width=TERMINAL_WIDTH)
    wide = console.width >= TERMINAL_WIDTH
    shown = [column for column in TERMINAL if column in _shown(summaries)]
    caption = _caption(summaries, intervals=wide)
    table = Table(title=title, caption=caption, box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("system", no_wrap=True)
    for column in shown:
        # A heading in two lines leaves room for a mean and its interval on one.
        table.add_column(_two_lines(label(column)), justify="right", no_wrap=True)
    best = {column: _best(summaries, column) for column in shown}
    for row in summaries:
        cells = [_cell(row.measures[c], best[c], spread=wide and c in WITH_INTERVAL) for c in shown]
        table.add_row(label(row.system), *cells, style="bold" if row.learned else "")
    console.print(table)


def _two_lines(heading: str) -> str:
    words = heading.split()
    middle = (len(words) + 1) // 2
    return f"{' '.join(words[:middle])}\n{' '.join(words[middle:])}"


def _cell(found: Interval, best: float, *, spread: bool) -> Text:
    mean, _, brackets = format_interval(found).partition(" ")
    text = Text(mean, style="underline" if found.mean == best else "")
    if brackets and spread:
        text.append(f" {brackets}", style="not underline not bold dim")
    return text


def write_table(
    path: Path | str, summaries: Sequence[SystemSummary], *, title: str, notes: Sequence[str] = ()
) -> None:
    """Write the tables of measures and of dropped material as one page of HTML without links."""
    shown, dropped = _shown(summaries), dropped_columns(summaries)
    tables = _html_table(summaries, [column for column in shown if column not in dropped])
    if dropped:
        tables += f"<h2>{DROPPED_TITLE}</h2>"
        tables += _html_table(summaries, dropped)
    paragraphs = "\n".join(f"<p>{html.escape(note)}</p>" for note in (_caption(summaries), *notes))
    write_text(path, _PAGE.format(title=html.escape(title), tables=tables, notes=paragraphs))


def _html_table(summaries: Sequence[SystemSummary], columns: Sequence[str]) -> str:
    best = {column: _best(summaries, column) for column in columns}
    heads = "".join(
        f'<th title="{html.escape(HINTS.get(name, ""))}">{html.escape(label(name))}</th>'
        for name in columns
    )
    rows = "\n".join(_html_row(row, columns, best) for row in summaries)
    return (
        f"<div><table><thead><tr><th>system</th>{heads}</tr></thead>"
        f"<tbody>\n{rows}\n</tbody></table></div>\n"
    )


def _html_row(row: SystemSummary, shown: Sequence[str], best: dict[str, float]) -> str:
    cells = [f"<th scope=row>{html.escape(label(row.system))}</th>"]
    for column in shown:
        found = row.measures[column]
        mean, _, spread = format_interval(found).partition(" ")
        mark = " class=best" if found.mean == best[column] else ""
        cells.append(f"<td{mark}>{mean}<small>{spread}</small></td>")
    return f"<tr{' class=learned' if row.learned else ''}>{''.join(cells)}</tr>"


def format_interval(found: Interval) -> str:
    """`.974 [.95, .98]`, or the mean alone where there is no interval, or a dash."""
    if math.isnan(found.mean):
        return "–"
    if math.isnan(found.low):
        return _short(found.mean)
    return f"{_short(found.mean)} [{_short(found.low, 2)}, {_short(found.high, 2)}]"


def _short(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.{digits}f}"


def _shown(summaries: Sequence[SystemSummary]) -> list[str]:
    """Columns in which at least one system has a value."""
    return [
        name
        for name in summaries[0].measures
        if any(not math.isnan(row.measures[name].mean) for row in summaries)
    ]


def _best(summaries: Sequence[SystemSummary], column: str) -> float:
    means = [row.measures[column].mean for row in summaries]
    known = [mean for mean in means if not math.isnan(mean)]
    return min(known) if column.endswith("error") or column == "cut_error_s" else max(known)


def _caption(summaries: Sequence[SystemSummary], *, intervals: bool = True) -> str:
    songs = max(found.songs for row in summaries for found in row.measures.values())
    return (
        f"Means over {songs} held-out song{'s' * (songs != 1)}"
        + (", in brackets the bootstrap interval over songs" if intervals and songs > 1 else "")
        + ". Keep first and loudest beats know the true length, the junk oracle the true causes."
    )


_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 14px/1.5 system-ui, sans-serif; color: #1d2433; margin: 2rem; }}
h1 {{ font-size: 1.25rem; }}
h2 {{ font-size: 1rem; margin-top: 2rem; }}
div {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
th, td {{ padding: .4rem .8rem; text-align: right; border-bottom: 1px solid #e3e6ec; }}
thead th {{ border-bottom: 2px solid #8a93a5; vertical-align: bottom; }}
tr > :first-child {{ text-align: left; white-space: nowrap; }}
tbody th {{ font-weight: normal; }}
small {{ display: block; color: #6b7487; white-space: nowrap; }}
.learned {{ background: #eef4ff; }}
.learned th {{ font-weight: 600; }}
.best {{ font-weight: 700; }}
.best small {{ font-weight: normal; }}
p {{ color: #4a5265; max-width: 60rem; }}
</style></head><body>
<h1>{title}</h1>
{tables}
{notes}
</body></html>
"""
