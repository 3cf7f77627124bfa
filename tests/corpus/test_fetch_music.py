"""`make music` in front of stand-ins for apt-get and dpkg-deb, as tests have no network."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "workflow" / "scripts" / "fetch_music.sh"
UNPACK = """#!/bin/bash
mkdir -p "$3/usr/share/games/win" "$3/usr/share/doc/singularity-music"
echo terms > "$3/usr/share/doc/singularity-music/copyright"
for n in $(seq {tracks}); do echo sound > "$3/usr/share/games/win/Track $n.ogg"; done
"""
DOWNLOAD = '#!/bin/bash\n[[ "$*" == *update* ]] || touch singularity-music_007-2_all.deb\n'
USED = (
    *("bash", "mkdir", "mktemp", "rm", "chmod", "cat", "find", "sort", "cp", "mv"),
    *("basename", "seq", "touch"),
)
REFUSE = "#!/bin/bash\necho 'E: no route to host' >&2\nexit 100\n"


@pytest.fixture
def fetch(tmp_path):
    def run(**commands: str) -> subprocess.CompletedProcess:
        tools = tmp_path / "tools"
        tools.mkdir(exist_ok=True)
        for name in USED:
            stand_in(tools / name, f'#!/bin/bash\nPATH=/usr/bin:/bin exec {name} "$@"\n')
        for name, text in commands.items():
            stand_in(tools / name.replace("_", "-"), text)
        environment = {**os.environ, "PATH": str(tools), "TMPDIR": str(tmp_path)}
        command = ["/bin/bash", str(SCRIPT), str(tmp_path / "reference")]
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    def stand_in(path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)

    return run


def test_sixteen_tracks_and_their_licence_arrive_once(fetch, tmp_path):
    first = fetch(apt_get=DOWNLOAD, dpkg_deb=UNPACK.format(tracks=16))
    assert first.returncode == 0, first.stderr
    folder = tmp_path / "reference"
    assert len(list(folder.glob("Track *.ogg"))) == 16
    assert (folder / "singularity-music.copyright.txt").read_text() == "terms\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["reference", "tools"]
    again = fetch(apt_get=REFUSE)
    assert again.returncode == 0
    assert "already holds 16" in again.stdout


@pytest.mark.parametrize(
    ("commands", "reason"),
    [
        ({}, "apt-get is missing"),
        ({"apt_get": REFUSE, "dpkg_deb": UNPACK}, "could not be downloaded"),
        ({"apt_get": DOWNLOAD, "dpkg_deb": "#!/bin/bash\nexit 2\n"}, "is damaged"),
        ({"apt_get": DOWNLOAD, "dpkg_deb": UNPACK.format(tracks=3)}, "holds 3 tracks, expected 16"),
    ],
)
def test_failures_say_what_to_do(fetch, tmp_path, commands, reason):
    result = fetch(**commands)
    assert result.returncode != 0
    assert result.stderr.splitlines()[-1].startswith("fetch_music: ")
    assert reason in result.stderr
    assert not list((tmp_path / "reference").glob("*.ogg"))
