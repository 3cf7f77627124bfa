"""One workspace, built once by the real pipeline; each test works on a copy of it."""

import itertools

import pytest

from .workspace import Workspace

SONGS = ["Jäger & co", "second", "third"]
_numbers = itertools.count()


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Workspace:
    """All outputs are there. Not to be changed."""
    workspace = Workspace.create(tmp_path_factory.mktemp("workflow") / "built", SONGS)
    workspace.snakemake()
    return workspace


@pytest.fixture
def workspace(built, tmp_path) -> Workspace:
    """A copy of the built workspace to change."""
    return built.copy(tmp_path / "workspace")
