"""How long Snakemake plans: `snakemake --dry-run` with 10, 100 and 1,000 songs.

    python benchmarks/dry_run.py [SONGS ...]

The songs are empty files, as planning reads no sound. Issue: at most 15 s at 1,000 songs.
"""

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
LIMIT_S = {1000: 15.0}


def workspace(folder: Path, songs: int) -> None:
    for number in range(songs):
        for path in (f"input/song{number:05}_raw.wav", f"desired_output/song{number:05}_edit.wav"):
            (folder / "data" / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / "data" / path).write_text(path)


def planning(folder: Path) -> tuple[float, int]:
    """Seconds until the plan is there, and its number of jobs."""
    command = [
        str(Path(sys.executable).with_name("snakemake")),
        "--snakefile",
        str(CHECKOUT / "Snakefile"),
        "--directory",
        str(folder),
    ]
    begun = time.perf_counter()
    run = subprocess.run([*command, "--dry-run"], capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - begun
    return seconds, int(re.search(r"^total +(\d+)", run.stdout + run.stderr, re.MULTILINE)[1])


def main(sizes: list[int]) -> None:
    slow = False
    print(f"{'songs':>6} {'jobs':>7} {'seconds':>8} {'ms per job':>11} {'limit':>7}")
    for songs in sizes:
        with tempfile.TemporaryDirectory() as name:
            workspace(Path(name), songs)
            seconds, jobs = planning(Path(name))
        limit = LIMIT_S.get(songs)
        slow |= limit is not None and seconds > limit
        shown = f"{limit:.0f} s" if limit else "-"
        print(f"{songs:6} {jobs:7} {seconds:8.1f} {1000 * seconds / jobs:11.2f} {shown:>7}")
    sys.exit("planning takes longer than its limit" if slow else 0)


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [10, 100, 1000])
