"""What may not stand in any file of the project."""

from __future__ import annotations

import ast
import re
import sys
import tomllib

from tests.contracts.tree import ROOT, tracked_files, tracked_texts

REGISTRIES = ("pypi.org", "pythonhosted", "npmjs.", "npmmirror", "crates.io", "/simple/")
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:home|Users|root|work)/\w|[A-Z]:\\Users\\\w")
SECRETS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_\w{36}|\bsk-\w{32}"
    r"|\bxox[bap]-\w{10}|SECRET_KEY\s*=\s*[\"'][^\"']{8}|://\w+:[^@\s/{}]{3,}@"
)
LARGEST = 1_000_000


def texts() -> dict[str, str]:
    """All texts but this one, which has to spell what it looks for."""
    return {name: text for name, text in tracked_texts().items() if name != "tests/contracts/test_files.py"}


def test_pinned_requirements_name_no_address() -> None:
    locks = sorted((ROOT / "requirements").glob("*.txt"))
    assert {lock.name for lock in locks} == {"app.txt", "lint.txt", "test.txt", "uv.txt"}
    assert [lock.name for lock in locks if "://" in lock.read_text("utf-8")] == []


def test_every_pin_has_its_hash() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        pins = re.split(r"\n(?=\S)", lock.read_text("utf-8").strip())
        assert [pin.split()[0] for pin in pins if "==" not in pin or "--hash=sha256:" not in pin] == []


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    pinned = set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements" / "app.txt").read_text("utf-8"), re.M))
    wanted = [re.match(r"[\w.-]+", line)[0].lower() for line in project["project"]["dependencies"]]  # type: ignore[index]
    assert [name for name in wanted if name.replace("_", "-") not in pinned] == []


def test_no_file_names_a_registry() -> None:
    found = [(name, host) for name, text in texts().items() for host in REGISTRIES if host in text.lower()]
    assert found == []


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    found = {name: MACHINE_PATHS.findall(text) for name, text in texts().items()}
    assert {name: paths for name, paths in found.items() if paths} == {}


def test_no_file_holds_a_secret() -> None:
    assert [name for name, text in texts().items() if SECRETS.search(text)] == []


def test_no_file_is_too_large_to_read() -> None:
    assert [path.name for path in tracked_files() if path.stat().st_size > LARGEST] == []


def test_nothing_is_left_for_later() -> None:
    left = re.compile(r"\b(?:TODO|FIXME|XXX|NotImplementedError)\b")
    sources = {name: text for name, text in texts().items() if name.endswith(".py")}
    assert [name for name, text in sources.items() if left.search(text)] == []


def test_the_set_up_script_needs_nothing_but_python() -> None:
    tree = ast.parse((ROOT / "run").read_text("utf-8"))
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        )
    }
    assert imported <= sys.stdlib_module_names
