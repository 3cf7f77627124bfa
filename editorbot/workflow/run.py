"""One run of the pipeline: how Snakemake is set, who owns the workspace, what failed.

All paths are relative to Snakemake's working directory.
"""

import gc
import json
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import psutil
from snakemake_interface_common.exceptions import WorkflowError

from editorbot.errors import EditorbotError
from editorbot.files import write_json

FAILURES = Path(".snakemake/editorbot/failures")
OWNER = Path(".snakemake/editorbot/owner.json")
LOCKS = Path(".snakemake/locks")
# host:pid:start of the Snakemake process that a job belongs to; see step.py.
OWNER_VARIABLE = "EDITORBOT_RUN"
BUSY = "a run is going on here: wait until it has ended, then try again"
# The clock may be set between two looks at a process; numbers are not used again that soon.
SAME_START_S = 1.5


def settle(workflow: Any, *, songs: Sequence[str]) -> None:
    """Have what must hold with and without a profile hold; called by the Snakefile.

    A failed song does not stop the others. What a killed run left half done is done again. A
    script's time says nothing about its content, which is among the rules' params. Jobs import
    the package from the Snakefile's checkout, as the digests are taken from there. Without songs
    nothing can run, though rules can be listed; nor can a second run beside another.

    The settings of the command line reach the workflow only after the Snakefile was read, so they
    are changed when its DAG is prepared. Snakemake has no public place for this, hence its pinned
    version and the tests in tests/workflow.
    """
    # A plan is millions of objects that all stay: looking for garbage among them again and again
    # takes a quarter of the planning time.
    gc.set_threshold(200_000, 100, 1000)
    paths = [str(workflow.basedir), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(filter(None, paths)))
    if workflow.is_main_process:
        os.environ[OWNER_VARIABLE] = f"{os.uname().nodename}:{os.getpid()}:{started_after_boot_s()}"
    prepare_dag = workflow._prepare_dag

    def prepare_settled_dag(*args: Any, **kwargs: Any) -> None:
        if not songs:
            raise WorkflowError(
                "there is no pair of recordings yet: put SONG_raw.wav into data/input and "
                "SONG_edit.wav into data/desired_output, or make demo songs with `editorbot demo`"
            )
        execution = workflow.execution_settings
        # Snakemake looks at its lock when it has read the results, which a training replaces.
        if execution is not None and execution.lock and not workflow.dryrun and is_owned():
            raise WorkflowError(BUSY)
        if execution is not None:
            execution.keep_going = True
        workflow.dag_settings.force_incomplete = True
        triggers = workflow.dag_settings.rerun_triggers
        workflow.dag_settings.rerun_triggers = {t for t in triggers if t.name != "CODE"}
        prepare_dag(*args, **kwargs)

    workflow._prepare_dag = prepare_settled_dag


def check_names(songs: Iterable[str]) -> None:
    """Refuse the two characters that Snakemake takes for the beginning and end of a wildcard.

    Raises:
        EditorbotError: A song's name has one of them.
    """
    for song in songs:
        if "{" in song or "}" in song:
            raise EditorbotError(
                f"the song '{song}' has a curly bracket in its name, which the pipeline cannot "
                "take: rename its files"
            )


def release_lock_of_killed_run() -> None:
    """Remove Snakemake's lock if the run that took it on this machine is no longer there.

    A run takes the lock first and then the workspace, so a lock that is younger than the owner's
    file belongs to a run that is just beginning.
    """
    locked_at = [lock.stat().st_mtime_ns for lock in LOCKS.glob("*.lock")]
    if not locked_at or not OWNER.exists() or is_owned():
        return
    if max(locked_at) <= OWNER.stat().st_mtime_ns:
        print("editorbot: the last run was killed; it is taken up again", file=sys.stderr)
        shutil.rmtree(LOCKS)


def is_owned() -> bool:
    """Whether a run is going on in this workspace; a run on another machine is taken as going."""
    try:
        owner = json.loads(OWNER.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return False
    if owner["host"] != os.uname().nodename:
        return bool(list(LOCKS.glob("*.lock")))
    return is_alive(owner["pid"], owner["started"])


def is_alive(pid: int, started: float) -> bool:
    """Whether the process of that number, `started` as `started_after_boot_s` says, still runs."""
    try:
        is_same = abs(started_after_boot_s(pid) - started) < SAME_START_S
        # A killed process stays in the table until its parent has asked for it.
        return is_same and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def started_after_boot_s(pid: int | None = None) -> float:
    """When a process, by default this one, was started.

    Counted from boot, for its start on the wall clock moves whenever that clock is set.
    """
    return psutil.Process(pid).create_time() - psutil.boot_time()


def begin() -> None:
    """Take the workspace and forget the failures of the run before."""
    shutil.rmtree(FAILURES, ignore_errors=True)
    owner = {"host": os.uname().nodename, "pid": os.getpid(), "started": started_after_boot_s()}
    write_json(OWNER, owner)


def tell_failures() -> None:
    """Repeat at the end the sentences that scrolled away between other jobs."""
    sentences = sorted({path.read_text(encoding="utf-8") for path in FAILURES.glob("*.txt")})
    for sentence in sentences:
        print(f"editorbot: {sentence}", file=sys.stderr)
    if sentences:
        steps = "1 step" if len(sentences) == 1 else f"{len(sentences)} steps"
        print(
            f"editorbot: {steps} failed, all that does not need them is done; "
            "run the same command again when this is put right",
            file=sys.stderr,
        )
