"""/style/ — every component in one place: light and dark, Chinese and English, filled, empty and broken."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace as Sample
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from markupsafe import Markup

from regulars.shop.words import Problem, Words
from regulars.web import jinja

PANELS = (("zh", "light"), ("zh", "dark"), ("en", "light"), ("en", "dark"))
PANEL_NAMES = {
    "zh-light": Words("中文 · 浅", "Chinese, light"),
    "zh-dark": Words("中文 · 深", "Chinese, dark"),
    "en-light": Words("英文 · 浅", "English, light"),
    "en-dark": Words("英文 · 深", "English, dark"),
}


def style(request: HttpRequest) -> HttpResponse:
    """The page of all components; `?only=zh-dark` shows one panel alone."""
    only = request.GET.get("only", "")
    chosen = [pair for pair in PANELS if "-".join(pair) == only] or list(PANELS)
    panels = [
        Sample(
            name=PANEL_NAMES[f"{lang}-{theme}"],
            theme=theme,
            lang="zh-CN" if lang == "zh" else "en",
            html=specimens(lang, theme, request),
        )
        for lang, theme in chosen
    ]
    choices = [Sample(text=Words("全部", "All"), href="?", current=len(chosen) > 1)] + [
        Sample(text=name, href=f"?only={key}", current=key == only) for key, name in PANEL_NAMES.items()
    ]
    return render(request, "style.html", {"page": Sample(panels=panels, choices=choices)})


def specimens(lang: str, theme: str, request: HttpRequest | None = None) -> Markup:
    """All components once, in one language; ids carry the panel's name, so panels share a page."""
    kept = jinja.LANG.set(lang)
    try:
        return Markup(
            render_to_string("style_specimens.html", {"s": samples(f"{lang}-{theme}")}, request=request)
        )
    finally:
        jinja.LANG.reset(kept)


def samples(mark: str) -> Sample:
    """Invented data for every component; `mark` keeps ids apart."""
    grades = [
        Sample(key=key, name=name, rank=rank)
        for rank, (key, name) in enumerate(
            (
                ("a", Words("A 类", "A")),
                ("b", Words("B 类", "B")),
                ("c", Words("C 类", "C")),
                ("d", Words("D 类", "D")),
                ("honoured", Words("荣誉客户", "Honoured")),
                ("model", Words("样板客户", "Model")),
                ("free-spirited", Words("随性客户", "Free-spirited")),
                ("dormant", Words("休眠客户", "Dormant")),
                ("low-value", Words("花功夫多、买得少的客户", "Much effort, few orders")),
            ),
            start=1,
        )
    ]
    new = Sample(key="new", name=Words("新客", "New"), rank=0)
    return Sample(
        mark=mark,
        grades=grades,
        new=new,
        task=_task(f"{mark}-1", grades[0], "call", say=True),
        task_short=_task(f"{mark}-2", grades[8], "message", say=False, late_days=3),
        finished=[
            _finished(f"{mark}-3", "done", "下周带孩子来，要靠窗"),
            _finished(f"{mark}-4", "not-reached", ""),
            _finished(f"{mark}-5", "postponed", ""),
            _finished(f"{mark}-6", "not-wanted", ""),
        ],
        facts=[
            _fact(Words("平时隔", "Usual gap"), "9", Words("38 次算出来的中间值", "the middle of 38 gaps")),
            _fact(Words("生日", "Birthday"), Words("农历十月十七", "17th of the 10th lunar month"), ""),
            _fact(Words("忌口", "Allergies"), None, ""),
        ],
        rows=[
            {"name": "王女士", "visits": "38", "spend": "¥28,360"},
            {"name": "Alexandra Papadopoulos-Montgomery", "visits": "4", "spend": "¥1,234,567.89"},
            {"name": "李建国", "visits": None, "spend": None},
        ],
        conditions=[
            _condition(("最近 30 天消费", "Spent in 30 days"), "¥5,680", ("至少 ¥5,000", "at least ¥5,000"),
                       ("多 ¥680", "¥680 more"), True),
            _condition(("最近 30 天来店", "Visits in 30 days"), "3", ("至少 4 次", "at least 4"),
                       ("还差 1 次", "1 short"), False),
            _condition(("职业", "Occupation"), None, ("老板或高管", "owner or executive"), ("", ""), False),
        ],
        nexts=[
            Sample(
                grade=grades[0],
                needs=[Words("再来 1 次，30 天里满 4 次", "One more visit makes 4 in 30 days")],
                by=Words("11 月 30 日之前", "by 30 November"),
            )
        ],
        steps=[
            Sample(text=Words("导入销售", "Bring in sales"), href="#", done=True, detail=""),
            Sample(
                text=Words("看今天该照顾谁", "See today's list"),
                href="#",
                done=False,
                detail=Words("11 件事，约 46 分钟", "11 things, about 46 minutes"),
            ),
        ],
        tabs=[
            Sample(text=Words("我的", "Mine"), href="#", current=True, count=4),
            Sample(text=Words("全店", "Whole shop"), href="#", current=False, count=10234),
        ],
        fresh=Sample(words=Words("数据到 11 月 20 日", "Sales until 20 Nov"), late=False, href=""),
        stale=Sample(words=Words("数据只到 10 月 3 日", "Sales only until 3 Oct"), late=True, href="#"),
        bars=[
            Sample(name=Words("A 类", "A"), share=1.0, value="¥48.2 万", note="42%", rank="rank-1"),
            Sample(name=Words("B 类", "B"), share=0.79, value="¥38.1 万", note="33%", rank="rank-2"),
            Sample(name=Words("C 类", "C"), share=0.0, value="¥0", note="0%", rank="rank-3"),
        ],
        visits=[
            Sample(at=at, size=size, said=f"¥{820 * size:.0f}")
            for at, size in ((0.0, 0.3), (0.12, 0.2), (0.2, 0.6), (0.34, 1.0), (0.47, 0.3), (0.6, 0.05))
        ],
        months=[Sample(at=k / 4, text=text) for k, text in enumerate(("12", "3", "6", "9"))],
        job=Sample(
            title=Words("正在认顾客", "Matching customers"), done=8204, total=18204, unit=Words("行", "rows"),
            so_far=[(Words("销售", "Sales"), "8,190"), (Words("顾客", "Customers"), "402")],
            cancel="#", poll="", state="running", next="",
        ),
        job_open=Sample(
            title=Words("正在打开文件", "Opening the file"), done=0, total=None, unit=Words("行", "rows"),
            so_far=[], cancel="", poll="", state="running", next="",
        ),
        columns=[
            _column(mark, 1, "订单编号", ["MT20261120001", "MT20261120002"], "receipt", is_sure=True),
            _column(mark, 2, "实付金额", ["320.00", "88.50"], "amount", is_sure=False),
            _column(mark, 3, "优惠券码", [], "ignore", is_sure=True),
            _column(mark, 4, "手机号", ["138****8866"], "phone", is_sure=True,
                    problem=Words("号码中间是星号，认不出是谁。", "Masked numbers identify nobody.")),
        ],
        fields=[
            Sample(
                title=Words("销售", "Sale"),
                fields=[("receipt", Words("单号", "Receipt")), ("amount", Words("金额", "Amount"))],
            ),
            Sample(title=Words("顾客", "Customer"), fields=[("phone", Words("手机", "Phone"))]),
        ],
        problems=[
            Problem(17, "实付金额", "三百二", Words("金额不是数字", "not a number"),
                    Words("改成 320.00", "write 320.00")),
            Problem(None, "", "", Words("整张表是空的", "the sheet is empty"),
                    Words("不用管", "nothing to do")),
        ],
        picks=[
            Sample(value="hotpot", title=Words("火锅", "Hot pot"), text=Words("看月均消费", "monthly spend")),
            Sample(value="salon", title=Words("美容美发", "Salon"), text=""),
        ],
        on=date(2026, 11, 20),
    )  # fmt: skip


def _task(key: str, grade: Any, channel: str, *, say: bool, late_days: int = 0) -> Sample:
    return Sample(
        id=key,
        customer=Sample(name="王女士" if say else "Alexandra Papadopoulos-Montgomery", href="#", tail="8866"),
        grade=grade,
        rule=Words("店长电话", "Manager's call"),
        why=Words(
            "该来没来：平时 9 天来一次，这次已经 21 天没来。",
            "Overdue: usually every 9 days, now 21 days since the last visit.",
        ),
        do=Words("店长打个电话，问问近况，不推销", "The manager calls, asks how she is, sells nothing"),
        channel=channel,
        say=Words(
            "王女士您好，我是老灶火锅的小李。有阵子没见您了，靠窗那桌周末给您留着。",
            "Hello Ms Wang, this is Li from Laozao. Your window table is kept for the weekend.",
        )
        if say
        else "",
        minutes=5,
        cost=0 if say else 3000,
        tel="13800138000" if say else "",
        late_days=late_days,
        staff="",
        action="#",
        later=[(1, Words("明天", "Tomorrow")), (3, Words("过三天", "In 3 days"))],
    )


def _finished(key: str, result: str, note: str) -> Sample:
    return Sample(
        id=key,
        customer=Sample(name="王女士", href="#"),
        do=Words("店长打个电话", "Manager's call"),
        result=result,
        note=note,
        by="小李",
        until=date(2026, 11, 25) if result == "postponed" else None,
        undo="#",
    )


def _fact(name: Words, value: object, note: object) -> Sample:
    return Sample(name=name, value=value, note=note)


def _condition(
    name: tuple[str, str], value: str | None, needs: tuple[str, str], margin: tuple[str, str], holds: bool
) -> Sample:
    return Sample(name=Words(*name), value=value, needs=Words(*needs), margin=Words(*margin), holds=holds)


def _column(
    mark: str,
    place: int,
    header: str,
    shown: list[str],
    field: str,
    *,
    is_sure: bool,
    problem: Words | None = None,
) -> Sample:
    return Sample(
        header=header,
        samples=shown,
        field=field,
        sure=is_sure,
        problem=problem,
        name=f"{mark}-column-{place}",
    )
