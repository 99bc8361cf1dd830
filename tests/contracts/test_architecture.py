"""The rules of the house: imports and foreign keys run upstream, decisions know nothing but values."""

from __future__ import annotations

import ast
import json
import subprocess
import sys

import pytest
from django.apps import apps
from importlinter.cli import lint_imports
from tests.contracts.tree import FLOW, PACKAGE, ROOT, modules, pure_modules

BLOCK_AND_IMPORT = """
import importlib, json, sys

class Wall:
    blocked = {"django", "ninja", "psycopg", "granian"}

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.blocked:
            raise ImportError(f"{name} is behind the wall")

sys.meta_path.insert(0, Wall())
failed = {}
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except Exception as error:
        failed[name] = repr(error)
print(json.dumps(failed))
"""

TIME_THE_FRONT_DOOR = """
import sys, time
start = time.perf_counter()
import regulars
print(time.perf_counter() - start, "django" in sys.modules)
"""


def in_a_new_process(program: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout


def test_imports_run_upstream_only(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = lint_imports(str(ROOT / "importlinter.ini"), no_cache=True)
    assert outcome == 0, capsys.readouterr().out


def test_decisions_can_be_imported_where_there_is_no_django() -> None:
    assert json.loads(in_a_new_process(BLOCK_AND_IMPORT, *pure_modules())) == {}


def test_no_stage_imports_django_by_being_named() -> None:
    stages = [f"regulars.{stage}" for stage in FLOW if (PACKAGE / stage / "__init__.py").exists()]
    assert json.loads(in_a_new_process(BLOCK_AND_IMPORT, "regulars", *stages)) == {}


def test_the_front_door_opens_within_half_a_second_and_without_django() -> None:
    seconds, django_came_along = min(in_a_new_process(TIME_THE_FRONT_DOOR).split() for _ in range(3))
    assert float(seconds) < 0.5
    assert django_came_along == "False"


def test_foreign_keys_run_upstream() -> None:
    against = []
    for model in apps.get_models():
        if not model.__module__.startswith("regulars."):
            continue
        for field in model._meta.get_fields():
            target = field.related_model if field.is_relation and field.concrete else None
            if isinstance(target, type) and target.__module__.startswith("regulars."):
                here, there = (m.__module__.split(".")[1] for m in (model, target))
                if FLOW.index(there) > FLOW.index(here):
                    against.append(f"{model.__name__}.{field.name} points downstream to {there}")
    assert against == []


def test_every_package_has_its_place_in_the_flow() -> None:
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert packages <= {*FLOW, "examples"}


CLOCKS = {"today", "now", "utcnow", "time", "localtime", "gmtime", "localdate"}


def test_decisions_ask_no_clock() -> None:
    asking = []
    for name, path in pure_modules().items():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr not in CLOCKS or node.args:
                continue
            owner = ast.unparse(node.func.value)
            if owner.split(".")[-1] in ("date", "datetime", "time", "timezone", "Timestamp"):
                asking.append(f"{name}:{node.lineno} {owner}.{node.func.attr}()")
    assert asking == []


def test_names_of_modules_say_what_is_in_them() -> None:
    empty_words = {"utils", "helpers", "common", "misc", "manager", "service", "handler", "base", "core"}
    assert [name for name in modules() if empty_words & set(name.split("."))] == []
