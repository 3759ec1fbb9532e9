"""The structure holds: one import arrow, a pure domain, the fixed top level, small files and functions, no foreign addresses."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = {"server", "sync", "media", "worker"}
MAY_IMPORT = {"worker": {"server", "sync", "media"}, "server": {"sync", "media"}, "sync": set(), "media": set()}
IMPURE = {"os", "time", "random", "secrets", "socket", "subprocess", "threading", "asyncio", "urllib"}
# Takes addresses apart and asks nobody.
PURE_PARTS = {"urllib.parse"}
TOP_LEVEL = {
    "server", "pwa", "sync", "media", "worker", "tests", "pyproject.toml", "README.md", "Makefile", "ARCHITECTURE.md",
    "CHANGELOG.md", "LICENSE",
}  # fmt: skip
CODE = (".py", ".js", ".mjs")
REGISTRIES = re.compile("|".join(["registry[.]" + "npmjs", "pypi[.]" + "org", "python" + "hosted", "deb[.]" + "debian"]))


def tracked() -> list[str]:
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in listing.splitlines() if (ROOT / name).is_file()]


def python_files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module


@pytest.mark.parametrize("package", sorted(OURS))
def test_imports_follow_the_arrow(package: str) -> None:
    allowed = MAY_IMPORT[package] | {package}
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in python_files(package)
        for name in imported(path)
        if name.split(".")[0] in OURS - allowed
    ]
    assert not wrong


def test_domain_is_pure() -> None:
    wrong = []
    for path in python_files("server/domain"):
        for name in imported(path):
            top = name.split(".")[0]
            foreign = top == "server" and not name.startswith("server.domain")
            if foreign or (top in IMPURE and name not in PURE_PARTS and path.name != "export.py"):
                wrong.append(f"{path.name} imports {name}")
    assert not wrong


def test_top_level_is_the_agreed_one() -> None:
    assert {name.split("/")[0] for name in tracked() if not name.startswith(".")} <= TOP_LEVEL


def test_files_and_functions_stay_small() -> None:
    wrong = []
    for name in tracked():
        if not name.endswith(CODE):
            continue
        text = (ROOT / name).read_text(encoding="utf-8")
        if text.count("\n") > 400:
            wrong.append(f"{name}: {text.count(chr(10))} lines")
        if name.endswith(".py"):
            functions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
            wrong += [f"{name}: {n.name} is long" for n in functions if (n.end_lineno or 0) - n.lineno > 50]
    assert not wrong


def test_templates_stay_small() -> None:
    templates = [name for name in tracked() if "/templates/" in name and name.endswith(".html")]
    assert not [name for name in templates if (ROOT / name).read_text(encoding="utf-8").count("\n") > 60]


def test_no_file_names_a_package_registry() -> None:
    wrong = []
    for name in tracked():
        try:
            text = (ROOT / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if REGISTRIES.search(text):
            wrong.append(name)
    assert not wrong


def test_every_module_says_what_lives_in_it() -> None:
    modules = [path for package in OURS for path in python_files(package) if path.read_text(encoding="utf-8").strip()]
    assert not [str(path.relative_to(ROOT)) for path in modules if not ast.get_docstring(ast.parse(path.read_text()))]
