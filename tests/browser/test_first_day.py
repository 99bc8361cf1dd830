"""The first day of a shop in a real browser: founding it, a till's file, grades, today's list; at the desk and by phone."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.cache import cache
from playwright.sync_api import expect
from tests.shops import as_csv

from regulars.shop.home import Home
from regulars.shop.worker import carry_out, take_next

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

TODAY = date(2026, 11, 22)


@pytest.fixture
def street(live_server: LiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a shop that nobody has founded yet."""
    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.setenv("REGULARS_HOME", str(folder))
    for place in ("regulars.web.gate.shop_day", "regulars.jobs.shop_day"):
        monkeypatch.setattr(place, lambda *_: TODAY)
    cache.clear()
    Home.find().make()
    return live_server.url


@pytest.fixture
def tills_file(tmp_path: Path) -> Path:
    """What a till exports: twelve regulars, one of whom was here yesterday for the first time."""
    rows = [
        {
            "订单号": f"R{c}-{v}", "消费时间": f"{TODAY - timedelta(days=1 + v * (5 + c))} 19:{c:02}:00", "会员号": f"M{c:02}",
            "姓名": f"顾{'甲乙丙丁戊己庚辛壬癸子丑'[c]}", "手机号": f"1393322{1000 + c}", "实收金额": f"{200 * (12 - c)}.00",
        }
        for c in range(12)
        for v in range(1 if c == 0 else 6)
    ]  # fmt: skip
    path = tmp_path / "收银明细.csv"
    path.write_text(as_csv(rows), "utf-8-sig")
    return path


def work() -> None:
    """The worker's part, done at once."""
    while (job := take_next()) is not None:
        assert carry_out(job).state == "done"


def watched(page: Page) -> list[str]:
    """Everything that the console complains about."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    return said


def must_be_fit_to_read(page: Page) -> None:
    """No accessibility violation, nothing wider than the screen."""
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wider <= 0, f"{page.url} is {wider} px too wide"


def first_day(page: Page, street: str, tills_file: Path) -> None:
    page.goto(street)
    expect(page).to_have_url(f"{street}/start/")
    must_be_fit_to_read(page)
    page.get_by_label("怎么称呼你").fill("陈老板")
    page.get_by_label("邮箱").fill("chen@example.com")
    page.get_by_label("密码").fill("six potatoes in the cellar")
    page.get_by_role("button", name="下一步").click()
    page.get_by_label("店名").fill("老地方餐厅")
    must_be_fit_to_read(page)
    page.get_by_role("button", name="下一步").click()
    page.get_by_text("餐厅", exact=True).click()
    must_be_fit_to_read(page)
    page.get_by_role("button", name="下一步").click()
    page.locator("input[type=file]").set_input_files(tills_file)
    must_be_fit_to_read(page)
    page.get_by_role("button", name="读读看").click()
    expect(page.locator(".mapping").first).to_be_visible()
    must_be_fit_to_read(page)
    page.get_by_role("button", name="对上了，试读一遍").click()
    expect(page.get_by_text("多 12 位顾客").first).to_be_visible()
    must_be_fit_to_read(page)
    page.get_by_role("button", name="没问题，导入").click()
    expect(page.locator("[data-progress]")).to_be_visible()
    must_be_fit_to_read(page)
    work()
    expect(page.get_by_text("多了 12 位顾客").first).to_be_visible(timeout=15_000)
    must_be_fit_to_read(page)
    page.goto(f"{street}/grades/")
    expect(page.locator(".grade").first).to_be_visible()
    must_be_fit_to_read(page)
    page.goto(street)
    task = page.locator("[data-task]").first
    expect(task).to_be_visible()
    must_be_fit_to_read(page)
    before = page.locator("[data-task]").count()
    task.get_by_role("button", name="做完了").click()
    expect(page.locator("[data-done]")).to_have_count(1)
    expect(page.locator("[data-task]")).to_have_count(before - 1)
    page.locator("[data-done]").first.get_by_role("button", name="撤销").click()
    expect(page.locator("[data-task]")).to_have_count(before)
    for where in (
        "/customers/",
        "/sales/",
        "/settings/",
        "/settings/staff/",
        "/playbooks/restaurant/",
        "/receipts/",
    ):
        page.goto(street + where)
        must_be_fit_to_read(page)
    page.goto(f"{street}/customers/")
    page.locator("#find").fill("顾丁")
    page.locator("[data-suggest] a").first.click()
    expect(page.get_by_role("heading", name="顾丁")).to_be_visible()
    must_be_fit_to_read(page)


def test_the_first_day_at_the_desk(page: Page, street: str, tills_file: Path) -> None:
    said = watched(page)
    first_day(page, street, tills_file)
    assert said == []


@pytest.mark.any_store
def test_the_first_day_on_a_narrow_phone(browser: Browser, street: str, tills_file: Path) -> None:
    context = browser.new_context(
        locale="zh-CN", viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    said = watched(page)
    first_day(page, street, tills_file)
    assert said == []
    context.close()


@pytest.mark.any_store
def test_the_day_works_without_scripts(browser: Browser, street: str, tills_file: Path) -> None:
    from regulars import daily
    from regulars.grading.actions import adopt
    from regulars.shop.actions import found_business

    _, owner = found_business(
        name="老地方",
        trade="restaurant",
        owner_email="chen@example.com",
        owner_name="陈",
        password="six potatoes in the cellar",
    )
    adopt("restaurant", by=owner)
    daily.take_in([tills_file])
    daily.run_day(TODAY)
    context = browser.new_context(locale="zh-CN", java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{street}/login/")
    page.get_by_label("邮箱").fill("chen@example.com")
    page.get_by_label("密码").fill("six potatoes in the cellar")
    page.get_by_role("button", name="登录").click()
    before = page.locator("[data-task]").count()
    assert before
    page.locator("[data-task]").first.get_by_role("button", name="做完了").click()
    assert page.locator("[data-task]").count() == before - 1
    page.get_by_text("做过的 1 件").click()
    page.get_by_role("button", name="撤销").click()
    assert page.locator("[data-task]").count() == before
    context.close()
