"""The lists of what is installed agree: pyproject.toml, environment.yml, requirements.lock."""

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
NAMED_BY_THE_USER = {
    "dvc",
    "snakemake",
    "torch",
    "torchaudio",
    "librosa",
    "demucs",
    "natten",
    "gymnasium",
    "numpy",
    "zarr",
}


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_conda_environment_equals_the_project():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    from_pip = next(d["pip"] for d in environment["dependencies"] if isinstance(d, dict))
    assert from_pip == [*project()["dependencies"], "--editable ."]


def test_the_lock_holds_what_the_project_pins_and_no_address():
    lock = (ROOT / "requirements.lock").read_text()
    locked = dict(line.split("==") for line in lock.splitlines() if "==" in line)
    wanted = project()["dependencies"] + project()["optional-dependencies"]["dev"]
    for requirement in wanted:
        name, operator, version = re.fullmatch(r"([\w-]+)(==|>=)(.+)", requirement).groups()
        key = name.replace("_", "-").lower()
        assert key in locked
        if operator == "==":
            assert locked[key] == version
    assert "://" not in lock


def test_every_package_the_user_named_is_imported_by_the_project():
    names = {re.split(r"[=><]", entry)[0] for entry in project()["dependencies"]}
    assert names >= NAMED_BY_THE_USER
    code = "\n".join(path.read_text() for path in (ROOT / "editorbot").rglob("*.py"))
    # The two engines are used through their files and commands.
    for package in NAMED_BY_THE_USER - {"dvc", "snakemake"}:
        assert re.search(rf"^\s*(import|from) {package}\b", code, re.MULTILINE), package
