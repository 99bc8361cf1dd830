"""How well proposals find who is one person: precision and recall on a labelled set with the dirt of real lists.

    python benchmarks/duplicates_quality.py                       20,000 people, 2,400 second files, 1,200 traps
    python benchmarks/duplicates_quality.py --people 5000 --seed 7

The set is made from a seed: people with Chinese names as common as they are, phones, birthdays for seven in ten. Then
second files of some of them, each with one kind of dirt, and people who look alike and are not one: couples on a phone,
fathers and sons with one birthday, twins, namesakes, neighbours' numbers. It comes in as a file, like any list, and is
looked through by the product itself. Right is a proposal to merge two files of one person, or to call two people of one
household a family.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

SHARES = "王王王王王王王李李李李李李李张张张张张张刘刘刘刘刘陈陈陈陈杨杨杨黄黄赵赵吴吴周周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖"
FIRST = "小晓文志建国海秀玉春丽美佳欣雨思子宇浩天俊家慧淑红永振立一德明雪婷嘉梓梦诗若语"
LAST = "芳伟敏静强磊军洋勇艳杰娟涛超霞平刚华兰波鑫琳颖倩莹璐悦怡桐涵琪洁梅燕辉鹏斌峰凯宁豪轩航"
SAME_SOUND = {
    "芳": "方",
    "静": "晶",
    "洋": "阳",
    "伟": "炜",
    "强": "墙",
    "辉": "晖",
    "琳": "林",
    "颖": "影",
    "婷": "庭",
    "杰": "洁",
}
STREETS = (
    "江滨路",
    "学府路",
    "解放东路",
    "新华街",
    "柳园巷",
    "桂花路",
    "人民南路",
    "滨湖大道",
    "东门街",
    "文昌路",
)
PREFIXES = ("130", "131", "132", "133", "135", "136", "137", "138", "139", "150", "151", "152", "155", "156", "158",
            "159", "176", "177", "180", "181", "185", "186", "187", "188", "189")  # fmt: skip


@dataclass(frozen=True)
class File:
    """One line of a customer list."""

    member: str
    name: str = ""
    sex: str = ""
    phone: str = ""
    birthday: str = ""
    address: str = ""


@dataclass(frozen=True)
class Labelled:
    """A list, and what is true of its pairs of member numbers: what made them, and whether they are one person
    (`merge`), one household (`family`) or neither (``)."""

    files: list[File]
    truth: dict[frozenset[str], tuple[str, str]]


def labelled(people: int, seed: int, second: int | None = None) -> Labelled:
    """Make a set. `second`: how many second files (and half as many traps), by default a person in eight."""
    luck = np.random.default_rng(seed)
    made: list[File] = []
    truth: dict[frozenset[str], tuple[str, str]] = {}
    for _ in range(people):
        made.append(somebody(luck, f"M{len(made):06}"))
    second = second if second is not None else people // 8
    picked = luck.permutation(people)[: second + second // 2]
    for k, i in enumerate(picked.tolist()):
        dirt = list(DIRT) if k < second else list(TRAPS)
        kind = dirt[k % len(dirt)]
        relation, change = (DIRT if k < second else TRAPS)[kind]
        made[i], other = change(complete(made[i], luck), f"N{len(made):06}", luck)
        made.append(other)
        truth[frozenset({made[i].member, other.member})] = kind, relation
    order = luck.permutation(len(made))
    return Labelled([made[i] for i in order.tolist()], truth)


def somebody(luck: np.random.Generator, member: str) -> File:
    sex = "女" if luck.random() < 0.5 else "男"
    name = pick(luck, SHARES) + (pick(luck, FIRST) if luck.random() < 0.7 else "") + pick(luck, LAST)
    return File(
        member, name, sex if luck.random() < 0.8 else "", phone(luck), birthday(luck) if luck.random() < 0.7 else "",
        address(luck) if luck.random() < 0.3 else "",
    )  # fmt: skip


def complete(one: File, luck: np.random.Generator) -> File:
    return replace(one, birthday=one.birthday or birthday(luck), address=one.address or address(luck))


def pick(luck: np.random.Generator, text: str) -> str:
    return text[int(luck.integers(len(text)))]


def phone(luck: np.random.Generator) -> str:
    return PREFIXES[int(luck.integers(len(PREFIXES)))] + f"{int(luck.integers(10**8)):08}"


def birthday(luck: np.random.Generator) -> str:
    return f"{int(luck.integers(1950, 2009))}-{int(luck.integers(1, 13)):02}-{int(luck.integers(1, 29)):02}"


def address(luck: np.random.Generator) -> str:
    return f"{STREETS[int(luck.integers(len(STREETS)))]}{int(luck.integers(1, 300))}号{int(luck.integers(1, 40))}0{int(luck.integers(1, 5))}室"


# --- dirt: a second file of one person -------------------------------------------------------------------------------


def _typo(one: File, member: str, luck: np.random.Generator) -> tuple[File, File]:
    k = int(luck.integers(3, 11))
    digit = str((int(one.phone[k]) + int(luck.integers(1, 10))) % 10)
    return one, File(member, one.name, one.sex, one.phone[:k] + digit + one.phone[k + 1 :])


def _swapped(one: File, member: str, luck: np.random.Generator) -> tuple[File, File]:
    places = [k for k in range(3, 10) if one.phone[k] != one.phone[k + 1]] or [9]
    k = places[int(luck.integers(len(places)))]
    return one, File(
        member, one.name, "", one.phone[:k] + one.phone[k + 1] + one.phone[k] + one.phone[k + 2 :]
    )


def _masked(one: File, member: str, luck: np.random.Generator) -> tuple[File, File]:
    return one, File(member, one.name, one.sex, f"{one.phone[:3]}****{one.phone[7:]}")


def _new_card(one: File, member: str, luck: np.random.Generator) -> tuple[File, File]:
    return one, File(member, one.name, one.sex, one.phone)


def _pet_name(one: File, member: str, luck: np.random.Generator) -> tuple[File, File]:
    short = one.name[0] + one.name[-1] if len(one.name) > 2 else one.name
    return one, File(member, short, one.sex, phone(luck) if luck.random() < 0.5 else "", one.birthday)


def _heard(one: File, member: str, luck: np.random.Generator) -> tuple[File, File]:
    last = list(SAME_SOUND)[int(luck.integers(len(SAME_SOUND)))]
    one = replace(one, name=one.name[:-1] + last)
    return one, File(member, one.name[:-1] + SAME_SOUND[last], one.sex, "", one.birthday)


def _moved_phone(one: File, member: str, luck: np.random.Generator) -> tuple[File, File]:
    return one, File(member, one.name, one.sex, phone(luck), one.birthday)


def _same_door(one: File, member: str, luck: np.random.Generator) -> tuple[File, File]:
    return one, File(member, one.name, one.sex, phone(luck), "", "江城市" + one.address)


def _title(one: File, member: str, luck: np.random.Generator) -> tuple[File, File]:
    return one, File(member, one.name[0] + ("女士" if one.sex != "男" else "先生"), one.sex, one.phone)


def _name_only(one: File, member: str, luck: np.random.Generator) -> tuple[File, File]:
    return one, File(member, one.name, one.sex, phone(luck))


Change = Callable[[File, str, np.random.Generator], tuple[File, File]]

DIRT: dict[str, tuple[str, Change]] = {
    "one digit wrong": ("merge", _typo), "two digits swapped": ("merge", _swapped), "masked phone": ("merge", _masked),
    "new card, same phone": ("merge", _new_card), "pet name, birthday": ("merge", _pet_name), "name as heard, birthday": ("merge", _heard),
    "new phone, birthday": ("merge", _moved_phone), "new phone, same door": ("merge", _same_door), "Ms Wang, same phone": ("merge", _title),
    "nothing but the name": ("merge", _name_only),
}  # fmt: skip
"""The last can't be found by anybody and shows what recall leaves out."""


# --- traps: people who look alike and are not one --------------------------------------------------------------------


def _other_given(one: File, luck: np.random.Generator) -> str:
    while True:
        name = one.name[0] + pick(luck, FIRST) + pick(luck, LAST)
        if name[1] not in one.name and name[2] not in one.name:
            return name


def _couple(one: File, member: str, luck: np.random.Generator) -> tuple[File, File]:
    stranger = somebody(luck, member)
    name = (
        stranger.name
        if stranger.name[0] != one.name[0]
        else ("钱" if one.name[0] != "钱" else "孔") + stranger.name[1:]
    )
    return replace(one, sex="女"), File(member, name, "男", one.phone, birthday(luck))


def _father_and_son(one: File, member: str, luck: np.random.Generator) -> tuple[File, File]:
    year, day = one.birthday.split("-", 1)
    return one, File(member, _other_given(one, luck), one.sex, one.phone, f"{int(year) - 28}-{day}")


def _twins(one: File, member: str, luck: np.random.Generator) -> tuple[File, File]:
    return one, File(member, _other_given(one, luck), one.sex, phone(luck), one.birthday)


def _namesake(one: File, member: str, luck: np.random.Generator) -> tuple[File, File]:
    return one, File(member, one.name, one.sex, phone(luck), birthday(luck))


def _neighbour(one: File, member: str, luck: np.random.Generator) -> tuple[File, File]:
    last = (int(one.phone[-1]) + 1) % 10
    stranger = somebody(luck, member)
    return one, File(member, stranger.name, stranger.sex, one.phone[:-1] + str(last), birthday(luck))


TRAPS: dict[str, tuple[str, Change]] = {
    "couple on one phone": ("family", _couple), "father and son, one birthday": ("family", _father_and_son),
    "twins": ("", _twins), "namesakes": ("", _namesake), "a neighbour's number": ("", _neighbour),
}  # fmt: skip


# --- measuring -------------------------------------------------------------------------------------------------------


def write(files: Iterable[File], path: Path) -> Path:
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["会员号", "姓名", "性别", "手机号", "生日", "地址"])
        writer.writerows([f.member, f.name, f.sex, f.phone, f.birthday, f.address] for f in files)
    return path


@dataclass(frozen=True)
class Quality:
    """How proposals compare with the truth: of the sure ones to merge and to call a family, and by kind of dirt."""

    precision: float
    recall: float
    family_precision: float
    family_recall: float
    by_kind: dict[str, tuple[int, int, int]]  # sure, weak, of
    by_reason: dict[str, tuple[int, int]]  # right, of


def measure(truth: dict[frozenset[str], tuple[str, str]]) -> Quality:
    """Compare what stands in the shop's proposals with the truth. Call it after `find_likely`."""
    from regulars.customers.models import Likely, Link

    written: dict[int, set[str]] = defaultdict(set)
    for link in Link.objects.filter(identity__kind="member").select_related("identity"):
        written[link.customer_id].add(str(link.identity.written))
    proposed: dict[frozenset[str], tuple[str, str]] = {}
    right_by: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for pair in Likely.objects.all():
        for one in written[pair.one_id]:
            for other in written[pair.other_id]:
                both = frozenset({one, other})
                proposed[both] = pair.kind, pair.strength
                if pair.strength == "sure":
                    right = truth.get(both, ("", ""))[1] == pair.kind
                    for reason in pair.reasons:
                        right_by[reason][0] += right
                        right_by[reason][1] += 1

    def share(kind: str) -> tuple[float, float]:
        said = {p for p, (k, strength) in proposed.items() if k == kind and strength == "sure"}
        true = {p for p, (_, relation) in truth.items() if relation == kind}
        return len(said & true) / max(1, len(said)), len(said & true) / max(1, len(true))

    by_kind: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for both, (kind, relation) in truth.items():
        found = proposed.get(both)
        by_kind[kind][2] += 1
        if found and found[0] == (relation or "merge"):
            by_kind[kind][0 if found[1] == "sure" else 1] += 1
    (precision, recall), (family_precision, family_recall) = share("merge"), share("family")
    return Quality(
        precision, recall, family_precision, family_recall, {k: (a, b, c) for k, (a, b, c) in by_kind.items()},
        {k: (a, b) for k, (a, b) in right_by.items()},
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["REGULARS_HOME"] = folder
        os.environ["DJANGO_SETTINGS_MODULE"] = "regulars.web.settings"
        import django

        django.setup()
        from django.core.management import call_command

        from regulars import daily
        from regulars.customers.likely import find_likely
        from regulars.customers.rules.likeness import reason_words
        from regulars.shop.actions import found_business
        from regulars.shop.home import Home

        Home.find().make()
        call_command("migrate", verbosity=0)
        found_business(
            name="老地方",
            trade="hotpot",
            owner_email="o@example.com",
            owner_name="周",
            password="nine-red-peppers",
        )
        made = labelled(given.people, given.seed)
        daily.take_in([write(made.files, Path(folder) / "list.csv")])
        found = find_likely()
        q = measure(made.truth)
        print(f"{len(made.files):,} files, {found.looked_at:,} pairs looked at, {found.new:,} proposed")
        print(f"merge   precision {q.precision:6.1%}   recall {q.recall:6.1%}")
        print(f"family  precision {q.family_precision:6.1%}   recall {q.family_recall:6.1%}")
        for kind, (sure, weak, of) in q.by_kind.items():
            wanted = {**DIRT, **TRAPS}[kind][0] or "neither"
            print(f"  {kind:32s} {wanted:8s} sure {sure:5} weak {weak:5} of {of:5}")
        for reason, (right, of) in sorted(q.by_reason.items()):
            print(f"  {reason_words(reason).en:60s} right {right:5} of {of:5}  {right / of:6.1%}")


if __name__ == "__main__":
    main()
