"""Which code decides a step's result, and a digest of it for the step's Snakemake rule.

Snakemake does not see an edit to a package module that a rule's script imports, so each rule has
`code_digest(script)` among its params. It covers the script and every module of this package that
the script reaches by import statements, found without running anything. Comments, docstrings and
formatting do not count. Neither do the modules in `NEUTRAL`, through which values and files pass
but which decide no result: the values of params.yaml reach a rule as params of their own.

The Snakefile reads this on each call, so nothing heavy may be imported here.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "editorbot"
NEUTRAL = frozenset(
    f"{PACKAGE}.{name}"
    for name in ("errors", "files", "params", "progress", "provenance", "workflow")
)

DATA_FILES = {
    "editorbot.align.rating": ("editorbot/align/confidence.json",),
    "editorbot.audio.demucs_mini": ("editorbot/audio/weights/mini/*",),
    "editorbot.pointer_network.path.pretrained": ("editorbot/pointer_network/path/weights/*",),
}
"""Files beside the code that decide results, as glob patterns, by the module that reads them."""


class Code(NamedTuple):
    """What a file says to Python, without comments, docstrings and formatting."""

    imports: frozenset[str]
    """The package's modules that it imports, wherever in it the statement stands."""
    digest: str


def code_digest(script: Path | str) -> str:
    """Digest of `script` and of the modules that decide its result, 16 hexadecimal digits."""
    digest = hashlib.sha256(_code(Path(script)).digest.encode())
    for module in sorted(deciding_modules(script)):
        digest.update(f"{module} {_code(_path(module)).digest} {_data_digest(module)}".encode())
    return digest.hexdigest()[:16]


def deciding_modules(script: Path | str) -> frozenset[str]:
    """Names of the package's modules that `script` reaches, without the neutral ones."""
    reached: set[str] = set()
    waiting = list(_code(Path(script)).imports)
    while waiting:
        module = waiting.pop()
        if module not in reached and not is_neutral(module):
            reached.add(module)
            waiting += _code(_path(module)).imports
    return frozenset(reached)


def is_neutral(module: str) -> bool:
    """Whether a module of this package decides no result; its top holds the version alone."""
    return module == PACKAGE or any(
        module == name or module.startswith(f"{name}.") for name in NEUTRAL
    )


@cache
def _code(path: Path) -> Code:
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    imports = _imports(tree)
    content = ast.dump(_WithoutDocstrings().visit(tree))
    return Code(imports, hashlib.sha256(content.encode()).hexdigest())


def _imports(tree: ast.Module) -> frozenset[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            # What is imported from a package may be one of its modules or a name within it.
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    inside = {name for name in names if name.split(".")[0] == PACKAGE}
    with_parents = {name.rsplit(".", n)[0] for name in inside for n in range(name.count(".") + 1)}
    return frozenset(name for name in with_parents if _path(name).is_file())


def _path(module: str) -> Path:
    place = ROOT.joinpath(*module.split("."))
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


@cache
def _data_digest(module: str) -> str:
    digest = hashlib.sha256()
    for pattern in DATA_FILES.get(module, ()):
        for path in sorted(ROOT.glob(pattern)):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


class _WithoutDocstrings(ast.NodeTransformer):
    """Also removes strings below a field, which document it and do nothing else."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_text else node
