"""A test that can't fail proves nothing; a test that waits or asks the clock fails some other day."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from tests.contracts.tree import ROOT

CLOCKS = {"date.today", "datetime.now", "datetime.utcnow", "time.time", "timezone.now", "timezone.localdate"}


@cache
def parsed_tests() -> list[tuple[Path, list[ast.AST]]]:
    """Every file of the tests, and all parts of what it says."""
    return [
        (path.relative_to(ROOT), list(ast.walk(ast.parse(path.read_text("utf-8")))))
        for path in sorted((ROOT / "tests").rglob("*.py"))
    ]


def test_every_test_claims_something() -> None:
    idle = [
        f"{path}::{node.name}"
        for path, parts in parsed_tests()
        for node in parts
        if isinstance(node, ast.FunctionDef)
        and node.name.startswith("test_")
        and path.name.startswith("test_")
        if not any(claims(part) for part in ast.walk(node))
    ]
    assert idle == []


def claims(node: ast.AST) -> bool:
    """An assertion, an expected error, or a call of something that is named as an assertion."""
    if isinstance(node, ast.Assert):
        return True
    if not isinstance(node, ast.Call):
        return False
    called = ast.unparse(node.func).split(".")[-1]
    return called in ("raises", "expect", "fail", "warns") or called.startswith(
        ("assert", "expect_", "must_")
    )


def test_no_test_sleeps_or_asks_the_clock() -> None:
    found = [
        f"{path}:{node.lineno} {called}"
        for path, parts in parsed_tests()
        for node in parts
        if isinstance(node, ast.Call)
        for called in [ast.unparse(node.func)]
        if called.endswith("sleep") or ".".join(called.split(".")[-2:]) in CLOCKS
    ]
    assert found == []


def test_no_test_is_skipped() -> None:
    found = [
        f"{path}:{node.lineno}"
        for path, parts in parsed_tests()
        for node in parts
        if isinstance(node, ast.Attribute) and node.attr in ("skip", "skipif", "xfail", "importorskip")
        if ast.unparse(node.value) in ("pytest", "pytest.mark", "mark", "unittest")
    ]
    assert found == []
