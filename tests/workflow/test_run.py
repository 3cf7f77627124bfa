"""Who owns a workspace: a run that goes on is never taken for one that was killed."""

import os
import subprocess
import sys

import psutil
import pytest

from editorbot.files import write_json
from editorbot.workflow import run
from editorbot.workflow.run import (
    begin,
    is_alive,
    is_owned,
    release_lock_of_killed_run,
    started_after_boot_s,
)

GONE = {"host": os.uname().nodename, "pid": os.getpid(), "started": -1000.0}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run.LOCKS.mkdir(parents=True)
    return tmp_path


def lock(*, age_s: float):
    path = run.LOCKS / "0.output.lock"
    path.touch()
    at = path.stat().st_mtime - age_s
    os.utime(path, (at, at))
    return path


def test_a_process_lives_until_it_ends():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = started_after_boot_s(child.pid)
    assert is_alive(child.pid, started)
    assert not is_alive(child.pid, started - 60)  # a number that was used again
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not is_alive(child.pid, started)  # still in the table
    child.wait()
    assert not is_alive(child.pid, started)


def test_setting_the_clock_ends_no_process(monkeypatch):
    started, booted = started_after_boot_s(), psutil.boot_time()
    monkeypatch.setattr("psutil._psplatform.boot_time", lambda: booted + 3600)
    assert is_alive(os.getpid(), started)


def test_the_lock_of_a_killed_run_is_released(here, capsys):
    write_json(run.OWNER, GONE)
    lock(age_s=5)
    release_lock_of_killed_run()
    assert not run.LOCKS.exists()
    assert "was killed" in capsys.readouterr().err


def test_the_lock_of_a_run_that_is_just_beginning_stays(here):
    write_json(run.OWNER, GONE)
    taken = lock(age_s=-5)
    release_lock_of_killed_run()
    assert taken.exists()


def test_the_lock_of_a_run_that_goes_on_or_is_elsewhere_stays(here):
    taken = lock(age_s=5)
    begin()
    assert is_owned()
    release_lock_of_killed_run()
    write_json(run.OWNER, {**GONE, "host": "elsewhere"})
    assert is_owned()
    release_lock_of_killed_run()
    assert taken.exists()
