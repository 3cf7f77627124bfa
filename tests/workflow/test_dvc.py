"""Snakemake and DVC agree: what one has finished, the other does not do again."""

import json
import subprocess
from collections import Counter

import pytest

from editorbot.workflow.state import STAGES, STATE

from .workspace import Workspace

IDENTITY = ("-c", "user.name=test", "-c", "user.email=test@example.org")


@pytest.fixture(scope="module")
def versioned(built, tmp_path_factory) -> Workspace:
    """The built workspace in git and DVC, pushed to the default remote beside it."""
    workspace = built.copy(tmp_path_factory.mktemp("dvc") / "mine")
    git(workspace, "init", "--quiet", "--initial-branch", "main")
    workspace.run("dvc", "add", "--quiet", "data")
    run = workspace.run("dvc", "repro")
    assert run.stdout.count("Nothing to be done") == 3
    commit(workspace, "first")
    workspace.run("dvc", "push", "--quiet")
    return workspace


def git(workspace: Workspace, *arguments: str) -> str:
    return workspace.run("git", *IDENTITY, *arguments).stdout


def commit(workspace: Workspace, message: str) -> None:
    git(workspace, "add", "--all")
    git(workspace, "commit", "--quiet", "--message", message)


def clone(workspace: Workspace, name: str) -> Workspace:
    path = workspace.path.parent / name
    subprocess.run(["git", "clone", "--quiet", workspace.path, path], check=True)
    return Workspace(path)


def test_nothing_large_is_in_git(versioned):
    tracked = git(versioned, "ls-files").splitlines()
    assert {"data.dvc", "dvc.lock", "dvc.yaml"} <= set(tracked)
    assert not [path for path in tracked if path.startswith(("data/", "results/"))]


def test_all_that_dvc_versions_is_known_to_snakemake(versioned):
    """Otherwise a file of a checkpoint could be missing or old and nobody would notice."""
    for folder in (name for folders in STAGES.values() for name in folders):
        state = json.loads((versioned.path / folder / STATE).read_text())
        files = (path for path in (versioned.path / folder).rglob("*") if path.is_file())
        made = {str(path.relative_to(versioned.path)) for path in files if path.name != STATE}
        assert made == {path for path in state["outputs"] if path.startswith(f"{folder}/")}


def test_repro_again_does_nothing(versioned):
    assert "Data and pipelines are up to date." in versioned.run("dvc", "repro").stdout


def test_a_fresh_clone_that_pulls_has_nothing_to_do(versioned):
    fresh = clone(versioned, "fresh")
    fresh.run("dvc", "pull", "--quiet")
    for target in ("prepare", "train_pointer", "report"):
        assert fresh.jobs(target) == Counter(), target
    # Nor has DVC, and what the clone changes is what it then makes.
    assert "Data and pipelines are up to date." in fresh.run("dvc", "repro").stdout
    fresh.set_params(pointer={"lr": 0.002})
    expected = {"train_pointer": 1, "propose_song": 1, "evaluate_pointer": 1, "report": 1}
    assert fresh.jobs() == Counter(expected)


def test_a_colleagues_change_arrives_and_an_old_state_comes_back(versioned):
    colleague = clone(versioned, "colleague")
    colleague.run("dvc", "pull", "--quiet")
    colleague.set_params(pointer={"lr": 0.003})
    made = colleague.run("dvc", "repro", "train_pointer")
    assert "prepare' didn't change, skipping" in made.stdout
    commit(colleague, "another rate")
    colleague.run("dvc", "push", "--quiet")

    mine = clone(versioned, "mine-too")
    mine.run("dvc", "pull", "--quiet")
    assert mine.jobs() == Counter()
    git(mine, "pull", "--quiet", str(colleague.path), "main")
    mine.run("dvc", "pull", "--quiet")
    assert mine.jobs("train_pointer") == Counter()
    git(mine, "checkout", "--quiet", "HEAD~1")
    mine.run("dvc", "checkout", "--quiet")
    assert mine.jobs() == Counter()


def test_a_model_put_back_without_its_params_is_not_taken_for_theirs(versioned):
    workspace = clone(versioned, "put-back")
    workspace.run("dvc", "pull", "--quiet")
    workspace.set_params(pointer={"lr": 0.004})
    workspace.snakemake("train_pointer")
    assert workspace.jobs("train_pointer") == Counter()
    workspace.run("dvc", "checkout", "--quiet", "--force", "results/models/pointer_network")
    assert workspace.jobs("train_pointer") == Counter({"train_pointer": 1})


def test_dvc_versions_no_removed_song(versioned):
    workspace = clone(versioned, "removed")
    workspace.run("dvc", "pull", "--quiet")
    workspace.remove_song("third")
    # Only the first stage; the others go on from it.
    workspace.run("dvc", "repro", "--quiet", "prepare")
    assert not list((workspace.path / "results/decode").glob("third_*"))
    assert workspace.jobs("prepare") == Counter()


def test_metrics_and_plots_are_shown(versioned):
    assert "pointer_network" in versioned.run("dvc", "metrics", "show").stdout
    versioned.run("dvc", "plots", "show", "--out", "build/plots")
    page = (versioned.path / "build/plots/index.html").read_text()
    assert "Proposed edits of held-out songs" in page
    assert "pointer_network_scores.png" in page
