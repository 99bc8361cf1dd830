"""The page of who looked at what: an owner reads it, so it holds sentences and no keys."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.web.conftest import House

import regulars
from regulars.shop.models import audit
from regulars.web.trail_said import PARTICULARS, SUBJECTS, VERBS

HOUSE = Path(regulars.__file__).parent


def texts(node: ast.AST) -> list[str]:
    return [
        one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)
    ]


def lines_of_audit() -> list[ast.Call]:
    """Every call of `audit` in the house."""
    trees = [
        ast.parse(file.read_text("utf-8")) for file in HOUSE.rglob("*.py") if "migrations" not in file.parts
    ]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [c for c in calls if getattr(c.func, "id", "") == "audit" and c.args]


def test_every_line_that_the_house_writes_has_its_words() -> None:
    calls = lines_of_audit()
    assert len(calls) > 50
    verbs = {verb for call in calls for verb in texts(call.args[0])}
    assert not verbs - VERBS.keys()
    subjects = {text.strip() for call in calls if len(call.args) > 1 for text in texts(call.args[1])}
    assert not subjects - {""} - SUBJECTS.keys()
    details = [
        k.value
        for call in calls
        for k in call.keywords
        if k.arg == "detail" and isinstance(k.value, ast.Dict)
    ]
    keys = {key.value for detail in details for key in detail.keys if isinstance(key, ast.Constant)}
    assert not keys - PARTICULARS.keys()


def test_a_line_names_the_colleague_and_leaves_an_empty_reason_empty(house: House) -> None:
    desk = house.staff["front-desk"]
    audit("sign-in", f"staff {desk.pk}", by=desk, detail={"how": "password", "new_device": True})
    audit("end-task", "task 7", by=desk, detail={"how": "not-reached"})
    html = house.browser("owner").get("/watch/").content.decode()
    assert "怎么：密码，新设备：是" in html and "事情 7" in html and "怎么：没联系上" in html
    assert "None" not in html and "new_device" not in html and f"staff {desk.pk}" not in html
    about = house.browser("owner").get(f"/watch/?subject=staff+{desk.pk}").content.decode()
    assert f"关于 {desk.name} 的记录" in about
