"""Verbs of the business: found it, take staff in, ask for long work."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from functools import cache
from typing import Any

from django.contrib.auth.password_validation import CommonPasswordValidator
from django.db import transaction

from regulars.shop.doors_actions import end_logins
from regulars.shop.models import ApiToken, Business, Job, JobState, OwnRole, Post, Staff, Store, audit
from regulars.shop.rules.passwords import weakness
from regulars.shop.rules.policy import ABILITIES, BY_NAME, HOUSE_ROLES, REACHES
from regulars.shop.words import Refused, Words

TRADES: dict[str, Words] = {
    "hotpot": Words("火锅店", "Hot-pot restaurant"),
    "restaurant": Words("餐厅", "Restaurant"),
    "snack": Words("零食店、连锁小店", "Snack shop, franchise"),
    "salon": Words("美容美发", "Salon"),
    "clinic": Words("诊所、医美", "Clinic"),
    "hotel": Words("酒店、民宿", "Hotel"),
    "appliance": Words("家电", "Appliance shop"),
    "shop": Words("其他零售店", "Other shop"),
    "wholesale": Words("批发、企业客户", "Wholesale, business customers"),
}


def checked_password(password: str, email: str, name: str, business: str = "") -> str:
    """The password, or Refused with what is wrong with it. `business`: the name of one that is not founded yet."""
    known = [business, *Business.objects.values_list("name", flat=True)]
    if wrong := weakness(password, [email, name, *known], _commons()):
        raise Refused(wrong)
    return password


@cache
def _commons() -> frozenset[str]:
    """The twenty thousand passwords that lists of broken accounts hold most often."""
    return frozenset(CommonPasswordValidator().passwords)


def found_business(
    *, name: str, trade: str, owner_email: str, owner_name: str, password: str, stores: Sequence[str] = (), lang: str = "zh",
    is_example: bool = False,
) -> tuple[Business, Staff]:  # fmt: skip
    """The first start: the business, its stores, and the owner with her own password."""
    if trade not in TRADES:
        raise Refused(
            Words("没有「{t}」这个行业，可选：{all}", "There is no trade {t}; choose one of {all}").fill(
                t=trade, all=", ".join(TRADES)
            )
        )
    if not name.strip():
        raise Refused(Words("请写店名", "Please give the business a name"))
    if "@" not in owner_email:
        raise Refused(Words("「{e}」不是邮箱", "{e} is not an e-mail address").fill(e=owner_email))
    checked_password(password, owner_email, owner_name, name)
    with transaction.atomic():
        if Business.objects.exists():
            raise Refused(Words("这个文件夹里已经有一家店了", "This folder already holds a business"))
        business = Business.objects.create(
            name=name.strip()[:100], trade=trade, lang=lang, is_example=is_example
        )
        for store in dict.fromkeys([s.strip() for s in stores if s.strip()] or [business.name]):
            Store.objects.create(name=store[:100])
        owner = add_staff(name=owner_name, email=owner_email, role="owner", password=password)
        audit("found-business", "business", by=owner)
    return business, owner


def add_staff(
    *, name: str, email: str, role: str, password: str | None = None, store: Store | None = None, minutes: int = 60,
    by: Staff | None = None,
) -> Staff:  # fmt: skip
    """Take a member of staff in. Without a password she can't log in until one is set."""
    email = email.strip().lower()
    if "@" not in email:
        raise Refused(Words("「{e}」不是邮箱", "{e} is not an e-mail address").fill(e=email))
    if Staff.objects.filter(email__iexact=email).exists():
        raise Refused(Words("这个邮箱已经有人用了", "Somebody already uses this e-mail"))
    staff = Staff(name=name.strip()[:60] or email, email=email, role=role, store=store, minutes_a_day=minutes)
    if password is None:
        staff.set_unusable_password()
    else:
        staff.set_password(checked_password(password, email, name))
    staff.save()
    audit("add-staff", f"staff {staff.id}", by=by)
    return staff


def give_post(staff: Staff, role: str, store: Store | None, *, by: Staff | None = None) -> Post:
    """A further post for a member of staff; one that she has already is not given twice."""
    if (role, store.pk if store else None) == (staff.role, staff.store_id):
        raise Refused(Words("这已经是她的岗位", "She holds this post already"))
    post, is_new = Post.objects.get_or_create(staff=staff, role=role, store=store)
    if is_new:
        audit(
            "give-post",
            f"staff {staff.pk}",
            by=by,
            detail={"role": role, "store": store.pk if store else None},
        )
    return post


def end_post(post: Post, *, by: Staff | None = None) -> None:
    """Take a further post from a member of staff; the next page that she opens knows."""
    post.delete()
    audit("end-post", f"staff {post.staff_id}", by=by, detail={"role": post.role, "store": post.store_id})


def keep_role(
    name: str, abilities: Sequence[str], *, reach: str = "all", works_like: str = "front-desk", key: str = "", by: Staff | None = None,
) -> OwnRole:  # fmt: skip
    """Make a role of the shop's own out of abilities, or change the one that `key` names."""
    if not name.strip():
        raise Refused(Words("请给岗位起个名字", "Please give the role a name"))
    if "look" not in abilities or not set(abilities) <= set(ABILITIES) or reach not in REACHES:
        raise Refused(Words("至少要能看顾客", "A role must at least see customers"))
    if BY_NAME & set(abilities) and "names" not in abilities:
        raise Refused(
            Words(
                "做关怀、看号码、合并、办理权利，都要先能看真实姓名",
                "Care, numbers, merging and rights take a role that may see names",
            )
        )
    if works_like not in HOUSE_ROLES:
        raise Refused(Words("没有这个岗位", "There is no such role"))
    with transaction.atomic():
        if key:
            role = OwnRole.objects.filter(key=key).first()
            if role is None:
                raise Refused(Words("没有这个岗位", "There is no such role"))
        else:
            role = OwnRole(key=f"own-{secrets.token_hex(3)}")
        role.name, role.abilities, role.reach, role.works_like = (
            name.strip()[:40],
            sorted(set(abilities)),
            reach,
            works_like,
        )
        role.save()
        audit("keep-role", f"role {role.key}", by=by, detail={"abilities": role.abilities, "reach": reach})
    return role


def end_role(role: OwnRole, *, by: Staff | None = None) -> None:
    """Give up a role that nobody holds."""
    if Staff.objects.filter(role=role.key).exists() or Post.objects.filter(role=role.key).exists():
        raise Refused(
            Words(
                "还有人在这个岗位上，先给他们换岗", "Somebody still holds this role; give them another first"
            )
        )
    role.delete()
    audit("end-role", f"role {role.key}", by=by)


def set_password(staff: Staff, password: str, *, by: Staff | None = None) -> None:
    """Give a member of staff a new password; every session she has ends."""
    staff.set_password(checked_password(password, staff.email, staff.name))
    staff.save(update_fields=["password"])
    end_logins(staff)
    audit("set-password", f"staff {staff.id}", by=by)


def make_token(
    staff: Staff, name: str, *, may_write: bool = True, by: Staff | None = None
) -> tuple[ApiToken, str]:
    """A key for a program that acts as this member of staff: the record, and the key itself, which is shown once and
    can't be read again. It may what she may (with `may_write` False: only read), and ends when she leaves."""
    if not name.strip():
        raise Refused(Words("请写明给哪个程序用", "Say which program it is for"))
    text = f"regulars-{secrets.token_urlsafe(32)}"
    token = ApiToken.objects.create(
        staff=staff, name=name.strip()[:60], digest=token_digest(text), may_write=may_write
    )
    audit("make-token", f"staff {staff.pk}", by=by or staff, detail={"token": token.pk})
    return token, text


def token_digest(text: str) -> str:
    """What is kept of a key. It is long and random, so one plain hash is enough.

    >>> token_digest("regulars-x")[:12]
    '70a4854829f7'
    """
    return hashlib.sha256(text.encode()).hexdigest()


def end_token(token: ApiToken, *, by: Staff | None = None) -> None:
    """From now on the key opens nothing."""
    number = token.pk
    token.delete()
    audit("end-token", f"staff {token.staff_id}", by=by, detail={"token": number})


def ask_for(kind: str, args: dict[str, Any], *, by: Staff | None = None) -> Job:
    """Ask the worker for long work. The same work that already waits or runs is not asked for twice."""
    with transaction.atomic():
        same = Job.objects.filter(
            kind=kind, args=args, state__in=(JobState.WAITING, JobState.RUNNING)
        ).first()
        return same or Job.objects.create(kind=kind, args=args, asked_by=by)


def cancel(job: Job) -> None:
    """Ask a job to stop at its next step; one that waits is gone at once."""
    if not Job.objects.filter(id=job.id, state=JobState.WAITING).update(state=JobState.CANCELLED):
        Job.objects.filter(id=job.id, state=JobState.RUNNING).update(cancel_asked=True)
