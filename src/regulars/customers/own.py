"""Fields that the shop has added to its files: found when asked, so that every process knows them at once.

Those that are chosen or counted are facts: `catalogue.find("own_…")` answers for them, so playbooks may use them.
"""

from __future__ import annotations

import re

from django.db import transaction

from regulars.customers.models import OwnField
from regulars.customers.rules.sheet import GROUPS, Field, as_fact
from regulars.playbooks.catalogue import OWN, Fact, catalogue
from regulars.shop import bulk
from regulars.shop.models import Staff, audit
from regulars.shop.words import Refused, Words

KINDS = {
    "choice": Words("选一个", "One of several"),
    "yes-no": Words("是或否", "Yes or no"),
    "number": Words("数字", "A number"),
    "date": Words("日期", "A date"),
    "text": Words("自己写（加密，打法用不了）", "In own words (sealed, not for playbooks)"),
}


def field_of(own: OwnField) -> Field:
    """A field of the shop's own as the sheet shows it."""
    ask = Words(own.ask_zh, own.ask_en or own.ask_zh) if own.ask_zh or own.ask_en else None
    return Field(
        own.key, Words(own.name_zh, own.name_en or own.name_zh), own.group if own.group in GROUPS else "own", own.kind,  # type: ignore[arg-type]
        {key: Words(zh, en or zh) for key, zh, en in own.choices}, ask, None, "both", own.stale_after_days,
        is_plain=own.kind != "text",
    )  # fmt: skip


def own_fields(*, also_ended: bool = False) -> list[Field]:
    """The shop's own fields in the order in which they were made."""
    found = OwnField.objects.order_by("id")
    return [field_of(own) for own in (found if also_ended else found.filter(is_active=True))]


def own_facts() -> dict[str, Fact]:
    """The facts among them, those that are asked no longer included: a playbook that uses one still reads."""
    return {f.key: as_fact(f) for f in own_fields(also_ended=True) if f.is_plain}


catalogue.ask_the_shop(own_facts)


def keep_field(
    name: str, kind: str, *, name_en: str = "", choices: str = "", group: str = "own", ask: str = "", ask_en: str = "",
    stale_after_days: int | None = None, by: Staff | None = None,
) -> OwnField:  # fmt: skip
    """Add a field to every file. `choices`: one on each line, or with commas between them."""
    name = " ".join(name.split())[:30]
    said = [c for c in (" ".join(part.split())[:30] for part in re.split(r"[\n,，、;；]", choices)) if c]
    said = list(dict.fromkeys(said))
    if not name:
        raise Refused(Words("请写这一项叫什么", "Please say what it is called"))
    if kind not in KINDS:
        raise Refused(Words("请选怎么填", "Please choose how it is filled in"))
    if kind == "choice" and not 2 <= len(said) <= 30:
        raise Refused(Words("请写出可以选的，至少两个", "Please write what can be chosen, at least two"))
    taken = {f.name.zh.lower() for f in catalogue} | {f.name.en.lower() for f in catalogue}
    if (
        name.lower() in taken
        or OwnField.objects.filter(name_zh__iexact=name).exists()
        or (name_en and name_en.lower() in taken)
    ):
        raise Refused(Words("档案里已经有「{n}」了", "The file already has {n}").fill(n=name))
    with transaction.atomic():
        bulk.alone("own-fields")
        known = set(OwnField.objects.values_list("key", flat=True))
        kept = OwnField.objects.create(
            key=_free(OWN + (_slug(name_en) or _slug(name) or "field"), known), name_zh=name, name_en=name_en.strip()[:60],
            kind=kind, choices=_keyed(said) if kind == "choice" else [], group=group if group in GROUPS else "own",
            ask_zh=ask.strip()[:120], ask_en=ask_en.strip()[:120], stale_after_days=stale_after_days,
        )  # fmt: skip
        audit("add-field", f"field {kept.pk}", by=by, detail={"key": kept.key})
    return kept


def switch_field(own: OwnField, is_active: bool, *, by: Staff | None = None) -> None:
    """Stop asking a field, or ask it again; what was said stays."""
    if own.is_active != is_active:
        own.is_active = is_active
        own.save(update_fields=["is_active"])
        audit("add-field" if is_active else "end-field", f"field {own.pk}", by=by, detail={"key": own.key})


def _slug(text: str) -> str:
    """>>> _slug("宠物"), _slug("Has a car?"), _slug("？")
    ('chong_wu', 'has_a_car', '')
    """
    from pypinyin import lazy_pinyin  # its dictionary takes long to load

    said = "_".join(re.findall(r"[a-z0-9]+", " ".join(lazy_pinyin(text)).lower()))
    return re.sub(r"_in_(?=\d)", "_", said)[:28].strip("_")


def _free(key: str, taken: set[str]) -> str:
    n, tried = 2, key
    while tried in taken:
        tried, n = f"{key}_{n}", n + 1
    return tried


def _keyed(said: list[str]) -> list[list[str]]:
    keys: set[str] = set()
    found = []
    for text in said:
        key = _free(_slug(text) or "choice", keys)
        keys.add(key)
        found.append([key, text, text])
    return found
