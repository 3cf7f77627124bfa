"""Files are written whole or not at all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from editorbot.errors import EditorbotError
from editorbot.files import read_json, replacing, sha256, write_json, write_text


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "out.json"
    write_json(path, {"old": 1})
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert read_json(path) == {"old": 1}
    assert os.listdir(tmp_path) == ["out.json"]


def test_the_temporary_name_keeps_the_suffix(tmp_path):
    with replacing(tmp_path / "song.flac") as temporary:
        assert temporary.suffix == ".flac"
        temporary.write_bytes(b"x")
    assert (tmp_path / "song.flac").read_bytes() == b"x"


def test_nan_is_refused(tmp_path):
    with pytest.raises(ValueError, match="Out of range float"):
        write_json(tmp_path / "out.json", {"a": float("nan")})
    assert not list(tmp_path.iterdir())


FULL_DISK = """
import resource, signal, sys
from editorbot.errors import EditorbotError
from editorbot.files import write_text
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_text(sys.argv[1], "x" * 5000)
except EditorbotError as error:
    print(error)
    sys.exit(3)
"""


def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path):
    # A limit on the size of files fails a write as a full disk does, and needs no root.
    path = tmp_path / "big.txt"
    run = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 3, run.stderr
    assert f"{path} could not be written" in run.stdout
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_a_file_is_one_sentence(tmp_path):
    (tmp_path / "taken").write_text("")
    for place in ("taken/out.txt", "taken/deeper/still/out.txt"):
        with pytest.raises(EditorbotError, match=r"out\.txt could not be written"):
            write_text(tmp_path / place, "x")


def test_read_only_places_are_one_sentence():
    # The kernel's own file system refuses everybody, root too.
    for place in ("/proc/editorbot.txt", "/proc/editorbot/deeper/out.txt"):
        with pytest.raises(EditorbotError, match="could not be written"):
            write_text(Path(place), "x")


def test_what_is_no_file_has_no_digest(tmp_path):
    for place in (tmp_path, tmp_path / "none"):
        with pytest.raises(EditorbotError, match=f"{place} could not be read"):
            sha256(place)
