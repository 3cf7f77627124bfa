"""The digest of a step's code covers all that the step runs, and only that."""

import ast
import re

import pytest

from editorbot import provenance
from editorbot.provenance import (
    DATA_FILES,
    NEUTRAL,
    PACKAGE,
    ROOT,
    code_digest,
    deciding_modules,
    is_neutral,
)

SCRIPTS = sorted((ROOT / "workflow/scripts").glob("*.py"))
# Make weights that are shipped, or those that a user asks for: no part of what `all` builds.
BY_HAND = {"train_mini_demucs", "render_track", "simulate_jam", "pretrain_pointer"}


def script(name: str):
    return ROOT / f"workflow/scripts/{name}.py"


def test_each_rule_has_its_script_and_its_code_among_its_params():
    rules = "\n".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    used = re.findall(r'"\.\./scripts/(\w+)\.py"', rules)
    assert sorted(used) == [path.stem for path in SCRIPTS]
    assert sorted(re.findall(r'code_of\("(\w+)"\)', rules)) == sorted(used)


def test_what_a_step_really_imports_is_covered(built):
    names = {path.stem for path in SCRIPTS} - BY_HAND
    for rule in names:
        imports_are_covered(built, rule)


def imports_are_covered(workspace, rule: str) -> None:
    """By the modules that each job of a rule noted at its end."""
    name = {"propose_song": "propose"}.get(rule, rule)
    folder = workspace.path / "results/logs"
    logs = [*folder.glob(f"{name}.log"), *folder.glob(f"{name}/**/*.log")]
    assert logs, f"{rule} did not run"
    for log in logs:
        noted = re.search(r"modules: (.*)", log.read_text())
        assert noted, f"{log} does not say what was imported"
        imported = {module for module in noted[1].split() if not is_neutral(module)}
        assert imported <= deciding_modules(script(rule)), rule


def test_each_file_beside_the_code_belongs_to_a_module():
    """Otherwise a step would not notice that its weights were replaced."""
    claimed = {path for patterns in DATA_FILES.values() for p in patterns for path in ROOT.glob(p)}
    beside = {path for path in (ROOT / PACKAGE).rglob("*") if path.is_file()}
    beside = {path for path in beside if path.suffix not in (".py", ".pyc")}
    assert beside == claimed
    reached = {module for path in SCRIPTS for module in deciding_modules(path)}
    assert set(DATA_FILES) <= reached


def test_modules_are_imported_by_statements_alone():
    """What is imported by a computed name would not be found."""
    for path in (ROOT / PACKAGE).rglob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text())))
        names = {node.id for node in nodes if isinstance(node, ast.Name)}
        names |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        assert not names & {"__import__", "import_module"}, path


def test_neutral_modules_import_no_deciding_ones():
    """Otherwise these would be missed behind them."""
    for name in NEUTRAL:
        place = ROOT.joinpath(*name.split("."))
        for path in place.rglob("*.py") if place.is_dir() else [place.with_suffix(".py")]:
            found = deciding_modules(path)
            allowed = {f"{PACKAGE}.corpus", f"{PACKAGE}.corpus.songs"}
            assert found <= allowed, f"{path} imports {found - allowed}"


def test_the_packages_top_holds_constants_alone():
    body = ast.parse((ROOT / PACKAGE / "__init__.py").read_text()).body
    assert all(isinstance(node, ast.Expr | ast.Assign) for node in body)


@pytest.fixture
def steps(tmp_path, monkeypatch):
    """A package of two modules, and a script that imports one of them inside a function."""
    monkeypatch.setattr("editorbot.provenance.ROOT", tmp_path)
    package = tmp_path / PACKAGE / "room"
    package.mkdir(parents=True)
    for place in (package, package.parent):
        (place / "__init__.py").write_text("")
    (package / "used.py").write_text("def f():\n    from editorbot.room import behind\n")
    (package / "behind.py").write_text('"""Text."""\nvalue = 1\n')
    (package / "other.py").write_text("value = 1\n")
    (tmp_path / "script.py").write_text("import editorbot.room.used as used\nused.f()\n")
    forget()
    yield tmp_path
    forget()


def forget() -> None:
    provenance._code.cache_clear()
    provenance._data_digest.cache_clear()


@pytest.mark.parametrize(
    ("file", "text", "changes"),
    [
        ("editorbot/room/behind.py", '"""Other text."""\n# note\nvalue = (1)\n', False),
        ("editorbot/room/behind.py", '"""Text."""\nvalue = 2\n', True),
        ("editorbot/room/other.py", "value = 2\n", False),
        ("script.py", "import editorbot.room.used as used  # note\nused.f()\n", False),
        ("script.py", "import editorbot.room.used as used\nused.f(2)\n", True),
    ],
)
def test_a_digest_changes_with_what_the_code_says(steps, file, text, changes):
    before = code_digest(steps / "script.py")
    forget()
    (steps / file).write_text(text)
    assert (code_digest(steps / "script.py") != before) == changes
