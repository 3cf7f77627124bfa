"""DVC's remote on a real S3 protocol server (moto's) on loopback: `make test-s3`.

Not collected by default, as it takes two environments of its own, which the make target installs:
build/s3/dvc (requirements-s3.lock) and build/s3/moto (requirements-moto.lock).
"""

import socket
import subprocess
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import SONGS
from .test_dvc import IDENTITY
from .workspace import CHECKOUT, Workspace, environment

DVC = CHECKOUT / "build/s3/dvc/bin/dvc"
MOTO = CHECKOUT / "build/s3/moto/bin/moto_server"
BUCKET = "editorbot"
# Any will do for moto; set by name, so that no real account is ever used.
ACCOUNT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Address of an S3 server with an empty bucket."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [MOTO, "--host", "127.0.0.1", "--port", str(port)], stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(address)
        bucket = urllib.request.Request(f"{address}/{BUCKET}", method="PUT")
        assert urllib.request.urlopen(bucket).status == 200
        yield address
    finally:
        server.terminate()
        server.wait()


def wait_for(address: str) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(address)
            return
        except OSError:
            assert time.monotonic() < end, f"no answer at {address}"
            time.sleep(0.2)


def dvc_s3(workspace: Workspace, *arguments: str) -> str:
    """Run the DVC that speaks S3."""
    run = subprocess.run(
        [DVC, *arguments],
        cwd=workspace.path,
        env={**environment(workspace.path), **ACCOUNT},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout + run.stderr


def test_a_clone_that_pulls_from_s3_has_nothing_to_do(endpoint: str, tmp_path: Path):
    workspace = Workspace.create(tmp_path / "mine", SONGS, stems={"model": "off"})
    for command in ("git init --quiet", "dvc add --quiet data", "dvc repro prepare"):
        workspace.run(*command.split())
    dvc_s3(workspace, "remote", "add", "--default", "s3", f"s3://{BUCKET}/songs")
    dvc_s3(workspace, "remote", "modify", "s3", "endpointurl", endpoint)
    workspace.run("git", "add", "--all")
    workspace.run("git", *IDENTITY, "commit", "--quiet", "--message", "first")
    pushed = dvc_s3(workspace, "push")
    assert "files pushed" in pushed
    print(pushed)

    clone = Workspace(tmp_path / "clone")
    subprocess.run(["git", "clone", "--quiet", workspace.path, clone.path], check=True)
    # The later stages were never run, so there is nothing of theirs to pull.
    print(dvc_s3(clone, "pull", "--allow-missing"))
    assert clone.raw(SONGS[0]).read_bytes() == workspace.raw(SONGS[0]).read_bytes()
    assert clone.jobs("prepare") == Counter()
