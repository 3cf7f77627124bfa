"""The rooms of the package: imports run one way, and light modules stay light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "editorbot"
BASE = {"errors", "files", "progress", "params", "provenance"}
SYSTEMS = {
    "pointer_network",
    "rl_editor",
    "super_editor",
    "audio_slicer",
    "mel_to_mel_editor",
}
BELOW = {"edl": set(), "audio": {"edl"}}
BELOW["align"] = BELOW["corpus"] = BELOW["nn"] = {"edl", "audio"}
BELOW["train"] = {"edl", "audio", "align", "corpus", "nn"}
BELOW |= {system: BELOW["train"] | {"train"} for system in SYSTEMS}
BELOW["evaluate"] = BELOW["train"] | {"train"} | SYSTEMS
# What makes Snakemake and DVC agree knows songs on disk, and nothing of what is done to them.
BELOW["workflow"] = {"corpus"}
BELOW["cli"] = BELOW["evaluate"] | {"evaluate", "workflow"}


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def imports_of(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.startswith("editorbot.")}


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_imports_run_one_way(path):
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if room == "__init__":
        return
    allowed = BASE | (set() if room in BASE else BELOW[room] | {room})
    wrong = {name for name in imports_of(path) if room_of(name) not in allowed}
    assert not wrong, f"{path} may import only {sorted(allowed)}, but imports {sorted(wrong)}"


LIGHT = ["editorbot.params", "editorbot.provenance", "editorbot.corpus.songs", "editorbot.cli"]


@pytest.mark.parametrize("module", LIGHT)
def test_what_every_call_imports_stays_light(module):
    heavy = {"torch", "librosa", "matplotlib", "lightning", "demucs", "music21", "scipy"}
    code = f"import {module}, sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not heavy & set(run.stdout.split())


def test_an_edit_is_proposed_without_the_library_that_trains():
    code = "import editorbot.pointer_network.infer, sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"lightning", "torchmetrics", "torch._dynamo"} & set(run.stdout.split())
