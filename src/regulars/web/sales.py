"""Sales and imports: until when each store is known, what came in, the wizard, taking back, receipts without a name."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace as Page
from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from regulars import daily
from regulars.care.models import DayPlan
from regulars.customers.models import Customer
from regulars.customers.queries import search
from regulars.grading.models import GradeRun
from regulars.sales.actions import problems_of
from regulars.sales.left_out import left_out
from regulars.sales.models import Batch, BatchState, SaleLine
from regulars.sales.queries import anonymous_receipts, batches_of, newest_batches, receipts_of
from regulars.sales.rules.headers import CONTRACT_FIELDS
from regulars.shop import vault
from regulars.shop.actions import ask_for, cancel
from regulars.shop.calendar import day_words
from regulars.shop.models import Job, JobState, Store
from regulars.shop.money import say_money
from regulars.shop.spreadsheets import ENDINGS
from regulars.shop.words import Problem, Refused, Words
from regulars.web import uploads
from regulars.web.customers import find_customer
from regulars.web.entrance import stores_to_choose
from regulars.web.may import needs
from regulars.web.request import Request, is_day, number_in
from regulars.web.shown import Badges, customers_shown, freshness, people

A_PAGE = 30

READERS = {
    "by-hand": Words("手工记的一笔", "One sale by hand"),
    "attached": Words("认领的一张小票", "A receipt given to a customer"),
}


def _jobs(request: Request) -> QuerySet[Job]:
    """Long work that this visitor may watch: all, or what she has asked for."""
    found = Job.objects.all()
    return found if request.user.reach("sales").everybody else found.filter(asked_by=request.user)


# --- what came in ----------------------------------------------------------------------------------------------------


@needs("sales")
@require_GET
def sales(request: Request) -> HttpResponse:
    """Until when each store is known, and every file that came in."""
    plan = DayPlan.objects.filter(on=request.today).first()
    batches = newest_batches(
        request.user, before=number_in(request.GET.get("before"), 1, 2**62), limit=A_PAGE
    )
    stores = list(Store.objects.filter(is_open=True).order_by("id"))
    known = [s for s in stores if s.known_until]
    late = {store for _, store, _, _ in plan.paused} if plan else set()
    until = max((s.known_until for s in known if s.known_until), default=None)
    running = (
        Job.objects.filter(kind__in=("import", "undo"), state__in=(JobState.WAITING, JobState.RUNNING))
        .order_by("id")
        .first()
    )
    page = Page(
        sentence=Words("销售记到{d}", "Sales are known until {d}").fill(d=day_words(until, request.today)) if until else Words("还不知道销售记到哪天", "Nobody knows yet until when sales reach"),
        more="", fresh=freshness(request.today, plan),
        stores=[
            Page(name=s.name, known_until=s.known_until, late=bool(late & {s.name, ""}),
                 said=Words("到{d}", "until {d}").fill(d=day_words(s.known_until, request.today)) if s.known_until else Words("还没有数据", "no data yet"))
            for s in stores
        ],
        batches=[_batch_row(b) for b in batches[:A_PAGE]],
        newer="", older=f"?before={batches[A_PAGE - 1].pk}" if len(batches) > A_PAGE else "",
        running=Page(href=reverse("job", args=[running.pk]), said=Words(*(running.step or ["排队中", "waiting"]))) if running else None,
        waiting="" if batches or running else "no-sales", receipts_href=reverse("receipts"),
    )  # fmt: skip
    return render(request, "sales.html", {"page": page})


def _files(batch: Batch) -> Words | str:
    return "、".join(batch.files) if batch.files else READERS.get(batch.reader, Words("手工", "By hand"))


def _batch_row(batch: Batch) -> Page:
    state = {"writing": "running", "undoing": "undone"}.get(batch.state, batch.state)
    return Page(
        href=reverse("batch", args=[batch.pk]), at=batch.at, files=_files(batch), rows=batch.rows, new=batch.new, known=batch.known,
        refused=batch.refused, customers=batch.customers, first_on=batch.covers_from, last_on=batch.covers_until,
        by=batch.by.name if batch.by else "", state=state,
        undo=reverse("batch", args=[batch.pk]) + "#undo" if batch.state == BatchState.COMPLETE else "",
    )  # fmt: skip


# --- the wizard: files → columns → trial → in ------------------------------------------------------------------------


@needs("sales")
@require_http_methods(["GET", "POST"])
def import_files(request: Request) -> HttpResponse:
    """1 of 4: choose files."""
    errors: list[Words] = []
    stores = stores_to_choose()
    if request.method == "POST":
        store = request.POST.get("store", "")
        try:
            upload = uploads.keep(
                request.FILES.getlist("files"),
                store=store if store in [v for v, _ in stores] else "",
                by=request.user,
            )
            return redirect("import-columns", upload)
        except Refused as refused:
            errors.append(refused.words)
    page = Page(errors=errors, stores=stores, store=request.POST.get("store", ""), help_href="")
    return render(request, "import_upload.html", {"page": page}, status=422 if errors else 200)


def _known(request: Request, upload: str) -> uploads.Known:
    known = uploads.known_of(upload)
    if known is None or (not request.user.reach("sales").everybody and known.by != request.user.pk):
        raise Http404
    return known


FIELD_WORDS: dict[str, Words] = {
    "receipt": Words("单号", "Receipt number"), "time": Words("时间（日期带钟点）", "Date and time"), "date": Words("日期", "Date"),
    "business_date": Words("营业日期", "Business day"), "member": Words("会员号", "Member number"), "card": Words("会员卡号", "Card number"),
    "phone": Words("手机号", "Phone"), "openid": Words("微信或支付标识", "Payer id (openid)"), "name": Words("姓名或单位名", "Name"),
    "amount": Words("实收金额", "Amount paid"), "refund": Words("退款金额", "Refund"), "item": Words("商品、菜品、项目", "Item"),
    "category": Words("分类", "Category"), "quantity": Words("数量", "Quantity"), "price": Words("单价", "Price"),
    "party_size": Words("几位客人", "Guests at the table"), "store": Words("门店", "Store"), "staff": Words("服务员、导购", "Served by"),
    "occasion": Words("用餐目的、场合", "Occasion"), "note": Words("备注", "Note"), "birthday": Words("生日", "Birthday"),
    "lunar_birthday": Words("农历生日", "Lunar birthday"), "anniversary": Words("纪念日", "Anniversary"), "sex": Words("性别", "Sex"), "address": Words("地址", "Address"),
    "points": Words("积分", "Points"), "balance": Words("储值余额", "Stored value"), "referrer": Words("介绍人", "Referred by"),
    "company": Words("公司", "Company"),
}  # fmt: skip
GROUPS = (
    (Words("这一单", "The sale"), ("receipt", "time", "date", "business_date", "amount", "refund", "store", "staff", "party_size", "occasion", "note")),
    (Words("是谁", "Who"), ("member", "card", "phone", "openid", "name", "company")),
    (Words("买了什么", "What"), ("item", "category", "quantity", "price")),
    (Words("顾客的情况", "About the customer"), ("birthday", "lunar_birthday", "anniversary", "sex", "address", "points", "balance", "referrer")),
)  # fmt: skip
INNER = {
    "gross": Words("原价合计", "Gross amount"), "discount": Words("优惠金额", "Discount"), "status": Words("订单状态", "Status"),
    "payment_status": Words("支付状态", "Payment status"), "cancelled": Words("是否作废", "Voided"), "deleted": Words("是否注销", "Deleted"),
    "refund_flag": Words("是否退款", "Refund or not"), "refund_of": Words("原单号", "Receipt refunded"), "currency": Words("币种", "Currency"),
    "tier": Words("会员等级", "Level"), "email": Words("邮箱", "E-mail"), "wechat": Words("微信号", "WeChat id"), "tags": Words("标签", "Labels"),
    "source": Words("来源", "Source"), "registered_on": Words("注册日期", "Registered on"), "first_name": Words("名", "First name"),
    "last_name": Words("姓", "Last name"), "balance_bonus": Words("储值赠金", "Bonus balance"),
}  # fmt: skip
"""What only readers speak of: shown where it was recognised, not offered elsewhere."""

KINDS = {
    "sales": Words("销售", "sales"), "lines": Words("明细", "lines of receipts"), "customers": Words("顾客名单", "customers"),
    "payments": Words("付款", "payments"), "": Words("还认不出来", "not recognised yet"),
}  # fmt: skip
ENCODINGS = [
    ("", Words("自动", "Automatic")),
    ("utf-8", "UTF-8"),
    ("gb18030", Words("GB18030（国标）", "GB18030 (Chinese)")),
    ("big5", Words("Big5（繁体）", "Big5 (traditional)")),
]

assert {f for _, fields in GROUPS for f in fields} | {"ignore"} == set(CONTRACT_FIELDS), (
    "every field can be chosen"
)


@needs("sales")
@require_http_methods(["GET", "POST"])
def import_columns(request: Request, upload: str) -> HttpResponse:
    """2 of 4: which column is what."""
    known = _known(request, upload)
    errors: list[Words] = []
    try:
        if request.method == "POST":
            said: dict[tuple[int, int], str] = {}
            for name, value in request.POST.items():
                s, _, c = name.removeprefix("c").partition("-")
                if name.startswith("c") and s.isdigit() and c.isdigit() and len(s + c) < 9:
                    said[int(s), int(c)] = str(value)
            encoding = request.POST.get("encoding", "")
            changed = encoding != known.encoding
            known = uploads.say(
                known,
                said if not changed else {},
                request.POST.get("dates", ""),
                encoding if encoding in [e for e, _ in ENCODINGS] else "",
            )
            uploads.forget_trial(known)
            if not changed:
                return redirect("import-trial", upload)
        elif known.error:
            errors.append(Words(*known.error))
        elif not known.is_recognised:
            if known.is_heavy:
                job = ask_for("look", {"upload": upload}, by=request.user)
                return redirect("job", job.pk)
            known = uploads.look(known)
    except Refused as refused:
        errors.append(refused.words)
    used = sum(c.field != "ignore" for s in known.sheets for c in s.columns)
    total = sum(len(s.columns) for s in known.sheets)
    page = Page(
        sentence=_columns_sentence(known, used, total),
        more=Words("上次这样的文件是这么对的，已经照样填好。", "Matched as last time a file like this came.") if known.is_saved else "",
        sheets=[
            Page(
                name=f"{s.file} · {s.name}" if s.name and s.name != s.file else s.file,
                kind=Words(f"{s.reader[0]} · {KINDS[s.kind].zh} · {s.rows:,} 行", f"{s.reader[1]} · {KINDS[s.kind].en} · {s.rows:,} rows"),
                columns=[
                    Page(header=c.header, samples=_masked(c), field=c.field, sure=c.field != "ignore", problem=None, name=f"c{i}-{k}",
                         kept=INNER.get(c.field, "") if c.field not in FIELD_WORDS and c.field != "ignore" else "")
                    for k, c in enumerate(s.columns)
                ],
            )
            for i, s in enumerate(known.sheets)
        ],
        fields=[Page(title=title, fields=[(f, FIELD_WORDS[f]) for f in fields]) for title, fields in GROUPS],
        errors=errors, ask_dates=bool(known.ask_dates or known.dates), dates=known.dates, date_example=known.ask_dates or "03/04/2026",
        year_first=known.dates == "ymd" or uploads.may_begin_with_the_year(known.ask_dates),
        encodings=ENCODINGS, encoding=known.encoding, action=reverse("import-columns", args=[upload]), back=reverse("import"),
    )  # fmt: skip
    return render(request, "import_mapping.html", {"page": page}, status=422 if errors else 200)


def _masked(column: uploads.Column) -> list[str]:
    """Samples show what a column is, not whose it is: of phones only the ends."""
    if column.field == "phone":
        return [f"{s[:3]}****{s[-4:]}" if len(s) >= 11 else s for s in column.samples]
    return column.samples


def _columns_sentence(known: uploads.Known, used: int, total: int) -> Words:
    readers = [s for s in known.sheets if s.kind]
    if not readers:
        return Words(
            "认不出这是什么文件，请告诉我们每一列是什么",
            "This file is nothing we know: please say what each column is",
        )
    return Words("认出来了：{r}，{n} 列里用得上 {k} 列", "Recognised: {r}; {k} of {n} columns are used").fill(
        r=Words(*readers[0].reader), n=total, k=used
    )


@needs("sales")
@require_http_methods(["GET"])
def import_trial(request: Request, upload: str) -> HttpResponse:
    """3 of 4: what would happen. Nothing is written yet."""
    known = _known(request, upload)
    result = uploads.trial_of(known)
    if result is None:
        if known.is_heavy:
            job = ask_for("try", {"upload": upload, "how": known.options()}, by=request.user)
            return redirect("job", job.pk)
        try:
            result = uploads.try_out(known)
        except Refused:
            return redirect("import-columns", upload)
    new_sales = result["new"] - (result["customers"] if result["people"] else 0) if result["sales"] else 0
    nothing = result["new"] == 0
    columns = [
        {"key": "day", "title": Words("日期", "Day").say(request.lang), "kind": "lead"}, {"key": "who", "title": Words("谁", "Who").say(request.lang), "kind": ""},
        {"key": "amount", "title": Words("金额", "Amount").say(request.lang), "kind": "number"}, {"key": "store", "title": Words("门店", "Store").say(request.lang), "kind": ""},
    ]  # fmt: skip
    rows = [
        {**r, "amount": say_money(r["amount"], request.lang) if r["amount"] is not None else None}
        for r in result["sample"]
    ]
    page = Page(
        sentence=_trial_sentence(result, new_sales), more="",
        counts=[
            (Words("读到的行", "Rows read"), f"{result['rows']:,}"), (Words("新的", "New"), f"{result['new']:,}"),
            (Words("已经有的", "Already known"), f"{result['known']:,}"), (Words("新顾客", "New customers"), f"{result['customers']:,}"),
            (Words("读不懂的", "Left out"), f"{result['refused_total']:,}"),
        ],
        warnings=result["warnings"], useful_for=result["useful_for"] or "", sample=Page(columns=columns, rows=rows) if rows else None,
        refused=[Problem(r[0], r[1], r[2], Words(*r[3]), Words(*r[4])) for r in result["refused"]], refused_total=result["refused_total"],
        refused_href=reverse("import-refused", args=[upload, "csv"]) if result["refused_total"] else "",
        action=reverse("import-batch", args=[upload]), back=reverse("import-columns", args=[upload]), nothing=nothing,
        repeat_href=reverse("batch", args=[result["repeat_of"]]) if result["repeat_of"] else "",
    )  # fmt: skip
    return render(request, "import_trial.html", {"page": page})


def _trial_sentence(result: dict[str, Any], new_sales: int) -> Words:
    if result["repeat_of"]:
        return Words(
            "这个文件以前导过了，再导一次什么也不会变",
            "This very file was brought in before; nothing would change",
        )
    if result["new"] == 0:
        return Words("文件里的都已经有了，什么也不会变", "All of this is known already; nothing would change")
    if not result["sales"]:
        said = Words("名单里有 {n} 是新的", "{n} on the list would be new").fill(
            n=people(result["customers"])
        )
    else:
        said = Words("会进 {n} 笔新销售，多 {c}", "{n} new sales and {c} would come in").fill(
            n=f"{new_sales:,}", c=people(result["customers"])
        )
    if result["refused_total"]:
        more = Words("；{n} 行读不懂，留在外面", "; {n} rows can't be read and stay out").fill(
            n=f"{result['refused_total']:,}"
        )
        said = Words(said.zh + more.zh, said.en + more.en)
    return said


@needs("sales")
@require_POST
def import_batch(request: Request, upload: str) -> HttpResponse:
    """4 of 4: bring it in, by the worker."""
    known = _known(request, upload)
    how = known.options()
    job = ask_for(
        "import", {"upload": upload, "names": known.names, **how, "by": request.user.pk}, by=request.user
    )
    return redirect("job", job.pk)


# --- long work -------------------------------------------------------------------------------------------------------

TITLES = {
    "import": Words("正在导入", "Bringing it in"), "look": Words("正在打开文件", "Opening the file"), "try": Words("正在试读", "Trying it"),
    "undo": Words("正在撤回", "Taking it back"), "day": Words("正在分级、排名单", "Grading and making the list"), "redraw": Words("正在记账", "Updating the books"),
}  # fmt: skip


@needs("sales")
@require_GET
def job(request: Request, number: int) -> HttpResponse:
    """How far long work is; a fragment for scripts, a page that reloads itself for others."""
    work = get_object_or_404(_jobs(request), pk=number)
    following = _after(work)
    is_told_here = work.state != JobState.DONE and work.kind not in ("look", "try")
    if work.is_over and not is_told_here and request.headers.get("X-Requested-With") != "fetch":
        return redirect(following)
    state = {"waiting": "running"}.get(work.state, work.state)
    title = (
        Words(*work.step)
        if work.step and state == "running"
        else TITLES.get(work.kind, Words("正在做", "At work"))
    )
    title = {
        "done": Words("好了", "Done"), "failed": Words("没成", "It did not work"), "cancelled": Words("停下了，什么都没改", "Stopped, nothing has changed"),
    }.get(state, title)  # fmt: skip
    page = Page(
        job=Page(
            title=title, done=work.done, total=work.total or None, unit=Words("行", "rows") if work.kind in ("import", "undo") else "", so_far=[],
            cancel=reverse("job-cancel", args=[number]) if state == "running" and work.kind != "undo" else "",
            poll=reverse("job", args=[number]), state="done" if state == "failed" and work.kind in ("look", "try") else state, next=following,
        ),
        kind=work.kind, error=Words(*work.error) if work.error else "", back=reverse("sales") if work.kind in ("import", "undo", "look", "try") else reverse("grades"),
        step={"look": 1, "try": 2, "import": 3}.get(work.kind), title=TITLES.get(work.kind, ""),
    )  # fmt: skip
    if request.headers.get("X-Requested-With") == "fetch" and not (
        work.is_over and work.state != JobState.DONE
    ):
        return render(request, "import_progress_fragment.html", {"page": page})
    if request.headers.get("X-Requested-With") == "fetch":
        return HttpResponse(
            "", content_type="text/html"
        )  # the script reloads the page, which says what happened
    response = render(request, "import_progress.html", {"page": page})
    if not work.is_over:
        response["Refresh"] = "3"
    return response


def _after(work: Job) -> str:
    """Where to go when it is done."""
    if work.kind in ("import", "undo"):
        batch = work.result.get("batch")
        if work.kind == "undo" or not batch:
            return reverse("sales")
        return reverse("batch", args=[batch]) + ("?repeat=1" if work.result.get("is_repeat") else "?new=1")
    if work.kind == "look":
        return reverse("import-columns", args=[work.args["upload"]])
    if work.kind == "try":
        return reverse(
            "import-trial" if work.state == JobState.DONE else "import-columns", args=[work.args["upload"]]
        )
    return reverse("grades")


@needs("sales")
@require_POST
def job_cancel(request: Request, number: int) -> HttpResponse:
    cancel(get_object_or_404(_jobs(request), pk=number))
    return redirect("job", number)


# --- a batch ---------------------------------------------------------------------------------------------------------

SHOWN_PROBLEMS = 50


@needs("sales")
@require_GET
def batch(request: Request, number: int) -> HttpResponse:
    """What a file brought; also its page later on."""
    found = get_object_or_404(batches_of(request.user).select_related("by"), pk=number)
    problems = problems_of(found, request.lang) if found.refused else []
    is_complete = found.state == BatchState.COMPLETE
    page = Page(
        sentence=_batch_sentence(found, "repeat" in request.GET), more="", state=found.state, files=_files(found), at=found.at,
        by=found.by.name if found.by else Words("命令行", "command line"),
        counts=[
            (Words("读到的行", "Rows read"), f"{found.rows:,}"), (Words("新的", "New"), f"{found.new:,}"), (Words("已经有的", "Already known"), f"{found.known:,}"),
            (Words("新顾客", "New customers"), f"{found.customers:,}"), (Words("没收", "Left out"), f"{found.refused:,}"),
        ],
        warnings=found.warnings, refused=[Page(**p) for p in problems[:SHOWN_PROBLEMS]], refused_total=found.refused,
        refused_href=reverse("batch-refused", args=[number, "csv"]) if vault.get_table(f"batch-{number}-refused") is not None else "",
        refused_xlsx=reverse("batch-refused", args=[number, "xlsx"]),
        nexts=_nexts(request) if is_complete and "new" in request.GET else [], fresh_from_import="new" in request.GET,
        undo=Page(action=reverse("batch-undo", args=[number]), said=_undo_said(found)) if is_complete else None,
    )  # fmt: skip
    return render(request, "import_result.html", {"page": page})


def _batch_sentence(found: Batch, is_repeat: bool) -> Words:
    if found.state in (BatchState.UNDONE, BatchState.UNDOING):
        return Words("已经撤回，就像从没导过", "Taken back, as if it had never come")
    if found.state == BatchState.WRITING:
        return Words("正在导入", "It is coming in")
    if is_repeat:
        return Words(
            "这个文件以前导过了，什么也没变", "This very file was brought in before; nothing has changed"
        )
    if found.kind == "customers":
        return Words("名单进来了，多了 {c}", "The list is in: {c} more").fill(c=people(found.customers))
    n = found.new - (found.customers if found.new > found.rows else 0)
    return Words("进来 {n} 笔新的，多了 {c}", "{n} new sales are in, {c} more").fill(
        n=f"{n:,}", c=people(found.customers)
    )


def _undo_said(found: Batch) -> Words:
    """What would go."""
    return Words(
        "会拿走这份文件带来的 {n} 笔和 {c}，别的文件里也有的留着；之后导入的不受影响，等级和名单重新算一遍。",
        "Takes away the {n} records and {c} that only this file brought; what other files know stays, later ones are untouched, "
        "and grades and lists are made anew.",
    ).fill(n=f"{found.new:,}", c=people(found.customers))


def _nexts(request: Request) -> list[Page]:
    """What to look at after the first file."""
    badges = Badges()
    steps = [Page(text=Words("销售已经在了", "The sales are in"), href="", done=True, detail="")]
    if badges.leading:
        scale = badges.leading.scales[0]
        best = scale.grades[0]
        run = GradeRun.objects.filter(playbook=badges.leading.key).order_by("-id").first()
        count = run.summary.get(scale.key, {}).get(best.key, {}).get("customers", 0) if run else 0
        steps.append(Page(
            text=Words("看看谁是{g}", "See who is {g}").fill(g=best.name), href=reverse("customers") + f"?grade={scale.key}.{best.key}", done=False,
            detail=people(count) if run else "",
        ))  # fmt: skip
        steps.append(
            Page(
                text=Words("看每一级有多少人、多少钱", "See how many and how much in each grade"),
                href=reverse("grades"),
                done=False,
                detail="",
            )
        )
    steps.append(
        Page(
            text=Words("看今天该照顾谁", "See whom to look after today"),
            href=reverse("today"),
            done=False,
            detail="",
        )
    )
    return steps


@needs("sales")
@require_POST
def batch_undo(request: Request, number: int) -> HttpResponse:
    found = get_object_or_404(batches_of(request.user), pk=number)
    if found.state != BatchState.COMPLETE:
        messages.info(
            request, Words("这批已经撤回过了", "This import has already been taken back").say(request.lang)
        )
        return redirect("batch", number)
    work = ask_for("undo", {"batch": number, "by": request.user.pk}, by=request.user)
    return redirect("job", work.pk)


# --- refused rows as a file ------------------------------------------------------------------------------------------


@needs("sales")
@require_GET
def import_refused(request: Request, upload: str, ending: str) -> HttpResponse:
    known = _known(request, upload)
    return _refused_file(f"upload-{known.id}-refused", ending, request.lang, known.names[0])


@needs("sales")
@require_GET
def batch_refused(request: Request, number: int, ending: str) -> HttpResponse:
    found = get_object_or_404(batches_of(request.user), pk=number)
    return _refused_file(
        f"batch-{number}-refused", ending, request.lang, found.files[0] if found.files else "rows"
    )


def _refused_file(name: str, ending: str, lang: str, file: str) -> HttpResponse:
    """The rows as they came, with the reason beside them, to be corrected and brought in again."""
    table = vault.get_table(name)
    if table is None or ending not in ENDINGS:
        raise Http404
    stem = file.rsplit(".", 1)[0][:60] + ("-left-out" if lang == "en" else "-没收的行")
    response = HttpResponse(left_out(table, ending, lang), content_type=ENDINGS[ending])
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(f'{stem}.{ending}')}"
    return response


# --- receipts without a name -----------------------------------------------------------------------------------------


@needs("sales")
@require_GET
def receipts(request: Request) -> HttpResponse:
    """Receipts that name nobody, the newest first; each can be given to a customer."""
    after = number_in(request.GET.get("before"), 1, 2**62)
    day = request.GET.get("day", "")
    on = date.fromisoformat(day) if is_day(day) else None
    found = anonymous_receipts(request.user, before=after, on=on, limit=A_PAGE)
    whose = number_in(request.GET.get("for"), 1, 2**62)
    customer = find_customer(request, whose) if whose else None
    items: dict[int, list[str]] = {}
    for sale_id, name in SaleLine.objects.filter(sale__in=[s.pk for s in found]).values_list(
        "sale_id", "item__name"
    ):
        items.setdefault(sale_id, []).append(name)
    names = customers_shown([customer], Badges(), request.user) if customer else {}
    page = Page(
        rows=[
            Page(id=s.pk, on=s.day, at=s.at, store=s.store.name, amount=s.amount, receipt=s.receipt, items="、".join(items.get(s.pk, [])[:3]),
                 href=reverse("receipt", args=[s.pk]), action=reverse("receipt", args=[s.pk]))
            for s in found[:A_PAGE]
        ],
        customer=names[customer.id] if customer else None, day=day if on else "",
        older=f"?before={found[A_PAGE - 1].pk}" + (f"&day={day}" if on else "") + (f"&for={whose}" if whose else "") if len(found) > A_PAGE else "",
    )  # fmt: skip
    return render(request, "receipts.html", {"page": page})


@needs("sales")
@require_http_methods(["GET", "POST"])
def receipt(request: Request, number: int) -> HttpResponse:
    """One receipt without a name: find its customer, give it to her."""
    sale = get_object_or_404(receipts_of(request.user).select_related("store"), pk=number)
    if sale.identity_id is not None:
        raise Http404
    if request.method == "POST":
        chosen = number_in(request.POST.get("customer"), 1, 2**62)
        visible = Customer.objects.filter(pk=chosen or 0, is_gone=False).visible_to(request.user, "contact")
        customer = visible.first()
        if customer is None:
            messages.warning(
                request, Words("请先选一位顾客", "Please choose a customer first").say(request.lang)
            )
            return redirect("receipt", number)
        customer = customer.merged_into or customer
        try:
            daily.attach(sale, customer, by=request.user)
        except Refused as refused:
            messages.error(request, refused.words.say(request.lang))
            return redirect("receipts")
        ask_for("redraw", {"customers": [customer.id]}, by=request.user)
        messages.success(
            request,
            Words(
                "这张小票归她了；放错了，可以在“销售”里撤回",
                "The receipt is hers now; a wrong one can be taken back under Sales",
            ).say(request.lang),
        )
        return redirect("portrait", customer.id)
    text = request.GET.get("q", "").strip()[:60]
    found = search(text, 10, request.user) if text else []
    shown = customers_shown(found, Badges(), request.user)
    lines = [(line.item.name, line.amount) for line in sale.lines.select_related("item")[:30]]
    page = Page(
        sale=sale,
        store=sale.store.name,
        lines=lines,
        search=text,
        found=[shown[c.id] for c in found],
        action=reverse("receipt", args=[number]),
    )
    return render(request, "receipt.html", {"page": page})
