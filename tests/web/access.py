"""Every page and every operation of the API, tried by everybody: what the table in docs/access.md is made of."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, reverse
from tests.web.conftest import House

from regulars import daily
from regulars.care import handover
from regulars.care.models import Task
from regulars.customers import filing, rights
from regulars.customers.actions import add_note, propose
from regulars.customers.models import Customer
from regulars.customers.own import keep_field
from regulars.grading.models import Adoption
from regulars.membership import door, partners, program, purse
from regulars.membership.models import Partner
from regulars.membership.offers import Offer
from regulars.sales.models import Batch
from regulars.shop.actions import ask_for, keep_role, make_token
from regulars.shop.doors_actions import begin_login
from regulars.shop.models import Approval, Outgoing, Staff, Store
from regulars.shop.rules.policy import HOUSE_ROLES
from regulars.web import doors, uploads
from regulars.web.api import api
from regulars.web.urls import urlpatterns as addresses

PAGES = [a for a in addresses if isinstance(a, URLPattern)]

STRANGER, GONE = "stranger", "left"

ON_WHAT: dict[str, Callable[[House], list[Any]]] = {
    "task-result": lambda h: [task(h)],
    "task-undo": lambda h: [task(h)],
    "playbook": lambda h: ["restaurant"],
    "playbook-adoption": lambda h: ["restaurant"],
    "playbook-end": lambda h: ["restaurant"],
    "adoption-end": lambda h: [Adoption.objects.order_by("id")[0].pk],
    "import-columns": lambda h: [upload(h)],
    "import-trial": lambda h: [upload(h)],
    "import-batch": lambda h: [upload(h)],
    "import-refused": lambda h: [upload(h), "csv"],
    "batch": lambda h: [Batch.objects.order_by("id")[0].pk],
    "batch-undo": lambda h: [Batch.objects.order_by("id")[0].pk],
    "batch-refused": lambda h: [Batch.objects.order_by("id")[0].pk, "csv"],
    "receipt": lambda h: [receipt()],
    "job": lambda h: [ask_for("day", {}).pk],
    "job-cancel": lambda h: [ask_for("day", {}).pk],
    "duplicate-decision": lambda h: [alike()],
    "duplicate-undo": lambda h: [alike()],
    "handover": lambda h: [passed(h)],
    "handover-undo": lambda h: [passed(h)],
    "settings-key-end": lambda h: [make_token(h.staff["service"], "x")[0].pk],
    "settings-role-end": lambda h: [keep_role("x", ["look"]).key],
    "settings-login-end": lambda h: [begin_login(h.staff["service"], secrets.token_hex(16)).pk],
    "settings-passkey-end": lambda h: [1],
    "settings-door-second-end": lambda h: [h.staff["service"].pk],
    "customer-person-end": lambda h: [customer(), relative()],
    "customer-attachment": lambda h: [customer(), attachment()],
    "customer-attachment-end": lambda h: [customer(), attachment()],
    "customer-note-end": lambda h: [customer(), note(h)],
    "settings-field-end": lambda h: [keep_field("养宠物", "yes-no").pk],
    "request-result": lambda h: [rights_request(h)],
    "correction-decide": lambda h: [correction(h)],
    "partner-end": lambda h: [partner()],
    "partner-use-undo": lambda h: [partner_use()],
    "counter-member": lambda h: [customer()],
    "counter-moves": lambda h: [customer()],
    "counter-done": lambda h: [customer(), "0123456789abcdef"],
    "offer": lambda h: [offer()],
    "offer-state": lambda h: [offer()],
    "member-link": lambda h: [
        door.link_for(Customer.objects.get(pk=customer()), doors.clock(), by=h.staff["owner"])
    ],
    "outbox-told": lambda h: [message()],
    "settings-store": lambda h: [Store.objects.order_by("id")[0].pk],
}
"""What stands in the addresses that name something; of customers and colleagues see `arguments`."""


def programme() -> None:
    if program.current() is None:
        program.open_program("tiers", date(2026, 11, 1))


def correction(house: House) -> int:
    """A correction that is too large for one person."""
    programme()
    member = program.join(Customer.objects.get(pk=customer()), date(2026, 11, 22), "counter")
    asked = purse.correct(
        member, "points", 9_000, why="补", key="1", on=date(2026, 11, 22), by=house.staff["service"]
    )
    assert isinstance(asked, Approval)
    return asked.pk


def partner() -> int:
    return partners.make("银行", begins="6225", valid_from=date(2026, 11, 1)).pk


def partner_use() -> int:
    used = partners.use(
        Partner.objects.get(pk=partner()),
        "62250001",
        900,
        key="1",
        on=date(2026, 11, 22),
        store=Store.objects.order_by("id")[0],
    )
    return used.pk


def customer() -> int:
    return Customer.objects.order_by("id").values_list("pk", flat=True)[0]


def relative() -> int:
    return filing.add_relative(Customer.objects.get(pk=customer()), "child", "小宝").pk


def attachment() -> int:
    her = Customer.objects.get(pk=customer())
    return filing.attach_file(her, "card.pdf", b"%PDF-1.4", on=date(2026, 11, 22)).pk


def note(house: House) -> int:
    her = Customer.objects.get(pk=customer())
    return add_note(her, "靠窗", on=date(2026, 11, 22), by=house.staff["service"]).pk


def offer() -> int:
    """An offer that is open, so that nothing about it waits."""
    made = Offer.objects.create(
        kind="amount", name="减十元", worth=1_000, valid_from=date(2026, 11, 1), valid_until=date(2026, 12, 31), state="open"
    )  # fmt: skip
    return made.pk


def message() -> int:
    """A message that waits in the outbox."""
    door.send_code("13712345670", "老地方", doors.clock())
    return Outgoing.objects.latest("id").pk


def upload(house: House) -> str:
    """A file that waits for its columns; the columns are left as guessed, so a trial and an import can follow."""
    file = SimpleUploadedFile(
        "till.csv", "订单号,消费时间,手机号,实收金额\nX1,2026-11-01 12:00,13712340000,坏\n".encode()
    )
    return uploads.keep([file], by=house.staff["owner"])


def passed(house: House) -> int:
    """What somebody had in hand has passed to another."""
    them = house.staff
    return handover.hand_over(
        them["service"], [them["front-desk"]], by=them["owner"], on=date(2026, 11, 22), leaves=False
    ).pk


def alike() -> int:
    """Two customers of whom somebody has said that they may be one."""
    one, other = Customer.objects.order_by("id")[:2]
    return propose(one, other, by=Staff.objects.get(role="owner")).pk


def receipt() -> int:
    """A receipt that names nobody."""
    return daily.record_sale(
        None, store=Store.objects.order_by("id")[0], day=date(2026, 11, 20), amount=900
    ).pk  # type: ignore[union-attr]


def task(house: House) -> int:
    return Task.objects.get_or_create(
        customer_id=customer(), rule="call", occasion="test",
        defaults={"on": "2026-11-22", "due_on": "2026-11-22", "last_on": "2026-11-30", "playbook": "restaurant", "channel": "call",
                  "why": ["因为", "because"], "do": ["打电话", "call"], "say": ["您好", "hello"], "name": ["电话", "call"]},
    )[0].pk  # fmt: skip


def rights_request(house: House) -> int:
    who = Customer.objects.get(pk=customer())
    asked = rights.open_request(who, "copy", on=date(2026, 11, 22), checked="known", by=house.staff["owner"])
    return asked.pk


def arguments(name: str, house: House) -> list[Any]:
    if name in ON_WHAT:
        return ON_WHAT[name](house)
    pattern = next(p for p in PAGES if p.name == name)
    names = list(pattern.pattern.converters)
    if not names:
        return []
    if name.startswith("settings-member"):
        return [house.staff["service"].pk]
    if name.startswith(("customer-", "portrait")) and names == ["number"]:
        return [customer()]
    raise AssertionError(f"nobody says what stands in the address of {name}: add it to tests/web/access.py")


def address(name: str, house: House) -> str:
    return reverse(name, args=arguments(name, house))


OPEN_BECAUSE = {
    "login": "staff sign in here", "login-code": "the second step of signing in", "login-passkey": "signing in by a passkey", "login-passkey-options": "signing in by a passkey",
    "language": "a choice that everybody has", "theme": "a choice that everybody has", "health": "a watchman asks", "offline": "shown when nothing can be asked",
    "manifest": "the name of the shop for a home screen", "start": "the shop is founded here, once", "start-business": "the shop is founded here, once", "start-trade": "the shop is founded here, once",
    "member": "a member's page, to strangers its door", "member-login": "a code is asked for; the answer is the same for every phone", "member-code": "a code is proved",
    "member-join": "for whoever has just proved her phone", "member-link": "a secret of 24 bytes from the counter, good once",
    "member-offline": "shown when nothing can be asked", "member-manifest": "the name of the shop for a home screen", "member-worker": "names files that everybody may read",
    **dict.fromkeys(
        ("member-out", "member-points", "member-coupons", "member-visits", "member-pass", "member-card", "member-invite", "member-me", "member-privacy",
         "member-consent", "member-withdraw", "member-request", "member-copy", "member-leave"),
        "asks for the member's own session, which is no login of staff; everybody else is led to its door",
    ),
}  # fmt: skip
"""Why a page that asks no ability is open, by its name."""


def needed(pattern: URLPattern, method: str = "get") -> str:
    said = "needs" if method == "get" else "writing"
    return str(getattr(pattern.callback, said, "nobody said who may see it"))


@dataclass
class Tried:
    """One address by one method: what it needs, and the status that each visitor got."""

    where: str
    method: str
    needs: str
    got: dict[str, int] = field(default_factory=dict)


def try_pages(house: House) -> list[Tried]:
    """Every page, read and written to, by every role, by somebody who has left and by a stranger. What a try changes is
    taken back at once."""
    found = []
    browsers = {
        who: house.browser(None if who == STRANGER else "service" if who == GONE else who)
        for who in (*HOUSE_ROLES, GONE, STRANGER)
    }
    for browser in browsers.values():
        browser.get("/")  # a login is remembered once, and not anew after each try that is taken back
    for pattern in PAGES:
        assert pattern.name
        for method in ("get", "post"):
            row = Tried("/" + str(pattern.pattern), method.upper(), needed(pattern, method))
            with transaction.atomic():
                where = address(pattern.name, house)
                for who in (*HOUSE_ROLES, GONE, STRANGER):
                    with transaction.atomic():
                        if who == GONE:
                            Staff.objects.filter(pk=house.staff["service"].pk).update(is_active=False)
                        row.got[who] = getattr(browsers[who], method)(where).status_code
                        transaction.set_rollback(True)
                transaction.set_rollback(True)
            if 405 not in row.got.values():
                found.append(row)
    return found


SAID = {
    "/today/": {"how": "done"},
    "/duplicates/": {"how": "different"},
    "/till/member": {"who": "0000000000"},
    "/till/coupons/reservations": {"key": "till-0001", "codes": ["NOSUCHCODE22"], "bill": 30},
    "/till/coupons": {"codes": ["NOSUCHCODE22"], "bill": 30},
    "/till/reservations": {"key": "till-0001", "who": "0000000000", "currency": "points", "amount": 1},
    "/consents": {"purpose": "marketing", "granted": True},
}
"""What is posted to an operation, so that the answer is about who asks and not about what."""

ASKED = {
    "/grades/changes": "?since=2026-01-01",
    "/today/{number}/result": "",
}


def try_api(house: House) -> list[Tried]:
    """Every operation that the API's own description names, with a key of every role, of somebody who has left, and
    without one."""
    needs = {}
    for router_path, router in api._routers:
        for path, view in router.path_operations.items():
            for operation in view.operations:
                for method in operation.methods:
                    needs[f"{router_path}{path}", method] = getattr(
                        operation.view_func, "needs", "nobody said"
                    )
    found = []
    for path, operations in api.get_openapi_schema(path_prefix="")["paths"].items():
        for method in operations:
            ability = needs[path, method.upper()]
            row = Tried("/api/v1" + path, method.upper(), ability)
            cache.clear()  # so many keys of somebody who has left are not waited for
            for who in (*HOUSE_ROLES, GONE, STRANGER):
                with transaction.atomic():
                    number = (
                        task(house)
                        if "/today/" in path
                        else Batch.objects.order_by("id")[0].pk
                        if "/imports/" in path
                        else customer()
                    )
                    where = (
                        "/api/v1"
                        + path.replace("{number}", str(number))
                        .replace("{key}", "restaurant")
                        .replace("{code}", "0" * 24)
                        + ASKED.get(path, "")
                    )
                    row.got[who] = _ask(house, who, method, where)
                    transaction.set_rollback(True)
            found.append(row)
    return found


def _ask(house: House, who: str, method: str, where: str) -> int:
    header = {}
    if who != STRANGER:
        staff = house.staff["service" if who == GONE else who]
        header = {"Authorization": f"Bearer {make_token(staff, 'test')[1]}"}
        if who == GONE:
            type(staff).objects.filter(pk=staff.pk).update(is_active=False)
    said = next((body for part, body in SAID.items() if part in where), {})
    body = {"data": said, "content_type": "application/json"} if method == "post" else {}
    status: int = getattr(Client(), method)(where, headers=header, **body).status_code
    return status


def sign(status: int) -> str:
    """What a status means to whoever asked: in, not hers to see, nothing there for her, or first sign in.

    >>> [sign(s) for s in (200, 302, 403, 404, 401)]
    ['✓', '✓', '✗', '∅', '→']
    """
    return {403: "✗", 404: "∅", 401: "→"}.get(status, "✓")


HEAD = """# 谁看得到什么 · Who may see what

<!-- 由 tests/web/test_may.py 逐个试出来，不要手改。Made by tests/web/test_may.py, which tries every line; do not edit. -->

每一行都由测试真的试过：每个页面和接口，读和写，每种岗位、离职的人、没登录的人。✓ 进得去，✗ 不归他看，∅ 对他来说没有这位顾客（或这批、这件事），→ 先登录。
Every line has been tried by the tests: each page and operation, reading and writing, by every role, by somebody who has left and by a stranger. ✓ comes in, ✗ not hers to see, ∅ there is no such customer (or import, or task) for her, → sign in first.

"""


def as_table(tried: list[Tried]) -> str:
    who = (*HOUSE_ROLES, GONE, STRANGER)
    names = [*(f"{r.name.zh} {r.name.en}" for r in HOUSE_ROLES.values()), "离职 left", "没登录 stranger"]
    lines = ["| | | needs | " + " | ".join(names) + " |", "| --- | --- | --- |" + " --- |" * len(who)]
    for row in tried:
        signs = []
        for one in who:
            status = row.got[one]
            to_login = one in (STRANGER, GONE) and row.needs != "open" and status in (302, 401)
            signs.append("→" if to_login else sign(status))
        lines.append(
            f"| `{row.where.replace('|', '')}` | {row.method} | {row.needs} | " + " | ".join(signs) + " |"
        )
    return "\n".join(lines) + "\n"
