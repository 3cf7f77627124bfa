"""A checkout of its own with a few tiny songs, in which the real pipeline runs."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import soundfile
import yaml

CHECKOUT = Path(__file__).parents[2]
PARTS = ("Snakefile", "workflow", "profiles", "editorbot", "environment.yml", "dvc.yaml")
HIDDEN_PARTS = (".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitignore")
RATE = 22050
TARGETS = {"all", "prepare", "evaluate", "propose"}
TINY = {
    "mel": {"n_mels": 32, "hop_length": 1024},
    "pointer": {"path": {"steps": 2, "pretrained": "none", "size": {"stride": 4, "width": 16}}},
    "evaluate": {"resamples": 50},
}


class Workspace:
    """A checkout with data and results in one folder."""

    def __init__(self, path: Path):
        self.path = path

    @classmethod
    def create(cls, path: Path, songs: list[str], **sections) -> "Workspace":
        """A checkout like this one, with songs, and with `sections` over the tiny params."""
        path.mkdir(parents=True)
        for name in PARTS:
            source = CHECKOUT / name
            if source.is_dir() and not source.is_symlink():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, path / name, symlinks=True, ignore=ignored)
            else:
                shutil.copy2(source, path / name, follow_symlinks=False)
        for name in HIDDEN_PARTS:
            (path / name).parent.mkdir(exist_ok=True)
            shutil.copy2(CHECKOUT / name, path / name)
        params = yaml.safe_load((CHECKOUT / "params.yaml").read_text())
        (path / "params.yaml").write_text(yaml.safe_dump(params))
        workspace = cls(path)
        workspace.set_params(**{**TINY, **sections})
        for seed, song in enumerate(songs):
            workspace.add_song(song, seed=seed)
        return workspace

    def copy(self, path: Path) -> "Workspace":
        """The same with the same times."""
        shutil.copytree(self.path, path, symlinks=True)
        return Workspace(path)

    def set_params(self, **sections: dict) -> None:
        """Change some keys of some sections of params.yaml."""
        file = self.path / "params.yaml"
        params = yaml.safe_load(file.read_text())
        for section, values in sections.items():
            merged = params.setdefault(section, {}) or {}
            for key, value in values.items():
                old = merged.get(key)
                merged[key] = {**old, **value} if isinstance(old, dict) else value
            params[section] = merged
        file.write_text(yaml.safe_dump(params))

    def raw(self, song: str, number: int | None = None) -> Path:
        ending = "" if number is None else f".{number}"
        return self.path / f"data/input/{song}_raw{ending}.wav"

    def edit(self, song: str) -> Path:
        return self.path / f"data/desired_output/{song}_edit.wav"

    def add_song(self, song: str, *, seed: int) -> None:
        """A tune of ten seconds, and an edit of it that drops three of them."""
        raw = tune(seed)
        cut, resume = 3 * RATE + 11 * seed, 6 * RATE + 7 * seed
        for path, sound in (
            (self.raw(song), raw),
            (self.edit(song), np.concatenate([raw[:cut], raw[resume:]])),
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, sound, RATE, subtype="PCM_16")

    def remove_song(self, song: str) -> None:
        self.raw(song).unlink()
        self.edit(song).unlink()

    def run(self, *command: str, check: bool = True, **options) -> subprocess.CompletedProcess:
        """Run a command of this environment here; its two streams are joined."""
        run = subprocess.run(
            command,
            cwd=self.path,
            env=environment(self.path),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=280,
            **options,
        )
        assert not check or run.returncode == 0, f"{' '.join(command)}\n{run.stdout}"
        return run

    def snakemake(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
        return self.run("snakemake", "--cores", "2", *arguments, check=check)

    def jobs(self, *targets: str) -> Counter:
        """How many jobs of each rule would run, the targets themselves left out."""
        return jobs_in(self.snakemake(*targets, "--dry-run").stdout)

    def read_json(self, file: str) -> dict:
        """A JSON file of the workspace."""
        return json.loads((self.path / file).read_text())

    def editing(self, file: str, old: str, new: str) -> None:
        """Replace `old`, which must be there, in a file of the checkout."""
        path = self.path / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))


def environment(checkout: Path) -> dict[str, str]:
    """This interpreter's environment, as an activated one, with the package from `checkout`."""
    binaries = Path(sys.executable).parent
    return {
        **os.environ,
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(checkout),
        "OMP_NUM_THREADS": "1",
    }


def jobs_in(output: str) -> Counter:
    """Jobs by rule in Snakemake's table of jobs."""
    if "Nothing to be done" in output:
        return Counter()
    table = re.search(r"^job +count\n[- ]+\n(.*?)\ntotal +(\d+)", output, re.DOTALL | re.MULTILINE)
    assert table, output
    counts = Counter({rule: int(n) for rule, n in re.findall(r"(\w+) +(\d+)", table[1])})
    assert counts.total() == int(table[2])
    return Counter({rule: n for rule, n in counts.items() if rule not in TARGETS})


def tune(seed: int, *, seconds: float = 10) -> np.ndarray:
    """(T,) float64, plucked notes that never repeat, over a little noise."""
    random = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    sound = 0.01 * random.standard_normal(len(time))
    start = 0.0
    while start < seconds - 0.3:
        since = np.clip(time - start, 0, None)
        pitch = 110 * 2 ** (random.integers(0, 36) / 12)
        tone = sum(np.sin(2 * np.pi * pitch * n * since) / n for n in (1, 2, 3))
        sound += 0.2 * tone * np.exp(-5 * since) * (since > 0)
        start += random.uniform(0.1, 0.35)
    return sound / np.abs(sound).max() * 0.8
