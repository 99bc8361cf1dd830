"""Settings: the business, its stores, who works here, the trade, phones in the shop, language and look."""

from __future__ import annotations

import io
import os
import secrets
from types import SimpleNamespace as Page
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from regulars.customers.models import Customer
from regulars.grading.actions import in_force, start_playbook
from regulars.shop import actions
from regulars.shop.actions import TRADES
from regulars.shop.calendar import day_words
from regulars.shop.doors import has_second_factor
from regulars.shop.doors_actions import end_access
from regulars.shop.models import ApiToken, Business, OwnRole, Post, Staff, Store, audit, only_store, own_roles
from regulars.shop.rules.passwords import ALONE, LEAST
from regulars.shop.rules.policy import ABILITIES, HOUSE_ROLES, REACHES, WHOLE, powers
from regulars.shop.words import Refused, Words
from regulars.web.entrance import trades
from regulars.web.may import may, needs
from regulars.web.request import Request, number_in
from regulars.web.second import proved_by_password

ZONES = (
    ("Asia/Shanghai", Words("北京时间", "China")), ("Asia/Hong_Kong", Words("香港", "Hong Kong")), ("Asia/Macau", Words("澳门", "Macau")),
    ("Asia/Taipei", Words("台北", "Taipei")), ("Asia/Urumqi", Words("乌鲁木齐", "Ürümqi")), ("Asia/Singapore", Words("新加坡", "Singapore")),
    ("Asia/Kuala_Lumpur", Words("吉隆坡", "Kuala Lumpur")), ("Asia/Bangkok", Words("曼谷", "Bangkok")), ("Asia/Tokyo", Words("东京", "Tokyo")),
    ("Australia/Sydney", Words("悉尼", "Sydney")), ("Europe/London", Words("伦敦", "London")), ("Europe/Paris", Words("巴黎", "Paris")),
    ("Europe/Berlin", Words("柏林", "Berlin")), ("America/New_York", Words("纽约", "New York")), ("America/Los_Angeles", Words("洛杉矶", "Los Angeles")),
    ("America/Vancouver", Words("温哥华", "Vancouver")),
)  # fmt: skip
CURRENCIES = (
    ("CNY", Words("人民币 ¥", "Yuan ¥")), ("HKD", Words("港币", "Hong Kong dollar")), ("TWD", Words("新台币", "New Taiwan dollar")),
    ("SGD", Words("新加坡元", "Singapore dollar")), ("USD", Words("美元", "US dollar")), ("EUR", Words("欧元", "Euro")), ("GBP", Words("英镑", "Pound")),
)  # fmt: skip


@needs("look")
@require_GET
def settings(request: Request) -> HttpResponse:
    """What there is to set, and how it stands."""
    own = [
        Page(
            href=reverse("settings-language"),
            icon="language",
            title=Words("语言和外观", "Language and look"),
            said=Words("只改你自己看到的", "Only what you see"),
        ),
        Page(
            href=reverse("settings-password"),
            icon="lock",
            title=Words("我的密码", "My password"),
            said=Words("换一个，别处的登录就失效", "A new one ends your other logins"),
        ),
        Page(
            href=reverse("settings-second"),
            icon="key",
            title=Words("两步登录", "Second step"),
            said=Words("开着", "On")
            if has_second_factor(request.user)
            else Words("没开：只有密码", "Off: only a password"),
        ),
        Page(
            href=reverse("settings-logins"),
            icon="device",
            title=Words("登录的设备", "Devices"),
            said=Words(
                "看看在哪儿登录着，不认得的退出", "Where you are signed in; sign out what you don't know"
            ),
        ),
        Page(
            href=reverse("settings-pin"),
            icon="lock",
            title=Words("PIN", "PIN"),
            said=Words("店里大家用的手机上用", "For phones in the shop that others use too"),
        ),
    ]
    business = request.business
    n, active = Store.objects.filter(is_open=True).count(), Staff.objects.filter(is_active=True).count()
    holding = in_force()
    books = Words(
        "、".join(h.playbook.name.zh for h in holding), ", ".join(h.playbook.name.en for h in holding)
    )
    in_shop = [
        ("settings", Page(href=reverse("settings-business"), icon="store", title=Words("店铺", "Business"), said=Words(business.name, business.name))),
        ("settings", Page(href=reverse("settings-stores"), icon="store", title=Words("门店", "Stores"), said=Words("{n} 家", "{n} open").fill(n=n))),
        ("staff", Page(href=reverse("settings-staff"), icon="people", title=Words("员工", "Staff"), said=Words("{n} 位在岗", "{n} at work").fill(n=active))),
        ("settings", Page(href=reverse("settings-roles"), icon="key", title=Words("岗位和权限", "Roles"), said=Words("谁能看什么、做什么", "Who may see and do what"))),
        ("playbooks", Page(href=reverse("settings-trade"), icon="book", title=Words("行业和打法", "Trade and playbook"), said=Words("{t} · {b}", "{t} · {b}").fill(t=TRADES.get(business.trade, Words("", "")), b=books))),
        ("offers", Page(href=reverse("offers"), icon="gift", title=Words("优惠活动", "Offers"), said=Words("发什么券、花了多少", "Which coupons, and what they have cost"))),
        ("settings", Page(href=reverse("settings-fields"), icon="file", title=Words("档案里记什么", "What files hold"), said=Words("店里自己加的项目", "Fields of your own"))),
        ("team", Page(href=reverse("settings-phones"), icon="device", title=Words("店里的手机", "Phones in the shop"), said=Words("扫一下就能用", "Scan and go") if lan_address() else Words("现在只有这台电脑能打开", "Only this computer now"))),
        ("outbox", Page(href=reverse("outbox"), icon="message", title=Words("发件箱", "Outbox"), said=Words("等着发的消息、会员页验证码", "Messages that wait, codes for the member page"))),
        ("keys", Page(href=reverse("settings-keys"), icon="key", title=Words("给程序的钥匙", "Keys for programs"), said=Words("{n} 把在用", "{n} in use").fill(n=ApiToken.objects.count()))),
    ]  # fmt: skip
    guarding = [
        ("settings", Page(href=reverse("settings-privacy"), icon="note", title=Words("隐私", "Privacy"), said=Words("敏感信息、礼物上限、保存多久", "Sensitive facts, presents, how long things are kept"))),
        ("rights", Page(href=reverse("rights"), icon="people", title=Words("顾客的请求", "Customers' requests"), said=Words("副本、更正、删除、到期日", "Copies, corrections, deletions, due days"))),
        ("settings", Page(href=reverse("settings-guard"), icon="eye", title=Words("看护", "Guard"), said=Words("号码上限、导出、水印", "Limits, exports, watermark"))),
        ("audit", Page(href=reverse("watch"), icon="clock", title=Words("操作记录", "Who looked at what"), said=Words("看了谁、导出了什么、改了什么", "Readings, exports, changes"))),
        ("settings", Page(href=reverse("settings-door"), icon="lock", title=Words("登录要求", "Signing in"), said=Words("谁要两步登录，手机几分钟要 PIN", "Who needs a second step, when phones ask for the PIN"))),
    ]  # fmt: skip
    groups = [
        Page(title=title, choices=[choice for ability, choice in choices if may(request.user, ability)])
        for title, choices in (
            (Words("店里", "The shop"), in_shop),
            (Words("守住顾客资料", "Keeping customers' data safe"), guarding),
        )
    ]
    groups.append(Page(title=Words("你自己", "You"), choices=own))
    return render(
        request,
        "settings.html",
        {
            "page": Page(
                sentence=Words("要改什么？", "What would you like to change?"),
                groups=[group for group in groups if group.choices],
            )
        },
    )


@needs("settings")
@require_http_methods(["GET", "POST"])
def settings_business(request: Request) -> HttpResponse:
    business = request.business
    fields = ("name", "voice", "currency", "time_zone", "day_ends_at")
    filled: dict[str, Any] = {k: request.POST.get(k, getattr(business, k)) for k in fields}
    errors: dict[str, Words] = {}
    if request.method == "POST":
        hour = number_in(str(filled["day_ends_at"]), 0, 12)
        if not str(filled["name"]).strip():
            errors["name"] = Words("请写店名", "Please give the shop a name")
        if hour is None:
            errors["day_ends_at"] = Words("填 0 到 12", "0 to 12")
        if filled["time_zone"] not in available_timezones():
            errors["time_zone"] = Words("没有这个时区", "There is no such time zone")
        if filled["currency"] not in [c for c, _ in CURRENCIES] + [business.currency]:
            errors["currency"] = Words("没有这种货币", "There is no such currency")
        if not errors:
            values = {
                **filled,
                "name": str(filled["name"]).strip()[:100],
                "voice": str(filled["voice"]).strip()[:100],
                "day_ends_at": hour,
            }
            Business.objects.filter(pk=business.pk).update(**values)
            audit(
                "change-business",
                "business",
                by=request.user,
                detail={"fields": [k for k in fields if values[k] != getattr(business, k)]},
            )
            messages.success(request, Words("保存了", "Saved").say(request.lang))
            return redirect("settings-business")
    zones = list(ZONES)
    if business.time_zone not in [z for z, _ in zones]:
        zones.append((business.time_zone, Words(ZoneInfo(business.time_zone).key, business.time_zone)))
    page = Page(
        filled=filled,
        errors=errors,
        problems=[],
        zones=zones,
        currencies=list(CURRENCIES),
        action=reverse("settings-business"),
    )
    return render(request, "settings_business.html", {"page": page}, status=422 if errors else 200)


# --- stores ----------------------------------------------------------------------------------------------------------


@needs("settings")
@require_http_methods(["GET", "POST"])
def settings_stores(request: Request) -> HttpResponse:
    """All stores; posting adds one."""
    name, errors = request.POST.get("name", "").strip()[:100], {}
    if request.method == "POST":
        if not name:
            errors["name"] = Words("请写店名", "Please give the store a name")
        elif Store.objects.filter(name=name).exists():
            errors["name"] = Words("已经有一家叫这个了", "There is one of that name already")
        else:
            store = Store.objects.create(name=name)
            audit("add-store", f"store {store.pk}", by=request.user)
            messages.success(request, Words("加上了", "Added").say(request.lang))
            return redirect("settings-stores")
    stores = [
        Page(key=s.pk, name=s.name, is_open=s.is_open, action=reverse("settings-store", args=[s.pk]),
             said=Words("数据到{d}", "data until {d}").fill(d=day_words(s.known_until, request.today)) if s.known_until else Words("还没有数据", "no data yet"))
        for s in Store.objects.order_by("-is_open", "id")
    ]  # fmt: skip
    page = Page(
        sentence=Words("{n} 家店", "{n} stores" if len(stores) != 1 else "One store").fill(n=len(stores)), stores=stores,
        add_action=reverse("settings-stores"), filled={"name": name}, errors=errors,
    )  # fmt: skip
    return render(request, "settings_stores.html", {"page": page}, status=422 if errors else 200)


@needs("settings")
@require_POST
def settings_store(request: Request, number: int) -> HttpResponse:
    store = get_object_or_404(Store, pk=number)
    name = request.POST.get("name", "").strip()[:100]
    is_open = "is_open" in request.POST
    if not name or Store.objects.filter(name=name).exclude(pk=number).exists():
        messages.error(
            request,
            Words("店名是空的，或者已经有一家叫这个", "The name is empty, or another store has it").say(
                request.lang
            ),
        )
    elif not is_open and not Store.objects.filter(is_open=True).exclude(pk=number).exists():
        messages.error(request, Words("总要有一家开着的店", "One store has to stay open").say(request.lang))
    else:
        Store.objects.filter(pk=number).update(name=name, is_open=is_open)
        audit("change-store", f"store {store.pk}", by=request.user, detail={"is_open": is_open})
        messages.success(request, Words("保存了", "Saved").say(request.lang))
    return redirect("settings-stores")


# --- staff -----------------------------------------------------------------------------------------------------------


@needs("staff")
@require_http_methods(["GET", "POST"])
def settings_staff(request: Request) -> HttpResponse:
    """Who works here; posting takes somebody in with a first password that is shown once."""
    filled = {
        k: v.strip() for k in ("name", "email", "role", "store") if (v := request.POST.get(k)) is not None
    }
    problems: list[Words] = []
    told: Page | None = None
    if request.method == "POST":
        try:
            store = _store(filled.get("store", ""))
            role = _given(request, filled.get("role", ""), store)
            if not filled.get("name"):
                raise Refused(Words("请写姓名", "Please give a name"))
            password = _new_password()
            made = actions.add_staff(
                name=filled["name"],
                email=filled.get("email", ""),
                role=role,
                password=password,
                store=store,
                by=request.user,
            )
            told, filled = Page(name=made.name, password=password), {}
        except Refused as refused:
            problems.append(refused.words)
    return _staff_page(request, filled, problems, told)


def _given(request: Request, role: str, store: Store | None) -> str:
    """A role in a store that this person may give: nobody gives away more than she has."""
    own = own_roles()
    if role not in HOUSE_ROLES and role not in own:
        raise Refused(Words("没有这个岗位", "There is no such role"))
    given = powers([(role, store.pk if store else None)], own, only_store())
    if not request.user.powers.covers(given):
        raise Refused(
            Words(
                "这个岗位能做的比您多，请老板来给", "This post may do more than you; ask the owner to give it"
            )
        )
    return role


def _store(text: str) -> Store | None:
    return Store.objects.filter(pk=number_in(text, 1, 2**62) or 0).first()


def _new_password() -> str:
    """Easy to say across a counter, hard to guess."""
    return "-".join(secrets.token_hex(2) for _ in range(3))


def _staff_page(
    request: Request, filled: dict[str, str], problems: list[Words], told: Page | None = None
) -> HttpResponse:
    everybody = list(_team(request).select_related("store").order_by("-is_active", "id"))
    looks_after = dict(
        Customer.objects.filter(in_charge__isnull=False).values_list("in_charge").annotate(n=Count("id"))
    )
    active = sum(s.is_active for s in everybody)
    own = own_roles()
    here = only_store()
    roles = [
        (r.key, r.name)
        for r in (*HOUSE_ROLES.values(), *own.values())
        if request.user.reach("staff").everybody is False
        or request.user.powers.covers(powers([(r.key, None)], own, here))
    ]
    further: dict[int, list[Page]] = {}
    for post in Post.objects.select_related("store").order_by("id"):
        role = HOUSE_ROLES.get(post.role) or own.get(post.role)
        further.setdefault(post.staff_id, []).append(
            Page(
                role=role.name if role else Words(post.role, post.role),
                store=post.store.name if post.store else "",
                key=post.pk,
            )
        )
    stores = [
        ("", Words("所有门店", "All stores")),
        *((s.pk, s.name) for s in Store.objects.filter(is_open=True).order_by("id")),
    ]
    reach = request.user.reach("staff")
    if not reach.everybody:
        stores = [(key, name) for key, name in stores if key in reach.stores]
    page = Page(
        sentence=Words("{n} 位在岗，每天一共给顾客 {m} 分钟", "{n} at work, {m} minutes a day for customers").fill(n=active, m=sum(s.minutes_a_day for s in everybody if s.is_active)),
        more=Words("每人的名单按这个时间排，排不下的看得见，不会丢。", "Lists are cut to these minutes; what does not fit stays visible."),
        staff=[
            Page(
                key=s.pk, name=s.name, email=s.email, role=s.role, role_words=s.role_words, store=s.store.name if s.store else "", store_id=s.store_id or "",
                minutes=s.minutes_a_day, is_active=s.is_active, is_you=s.pk == request.user.pk, customers=looks_after.get(s.pk, 0), may_edit=_may_edit(request, s),
                posts=further.get(s.pk, []), posts_action=reverse("settings-member-posts", args=[s.pk]),
                action=reverse("settings-member", args=[s.pk]), password=reverse("settings-member-password", args=[s.pk]),
                leave=reverse("settings-member-handover", args=[s.pk]) if s.is_active and s.pk != request.user.pk and _may_edit(request, s) else "",
                back=reverse("settings-member-leave", args=[s.pk]) if not s.is_active and _may_edit(request, s) else "",
                leave_said=Words("先看手里有什么、交给谁，再停账号。", "First see what is in hand and who takes it over."),
            )
            for s in everybody
        ],
        roles=roles, stores=stores, add_action=reverse("settings-staff"), filled=filled, errors={}, problems=problems, password_said=told,
    )  # fmt: skip
    return render(request, "settings_staff.html", {"page": page}, status=422 if problems else 200)


def _team(request: Request) -> QuerySet[Staff]:
    """The colleagues whom this person may see here: everybody, or those of her stores."""
    reach = request.user.reach("staff")
    found = Staff.objects.all()
    return (
        found
        if reach.everybody
        else found.filter(Q(store__in=reach.stores) | Q(posts__store__in=reach.stores)).distinct()
    )


def _may_edit(request: Request, staff: Staff) -> bool:
    """Nobody touches the account of somebody who may more than herself; of one who has left her old posts count."""
    own = own_roles() if staff.role not in HOUSE_ROLES else {}
    held = [(staff.role, staff.store_id), *((p.role, p.store_id) for p in staff.posts.all())]
    return request.user.powers.covers(powers(held, own, only_store()))


def colleague(request: Request, number: int) -> Staff:
    """A member of staff whom this visitor may manage."""
    staff = get_object_or_404(_team(request), pk=number)
    if not _may_edit(request, staff):
        raise PermissionDenied
    return staff


@needs("staff")
@require_POST
def settings_member(request: Request, number: int) -> HttpResponse:
    """Name, role, store, minutes."""
    staff = colleague(request, number)
    try:
        minutes = number_in(request.POST.get("minutes_a_day"), 0, 600)
        name = request.POST.get("name", "").strip()[:60]
        store = _store(request.POST.get("store", ""))
        role = _given(request, request.POST.get("role", staff.role), store)
        if not name or minutes is None:
            raise Refused(Words("姓名不能空，分钟数 0 到 600", "A name, and 0 to 600 minutes"))
        if staff.role == "owner" and role != "owner" and not _other_owner(staff):
            raise Refused(Words("总要有一位老板", "There has to be an owner"))
    except Refused as refused:
        return _staff_page(request, {}, [refused.words])
    values = {
        "name": name,
        "role": role,
        "minutes_a_day": minutes,
        "store": store,
    }
    Staff.objects.filter(pk=staff.pk).update(**values)
    audit("change-staff", f"staff {staff.pk}", by=request.user, detail={"role": role, "minutes": minutes})
    messages.success(request, Words("保存了", "Saved").say(request.lang))
    return redirect("settings-staff")


def _other_owner(staff: Staff) -> bool:
    return Staff.objects.filter(role="owner", is_active=True).exclude(pk=staff.pk).exists()


@needs("staff")
@require_POST
def settings_member_password(request: Request, number: int) -> HttpResponse:
    """A new first password for somebody who forgot hers; shown once."""
    staff = colleague(request, number)
    password = _new_password()
    actions.set_password(staff, password, by=request.user)
    if staff.pk == request.user.pk:
        update_session_auth_hash(request, staff)
    return _staff_page(request, {}, [], Page(name=staff.name, password=password))


@needs("staff")
@require_POST
def settings_member_leave(request: Request, number: int) -> HttpResponse:
    """She no longer works here, or does so again."""
    staff = colleague(request, number)
    if staff.pk == request.user.pk or (staff.is_active and staff.role == "owner" and not _other_owner(staff)):
        return _staff_page(
            request,
            {},
            [Words("不能停用自己或最后一位老板", "You can't end your own access or the last owner's")],
        )
    leaves = staff.is_active
    if leaves:
        end_access(staff, by=request.user)
    else:
        Staff.objects.filter(pk=staff.pk).update(is_active=True)
        audit("restore-access", f"staff {staff.pk}", by=request.user)
    messages.success(
        request,
        (
            Words("好了，{n}不能再登录", "{n} can no longer sign in")
            if leaves
            else Words("好了，{n}又能登录了", "{n} can sign in again")
        )
        .fill(n=staff.name)
        .say(request.lang),
    )
    return redirect("settings-staff")


@needs("staff")
@require_POST
def settings_member_posts(request: Request, number: int) -> HttpResponse:
    """A further post for somebody, or one taken from her (`end`: its number)."""
    staff = colleague(request, number)
    try:
        if end := number_in(request.POST.get("end"), 1, 2**62):
            actions.end_post(get_object_or_404(Post, pk=end, staff=staff), by=request.user)
        else:
            store = _store(request.POST.get("store", ""))
            actions.give_post(
                staff, _given(request, request.POST.get("role", ""), store), store, by=request.user
            )
    except Refused as refused:
        return _staff_page(request, {}, [refused.words])
    messages.success(request, Words("保存了", "Saved").say(request.lang))
    return redirect("settings-staff")


# --- roles -----------------------------------------------------------------------------------------------------------


@needs("settings")
@require_http_methods(["GET", "POST"])
def settings_roles(request: Request) -> HttpResponse:
    """What each role may; posting makes one of the shop's own, or changes it (`key`)."""
    problems: list[Words] = []
    if request.method == "POST":
        try:
            wanted = request.POST.getlist("abilities")
            if not request.user.powers.abilities >= set(wanted):
                raise Refused(Words("不能给出自己没有的权限", "You can't give what you don't have"))
            actions.keep_role(
                request.POST.get("name", ""), wanted, reach=request.POST.get("reach", "all"),
                works_like=request.POST.get("works_like", "front-desk"), key=request.POST.get("key", ""), by=request.user,
            )  # fmt: skip
        except Refused as refused:
            problems.append(refused.words)
        else:
            messages.success(request, Words("保存了", "Saved").say(request.lang))
            return redirect("settings-roles")
    held: dict[str, int] = {}
    for role in [
        *Staff.objects.filter(is_active=True).values_list("role", flat=True),
        *Post.objects.values_list("role", flat=True),
    ]:
        held[role] = held.get(role, 0) + 1
    own = own_roles()
    page = Page(
        sentence=Words("谁能看什么、做什么", "Who may see and do what"),
        more=Words("岗位落在一家店，就只看得到那家店的顾客；管整个生意的事要不限门店的岗位。",
                   "A post in one store sees that store's customers; what concerns the whole business needs a post for all stores."),
        abilities=[Page(key=k, said=w, is_whole=k in WHOLE) for k, w in ABILITIES.items()],
        roles=[
            Page(key=r.key, name=r.name, abilities=r.abilities, reach=r.reach, reach_said=REACHES[r.reach], works_like=r.works_like, is_own=r.key in own, held=held.get(r.key, 0))
            for r in (*HOUSE_ROLES.values(), *own.values())
        ],
        reaches=list(REACHES.items()), like=[(k, r.name) for k, r in HOUSE_ROLES.items() if "contact" in r.abilities],
        action=reverse("settings-roles"), problems=problems, filled=request.POST,
    )  # fmt: skip
    return render(request, "settings_roles.html", {"page": page}, status=422 if problems else 200)


@needs("settings")
@require_POST
def settings_role_end(request: Request, key: str) -> HttpResponse:
    """Give a role of the shop's own up; nobody may hold it any more."""
    try:
        actions.end_role(get_object_or_404(OwnRole, key=key), by=request.user)
        messages.success(request, Words("删掉了", "Gone").say(request.lang))
    except Refused as refused:
        messages.warning(request, refused.words.say(request.lang))
    return redirect("settings-roles")


# --- keys for programs -----------------------------------------------------------------------------------------------


@needs("keys")
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def settings_keys(request: Request) -> HttpResponse:
    """Keys with which other programs use the API; posting makes one, which is shown once."""
    name, errors, made = request.POST.get("name", "").strip(), {}, None
    if request.method == "POST":
        try:
            whose = get_object_or_404(
                _acting(request), pk=number_in(request.POST.get("staff"), 1, 2**62) or request.user.pk
            )
            token, text = actions.make_token(
                whose, name, may_write="may_write" in request.POST, by=request.user
            )
            made, name = Page(name=token.name, key=text), ""
        except Refused as refused:
            errors["name"] = refused.words
    keys = [
        Page(
            name=token.name, staff=token.staff.name, may_write=token.may_write, made_on=token.made_at, used_at=token.used_at,
            end=reverse("settings-key-end", args=[token.pk]) if _may_edit(request, token.staff) else "",
        )
        for token in ApiToken.objects.select_related("staff").order_by("-pk")
    ]  # fmt: skip
    page = Page(
        sentence=Words("{n} 把钥匙在用", "{n} keys in use" if len(keys) != 1 else "One key in use").fill(n=len(keys)) if keys else Words("还没有程序在用店里的数据", "No program uses the shop's data yet"),
        staff=[(s.pk, s.name) for s in _acting(request)], me=request.user.pk,
        keys=keys, made=made, filled={"name": name}, errors=errors, add_action=reverse("settings-keys"), docs=reverse("api-1:openapi-json"),
    )  # fmt: skip
    return render(request, "settings_keys.html", {"page": page}, status=422 if errors else 200)


def _acting(request: Request) -> QuerySet[Staff]:
    """As whom a program may act: as oneself, or as one of the accounts that are there for programs."""
    return Staff.objects.filter(Q(pk=request.user.pk) | Q(role="api", is_active=True)).order_by("id")


@needs("keys")
@require_POST
def settings_key_end(request: Request, number: int) -> HttpResponse:
    """From now on this key opens nothing."""
    token = get_object_or_404(ApiToken.objects.select_related("staff"), pk=number)
    if not _may_edit(request, token.staff):
        raise PermissionDenied
    actions.end_token(token, by=request.user)
    messages.success(
        request, Words("{n}的钥匙作废了", "The key of {n} is void").fill(n=token.name).say(request.lang)
    )
    return redirect("settings-keys")


# --- trade, phones, my own -------------------------------------------------------------------------------------------


@needs("playbooks")
@require_http_methods(["GET", "POST"])
def settings_trade(request: Request) -> HttpResponse:
    """The trade; a new one offers its playbook, and nothing is graded anew before it is adopted."""
    trade, errors = request.POST.get("trade", request.business.trade), {}
    if request.method == "POST":
        if trade in TRADES:
            Business.objects.filter(pk=request.business.pk).update(trade=trade)
            audit("change-trade", "business", by=request.user, detail={"trade": trade})
            return redirect("playbook", start_playbook(trade))
        errors["trade"] = Words("请选一个", "Please choose one")
    holding = in_force()
    names = Words(
        "、".join(h.playbook.name.zh for h in holding), ", ".join(h.playbook.name.en for h in holding)
    )
    page = Page(
        sentence=Words("现在用的打法：{b}", "In use: {b}").fill(b=names), more=Words("换行业会带你去看那一行的打法，定了才换。", "Another trade shows you its playbook; nothing changes before you adopt it."),
        trades=trades(), trade=trade, action=reverse("settings-trade"), errors=errors,
        books=[Page(name=h.playbook.name, href=reverse("playbook", args=[h.playbook.key])) for h in holding],
    )  # fmt: skip
    return render(request, "settings_trade.html", {"page": page}, status=422 if errors else 200)


def lan_address() -> str:
    """The address under which phones on the shop's network reach this shop, if it is served to them."""
    for address in os.environ.get("REGULARS_ADDRESSES", "").split():
        if urlsplit(address).hostname not in ("localhost", "127.0.0.1", "::1", None):
            return address
    return ""


def qr_svg(text: str) -> str:
    """A QR code as SVG without any style attribute.

    >>> qr_svg("https://192.168.1.20:8443/").startswith("<svg")
    True
    """
    import segno

    sink = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        sink,
        kind="svg",
        xmldecl=False,
        svgns=True,
        border=2,
        scale=4,
        omitsize=True,  # it grows and shrinks with its place instead of being cut off
        svgclass="qr-code",
        lineclass=None,
        dark="#000",
        light="#fff",
    )
    return sink.getvalue().decode()


@needs("team")
@require_GET
def settings_phones(request: Request) -> HttpResponse:
    address = lan_address()
    steps = [] if address else [
        Page(text=Words("在这台电脑上关掉熟客（Ctrl-C）", "Stop Regulars on this computer (Ctrl-C)"), href="", done=False, detail=""),
        Page(text=Words("重新打开：regulars serve --lan", "Start it with: regulars serve --lan"), href="", done=False, detail=""),
        Page(text=Words("回到这一页，扫出现的二维码", "Come back to this page and scan the code"), href="", done=False,
             detail=Words("手机要连着店里的 Wi-Fi；第一次打开会提示证书，选继续", "Phones must be on the shop's Wi-Fi; the first time they warn about the certificate: go on")),
    ]  # fmt: skip
    page = Page(
        on=bool(address),
        qr=qr_svg(address) if address else "",
        address=address,
        fingerprint=_fingerprint() if address else "",
        toggle_action="",
        said="",
        steps=steps,
    )
    return render(request, "settings_phones.html", {"page": page})


def _fingerprint() -> str:
    """The certificate's own mark, to compare on the phone."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    from regulars.shop.home import Home

    file = Home.find().folder / "lan" / "certificate.pem"
    if not file.exists():
        return ""
    mark = x509.load_pem_x509_certificate(file.read_bytes()).fingerprint(hashes.SHA256()).hex().upper()
    return " ".join(mark[k : k + 4] for k in range(0, 32, 4))


@needs("look")
@require_GET
def settings_language(request: Request) -> HttpResponse:
    return render(request, "settings_language.html", {"page": Page()})


@needs("look")
@sensitive_post_parameters("old", "password")
@require_http_methods(["GET", "POST"])
def settings_password(request: Request) -> HttpResponse:
    """Her own password: the old one is asked for, every other login of hers ends."""
    errors: dict[str, Words] = {}
    if request.method == "POST":
        me = request.user
        if wrong := proved_by_password(request):
            errors["old"] = wrong
        else:
            try:
                actions.set_password(me, request.POST.get("password", ""), by=me)
            except Refused as refused:
                errors["password"] = refused.words
            else:
                update_session_auth_hash(request, me)
                messages.success(
                    request,
                    Words("换好了，别处的登录都已失效", "Done. Your other logins have ended").say(
                        request.lang
                    ),
                )
                return redirect("settings")
    return render(
        request,
        "settings_password.html",
        {"page": Page(errors=errors, least=LEAST, alone=ALONE)},
        status=422 if errors else 200,
    )
