"""Carry what Snakemake knows about its outputs along with them, through DVC.

DVC brings files back with new times and in any order, and without the records by which Snakemake
decides what has to run again. So each folder that DVC tracks holds a state file:

    {"format": 6, "outputs": {PATH: {"mtime_ns", "size", "sha256", "record", "benchmark"}}}

`export` writes it after a stage; `restore` runs whenever the Snakefile is read, and gives an output
its record and its time back if its bytes are those that the state file speaks of. An output that
was made here since, or that is not known, is left as it is.

Snakemake's records are private to it, hence the pinned version and the number in the state file.

    python -m editorbot.workflow.state export prepare
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from snakemake.persistence import RECORD_FORMAT_VERSION
from snakemake.persistence.file import FilePersistence

from editorbot.errors import EditorbotError
from editorbot.files import sha256, write_json, write_text
from editorbot.progress import track
from editorbot.workflow.run import is_owned
from editorbot.workflow.sources import SHOWN_FROM_BYTES

STATE = ".workflow_state.json"
SNAKEMAKE = Path(".snakemake")
SEEN = SNAKEMAKE / "editorbot/seen_states.json"
BENCHMARKS = Path("results/benchmarks")

# The stages of dvc.yaml and the folders that they own.
STAGES: dict[str, tuple[str, ...]] = {
    "prepare": (
        "results/decode",
        "results/features",
        "results/stems",
        "results/stems_mel",
        "results/pointers",
    ),
    "train_pointer": ("results/models/pointer_network",),
    "evaluate": ("results/metrics", "results/plots", "results/proposals"),
}
# Single files that a stage owns travel with one of its folders.
BESIDE: dict[str, tuple[str, ...]] = {
    "results/pointers": ("results/splits.json",),
    "results/metrics": ("results/report.html",),
}


@dataclass(frozen=True)
class Output:
    """An output as it was when its stage ended, and Snakemake's record of it."""

    mtime_ns: int
    size: int
    sha256: str
    record: dict[str, Any]
    benchmark: str | None
    """Text of the benchmark of a rule without wildcards, which Snakemake takes for an output too
    where such a rule is the target."""

    def looks_like(self, status: os.stat_result) -> bool:
        """Whether a file has the size and time of this output."""
        return (self.size, self.mtime_ns) == (status.st_size, status.st_mtime_ns)


class Records:
    """Snakemake's records of its outputs, in its own folder and by its own code."""

    def __init__(self) -> None:
        self._store = FilePersistence(nolock=True, path=SNAKEMAKE)

    def read(self, output: str) -> dict[str, Any]:
        """The record of a finished output; empty if there is none."""
        unfinished = self._store._record_path(self._store._incomplete_path, output)
        if os.path.exists(unfinished):
            return {}
        return self._store._io_read(self._store._metadata_path, output)

    def write(self, output: str, record: dict[str, Any]) -> None:
        """Put a record in place of the present one."""
        self._store._io_write(self._store._metadata_path, record, output)

    def remove(self, output: str) -> None:
        """Forget an output."""
        self._store._io_delete(self._store._metadata_path, output)


def export(stage: str) -> None:
    """Write the state files of a stage; a folder without outputs gets one too, so that it exists.

    A state file whose content would be the same is not touched.

    Raises:
        EditorbotError: A state file cannot be written.
    """
    records, seen = Records(), _seen()
    for folder in STAGES[stage]:
        before = _read_state(Path(folder) / STATE)
        outputs: dict[str, Output] = {}
        for path in _files(folder):
            record = records.read(path)
            if record:
                outputs[path] = _output(path, record, before.get(path))
        values = {path: asdict(output) for path, output in outputs.items()}
        text = json.dumps(
            {"format": RECORD_FORMAT_VERSION, "outputs": values}, indent=0, sort_keys=True
        )
        state = Path(folder) / STATE
        if not state.exists() or state.read_text(encoding="utf-8") != text:
            write_text(state, text)
        seen[folder] = sha256(state)
    _remember_seen(seen)


def restore() -> None:
    """Bring Snakemake's records and the outputs' times in line with the state files.

    A state file that is new here speaks for all outputs whose bytes it knows. One that was seen
    before speaks only for outputs that changed neither by a job nor with it, as after a
    `dvc checkout` of a single folder. Nothing is done while a run is going on.

    Raises:
        EditorbotError: An output cannot be read, or Snakemake's folder not be written.
    """
    if is_owned():
        return
    records, seen = Records(), _seen()
    restored = 0
    for folder in (folder for folders in STAGES.values() for folder in folders):
        state = Path(folder) / STATE
        if not state.exists():
            continue
        digest = sha256(state)
        todo = _to_compare(_read_state(state), records, is_new=seen.get(folder) != digest)
        slow = sum(output.size for output in todo.values()) > SHOWN_FROM_BYTES
        items = track(todo.items(), f"comparing {folder}") if slow else todo.items()
        restored += sum(_restore(path, output, records) for path, output in items)
        seen[folder] = digest
    _remember_seen(seen)
    if restored:
        _make_benchmarks_newest()


def _to_compare(outputs: dict[str, Output], records: Records, *, is_new: bool) -> dict[str, Output]:
    """The outputs that may have to be restored."""
    todo = {}
    for path, output in outputs.items():
        try:
            status = os.stat(path)
        except FileNotFoundError:
            continue
        made_here = records.read(path).get("endtime") == status.st_mtime
        if is_new or not (output.looks_like(status) or made_here):
            todo[path] = output
    return todo


def _restore(path: str, output: Output, records: Records) -> bool:
    status = os.stat(path)
    same = output.looks_like(status) or (
        output.size == status.st_size and output.sha256 == sha256(path)
    )
    if same:
        records.write(path, output.record)
        os.utime(path, ns=(output.mtime_ns, output.mtime_ns))
        if output.benchmark is not None and not _benchmark(output.record).exists():
            write_text(_benchmark(output.record), output.benchmark)
    return same


def _benchmark(record: dict[str, Any]) -> Path:
    """Where a rule without wildcards keeps its benchmark."""
    return BENCHMARKS / f"{record['rule']}.tsv"


def _make_benchmarks_newest() -> None:
    """Keep benchmarks out of the comparison of times.

    Snakemake takes a job to be as old as the oldest of its outputs and its benchmark, and a
    benchmark of an earlier run here may be older than outputs that came from elsewhere.
    """
    for path in BENCHMARKS.rglob("*.tsv"):
        os.utime(path)


def _output(path: str, record: dict[str, Any], before: Output | None) -> Output:
    status = os.stat(path)
    known = before is not None and before.looks_like(status)
    benchmark = _benchmark(record)
    return Output(
        mtime_ns=status.st_mtime_ns,
        size=status.st_size,
        sha256=before.sha256 if known else sha256(path),
        record=record,
        benchmark=benchmark.read_text(encoding="utf-8") if benchmark.exists() else None,
    )


def _files(folder: str) -> Iterator[str]:
    inside = (path for path in sorted(Path(folder).rglob("*")) if path.is_file())
    yield from (str(path) for path in inside if path.name != STATE)
    yield from (path for path in BESIDE.get(folder, ()) if os.path.isfile(path))


def _read_state(path: Path) -> dict[str, Output]:
    """The outputs of a state file; none if Snakemake's records have another form by now."""
    if not path.exists():
        return {}
    state = json.loads(path.read_text(encoding="utf-8"))
    if state["format"] != RECORD_FORMAT_VERSION:
        return {}
    return {output: Output(**values) for output, values in state["outputs"].items()}


def _seen() -> dict[str, str]:
    """Digests of the state files that were here before, by folder."""
    return json.loads(SEEN.read_text(encoding="utf-8")) if SEEN.exists() else {}


def _remember_seen(digests: dict[str, str]) -> None:
    if digests != _seen():
        write_json(SEEN, digests)


def main() -> None:
    """Write the state files of one stage."""
    parser = argparse.ArgumentParser(
        description=main.__doc__,
        epilog="example: python -m editorbot.workflow.state export prepare",
    )
    parser.add_argument("action", choices=["export"])
    parser.add_argument("stage", choices=list(STAGES))
    try:
        export(parser.parse_args().stage)
    except EditorbotError as error:
        sys.exit(f"editorbot: {error}")


if __name__ == "__main__":
    main()
