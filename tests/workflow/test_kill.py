"""A run that is killed in the middle of a step leaves nothing that is taken for whole."""

import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from .workspace import Workspace, environment, jobs_in


def test_a_killed_training_is_done_again_and_nothing_else(workspace):
    with training(workspace) as run:
        jobs = psutil.Process(run.pid).children(recursive=True)
    assert jobs
    # Its jobs end too, or they would write over what the next run makes.
    wait_until(lambda: not any(is_running(job) for job in jobs), "the jobs to end")

    workspace.set_params(pointer={"path": {"steps": 4}})
    expected = {"train_pointer": 1, "propose_song": 1, "evaluate_pointer": 1, "report": 1}
    plan = workspace.snakemake("--dry-run").stdout
    assert "the last run was killed; it is taken up again" in plan
    assert jobs_in(plan) == Counter(expected)
    workspace.snakemake("train_pointer")
    assert workspace.jobs("train_pointer") == Counter()


def test_a_run_that_goes_on_keeps_its_lock(workspace):
    with training(workspace):
        second = workspace.snakemake(check=False)
        assert second.returncode != 0
        assert "a run is going on here: wait until it has ended" in second.stdout
        pruned = workspace.run("python", "-m", "editorbot.workflow.prune", check=False)
        assert "a run is going on here" in pruned.stdout


@contextmanager
def training(workspace: Workspace) -> Iterator[subprocess.Popen]:
    """A run in the middle of a training without end; killed with SIGKILL when the block ends."""
    workspace.set_params(pointer={"path": {"steps": 1_000_000, "patience": 1_000_000}})
    logs = workspace.path / "results/logs/pointer_network"
    before = set(logs.rglob("*"))
    run = subprocess.Popen(
        ["snakemake", "--cores", "2"],
        cwd=workspace.path,
        env=environment(workspace.path),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )
    try:
        wait_until(lambda: set(logs.rglob("*")) - before, "training to begin")
        yield run
    finally:
        run.kill()
        run.wait()


def is_running(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(condition, what: str, *, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.1)
