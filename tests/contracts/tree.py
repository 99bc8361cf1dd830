"""The files of the project and the modules of the package, as the contracts look at them."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
PACKAGE = SOURCE / "regulars"

# Upstream first. Stages of later years have their place already.
FLOW = (
    "shop",
    "playbooks",
    "sales",
    "customers",
    "foresight",
    "grading",
    "membership",
    "outreach",
    "voice",
    "care",
    "outcomes",
    "web",
)
PURE_BESIDES = (
    "library",
    "shop.words",
    "shop.money",
    "shop.calendar",
    "shop.books",
    "shop.engine",
    "sales.reading",
    "grading.drawing",
    "grading.drops",
)


def tracked_files() -> list[Path]:
    """Every file that belongs to the project: what git tracks or would; without git, what is not made."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if listed.returncode == 0:
        files = [ROOT / name for name in listed.stdout.decode("utf-8").split("\0") if name]
    else:
        made = {".venv", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"}
        files = [path for path in ROOT.rglob("*") if not made & set(path.relative_to(ROOT).parts)]
    return [path for path in files if path.is_file()]


def tracked_texts() -> dict[str, str]:
    """The same files as text, by their path from the root; files that are no UTF-8 text are left out."""
    texts = {}
    for path in tracked_files():
        try:
            texts[path.relative_to(ROOT).as_posix()] = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
    return texts


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def pure_modules() -> dict[str, Path]:
    """The modules that know no Django, no store, no network, no clock."""
    return {name: path for name, path in modules().items() if is_pure(name)}


def is_pure(name: str) -> bool:
    """Whether a module has to be pure, by where it stands.

    >>> is_pure("regulars.care.rules.owed"), is_pure("regulars.sales.facts"), is_pure("regulars.care.models")
    (True, True, False)
    """
    within = name.removeprefix("regulars.")
    parts = within.split(".")
    if parts[0] in ("playbooks", "examples", "facts") or within in PURE_BESIDES:
        return True
    return len(parts) > 1 and (parts[1] in ("rules", "facts") or within.startswith("sales.readers"))
