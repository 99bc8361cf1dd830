"""Whether two files may be one person: signs for and against, each with its weight and a reason, and what they add up to.

A pure function of what is known of both. It only proposes: a person looks at both files and decides, and what she
decides can be taken back. The weights stand in one table; each is about the power of two by which the sign is commoner
between two files of one person than between two strangers of the same shop.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from regulars.customers.rules.names import plain, sounds, surname_of
from regulars.shop.words import Words

Kind = Literal["merge", "family"]
Strength = Literal["sure", "weak"]


@dataclass(frozen=True)
class Sign:
    """One thing that two files have in common or contradict each other in; `because` carries the judgement."""

    weight: int
    words: Words
    because: str


SIGNS: dict[str, Sign] = {
    "phone-same": Sign(
        8, Words("登记的是同一个手机号", "The same phone stands on both"),
        "A number belongs to one household; strangers never share one by chance.",
    ),
    "phone-swapped": Sign(
        7, Words("手机号有相邻两位写反了", "Two neighbouring digits of the phone are swapped"),
        "The commonest slip of a quick hand; by chance one pair in a hundred million.",
    ),
    "phone-typo": Sign(
        6, Words("手机号只差一位", "The phones differ in one digit"),
        "Ninety-nine numbers lie so near to each; in a big shop some of them belong to strangers.",
    ),
    "phone-masked": Sign(
        6, Words("打码的手机号对得上", "The masked phone fits"),
        "Seven digits of eleven: one stranger in some hundred thousand fits.",
    ),
    "number-alike": Sign(
        6, Words("会员号只差大小写或前面的零", "The member numbers differ only in case or leading zeros"),
        "Spreadsheets eat zeros; but a member 12 and a card 0012 may be two people.",
    ),
    "name-same": Sign(
        5, Words("姓名一样", "The same name"), "A name that few in this shop bear."),
    "name-common": Sign(
        3, Words("姓名一样，不过叫这个名字的人多", "The same name, though a common one"),
        "In a town there are thousands of 王芳.",
    ),
    "name-sound": Sign(
        4, Words("姓名同音", "The names sound the same"), "Heard at the counter, written with another character."),
    "name-similar": Sign(
        4, Words("同姓，名字相近", "The same family name, a similar given name"), "A character left out, or a pet name."),
    "name-surname": Sign(
        1, Words("姓一样，一边没写名", "The same family name; one has no given name"), "“Ms Wang” fits every seventh customer."),
    "birthday-full": Sign(
        5, Words("生日同年同月同日", "The same day, month and year of birth"),
        "One in twenty thousand, but families and typing habits (1 January) are commoner than chance.",
    ),
    "birthday-day": Sign(
        3, Words("生日同月同日，一边没写年份", "The same birthday; one has no year"), "One in 365."),
    "address-same": Sign(
        5, Words("地址一样", "The same address"), "Few households share a door, but families share one."),
    "store-same": Sign(
        1, Words("常去同一家店", "They go to the same store"), "Most strangers of a branch do too."),
    "name-different": Sign(
        -8, Words("姓名不一样", "The names differ"), "Shops know people by name; two names are two people, if one household."),
    "birthday-other-year": Sign(
        -6, Words("生日同月同日，年份不同", "The same birthday in different years"), "A father and his son, sooner than a slip."),
    "birthday-different": Sign(
        -5, Words("生日不一样", "The birthdays differ"), "Written wrongly now and then, so it does not rule one person out."),
    "sex-different": Sign(
        -5, Words("一位女士，一位先生", "One is a woman, one a man"), "Tills guess it now and then."),
    "phone-different": Sign(
        -1, Words("手机号不一样", "The phones differ"), "People change numbers and carry two."),
    "number-different": Sign(
        -1, Words("会员号不一样", "The member numbers differ"), "A shop means to give one number to one customer."),
}  # fmt: skip
"""All signs. What adds up to `SURE` is proposed, to `WEAK` is shown to those who ask for more."""

SURE = 8
"""A rare name and one more sure sign, or a full birthday and a like name: of ten such pairs about nine are one person
(measured by benchmarks/duplicates_quality.py)."""

WEAK = 7
"""One step below: worth a look when the sure ones are done."""

COMMON_AFTER = 20
"""A name that so many in this shop bear says little about who bears it."""

FAMILY = {
    "family-phone": Words("两个名字合用一个手机号，像一家人，或者合用一张卡",
                          "Two names share a phone: a family, or a shared card"),
    "family-address": Words("同姓、同一个地址，像一家人", "The same family name at one address: a family"),
}  # fmt: skip
"""Signs that two people belong together without being one."""


@dataclass(frozen=True)
class Known:
    """What is known of one customer, as far as it tells her from others. `phones` and `masked` are digits as written,
    hidden ones as `*`; `birthday` in its compact form; `namesakes`: how many in this shop bear her name."""

    name: str = ""
    sex: str = ""
    phones: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()
    birthday: str = ""
    numbers: tuple[str, ...] = ()
    address: str = ""
    stores: tuple[int, ...] = ()
    namesakes: int = 1
    is_company: bool = False


@dataclass(frozen=True)
class Verdict:
    """What is proposed, how surely, by which signs (keys of `SIGNS` and `FAMILY`), and what they add up to."""

    kind: Kind
    strength: Strength
    reasons: tuple[str, ...]
    weight: int

    def words(self) -> list[Words]:
        """The reasons in words, what speaks for it first."""
        return [reason_words(key) for key in self.reasons]


SAID = Words("店里有人说可能是同一个人", "Somebody at the shop says that they may be one person")
BY_PERSON = "person"
"""The reason of what a person has proposed."""


def reason_words(key: str) -> Words:
    """One reason in words."""
    if key == BY_PERSON:
        return SAID
    return SIGNS[key].words if key in SIGNS else FAMILY[key]


def verdict(one: Known, other: Known) -> Verdict | None:
    """Whether two files may be one person, or one family; None where nothing speaks for it.

    >>> wang = Known("王芳", phones=("13912345678",), numbers=("1001",))
    >>> v = verdict(wang, Known("王芳", masked=("139****5678",), numbers=("1002",)))
    >>> v.kind, v.strength, [w.en for w in v.words()]
    ('merge', 'sure', ['The masked phone fits', 'The same name', 'The member numbers differ'])
    >>> verdict(wang, Known("李强", phones=("13912345678",))).kind
    'family'
    >>> verdict(wang, Known("王芳", phones=("13700001111",))) is None
    True
    """
    signs = [s for s in (phone_sign(one, other), name_sign(one, other), birthday_sign(one, other)) if s]
    if address_same(one.address, other.address):
        signs.append("address-same")
    if set(one.stores) & set(other.stores):
        signs.append("store-same")
    if one.sex and other.sex and one.sex != other.sex:
        signs.append("sex-different")
    if one.numbers and other.numbers:
        alike = {fold_number(n) for n in one.numbers} & {fold_number(n) for n in other.numbers}
        signs.append("number-alike" if alike else "number-different")
    weight = sum(SIGNS[s].weight for s in signs)
    signs.sort(key=lambda s: -SIGNS[s].weight)
    telling = [s for s in signs if SIGNS[s].weight >= 3]
    # Namesakes of one store are not one person, and a phone alone doesn't say which of a household it is.
    if weight >= WEAK and any(not s.startswith("name") for s in telling):
        sure = weight >= SURE and (len(telling) > 1 or "name-surname" in signs)
        return Verdict("merge", "sure" if sure else "weak", tuple(signs), weight)
    if one.is_company or other.is_company:
        return None
    return _family(one, other, signs)


def _family(one: Known, other: Known, signs: list[str]) -> Verdict | None:
    """Two people who are named differently and share what families share."""
    apart = {"name-different", "sex-different", "birthday-other-year", "birthday-different"} & set(signs)
    if not one.name or not other.name or not apart:
        return None
    told = tuple(s for s in signs if s in apart)
    if "phone-same" in signs:
        return Verdict("family", "sure", ("family-phone", *told), SIGNS["phone-same"].weight)
    if "address-same" in signs and surname_of(one.name) == surname_of(other.name) != "":
        return Verdict("family", "weak", ("family-address", *told), SIGNS["address-same"].weight)
    return None


# --- phones ----------------------------------------------------------------------------------------------------------

MOBILE_DIGITS = 11


def phone_sign(one: Known, other: Known) -> str:
    """The best that their phones say: the same, a slip apart, fitting where one is masked, different, or nothing.

    >>> phone_sign(Known(phones=("13912345678",)), Known(phones=("13912354678",)))
    'phone-swapped'
    >>> phone_sign(Known(phones=("13912345678", "13700001111")), Known(phones=("13912345679",)))
    'phone-typo'
    """
    found = ""
    for a in one.phones:
        for b in other.phones:
            if a == b:
                return "phone-same"
            if is_swapped(a, b):
                found = "phone-swapped"
            elif is_typo(a, b):
                found = found or "phone-typo"
    if found:
        return found
    hidden = [(a, b) for a in one.masked for b in (*other.phones, *other.masked)]
    hidden += [(b, a) for b in other.masked for a in one.phones]
    if any(mask_fits(mask, b) for mask, b in hidden):
        return "phone-masked"
    return "phone-different" if one.phones and other.phones else ""


def is_typo(a: str, b: str) -> bool:
    """One digit of a mobile number typed wrongly.

    >>> is_typo("13912345678", "13912345679"), is_typo("13912345678", "13912345699")
    (True, False)
    """
    return len(a) == len(b) == MOBILE_DIGITS and sum(x != y for x, y in zip(a, b, strict=True)) == 1


def is_swapped(a: str, b: str) -> bool:
    """Two neighbouring digits in the wrong order.

    >>> is_swapped("13912345678", "13912354678"), is_swapped("13912345678", "13912345687"), is_swapped("12", "21")
    (True, True, False)
    """
    if len(a) != MOBILE_DIGITS or len(b) != MOBILE_DIGITS:
        return False
    differ = [i for i in range(MOBILE_DIGITS) if a[i] != b[i]]
    return (
        len(differ) == 2
        and differ[1] == differ[0] + 1
        and a[differ[0]] == b[differ[1]]
        and a[differ[1]] == b[differ[0]]
    )


MASKED_AT_LEAST = 6
"""Digits that a mask must show in both: the last four alone fit one stranger in ten thousand."""

_HIDDEN = re.compile(r"[*＊•xX×]")


def read_mask(text: str) -> str:
    """A masked mobile number in one form, eleven places with `*` for what is hidden; nothing where it can't be one.

    >>> read_mask("138****1234"), read_mask(" 138-xxxx-1234"), read_mask("+86 138••••1234"), read_mask("138**1234"), read_mask("13812341234")
    ('138****1234', '138****1234', '138****1234', '', '')
    """
    text = re.sub(r"[\s()\-.]", "", unicodedata.normalize("NFKC", text))
    text = _HIDDEN.sub("*", re.sub(r"^(\+|00)?86(?=1)", "", text))
    whole = re.fullmatch(r"1[\d*]{10}", text) is not None and "*" in text
    return text if whole and sum(c != "*" for c in text) >= MASKED_AT_LEAST else ""


def mask_fits(mask: str, phone: str) -> bool:
    """Whether a masked number may be this one (masked or not).

    >>> mask_fits("138****1234", "13800001234"), mask_fits("138****1234", "138****1234"), mask_fits("138****1234", "13800001235")
    (True, True, False)
    """
    if len(mask) != len(phone):
        return False
    seen = [(x, y) for x, y in zip(mask, phone, strict=True) if x != "*" and y != "*"]
    return len(seen) >= MASKED_AT_LEAST and all(x == y for x, y in seen)


def fold_number(number: str) -> str:
    """A member number or card in one form: half-width capitals, no marks, no zeros before it.

    >>> fold_number("ａb-0100"), fold_number("00123"), fold_number("000")
    ('AB0100', '123', '0')
    """
    folded = re.sub(r"[\s\-_.]+", "", unicodedata.normalize("NFKC", number)).upper()
    return folded.lstrip("0") or folded[:1]


# --- names, birthdays, addresses -------------------------------------------------------------------------------------

_TITLE = re.compile(r"(女士|先生|小姐|太太|阿姨|叔叔|师傅|老师|老板|经理|总|姐|哥|嫂|叔|姨|董)$")
_FAMILIAR = re.compile(r"^[小老阿](?=[\u3400-\u9fff]$)")


def bare(name: str) -> str:
    """A name without how one addresses her: what is left of 王女士 and 小王 is 王.

    >>> bare("王女士"), bare("小王"), bare("王小芳"), bare("老师")
    ('王', '王', '王小芳', '老师')
    """
    folded = plain(name)
    return _FAMILIAR.sub("", _TITLE.sub("", folded)) or folded


def name_sign(one: Known, other: Known) -> str:
    """How two names lie to each other; nothing where one is unknown.

    >>> def sign(a, b): return name_sign(Known(a), Known(b))
    >>> sign("王芳", "王芳"), sign("王芳", "王方"), sign("王小芳", "王芳"), sign("王女士", "王芳"), sign("王芳", "李芳")
    ('name-same', 'name-sound', 'name-similar', 'name-surname', 'name-different')
    """
    a, b = bare(one.name), bare(other.name)
    if not a or not b:
        return ""
    if a == b:
        if len(surname_of(a)) == len(a):  # 王女士 and 王女士
            return "name-surname"
        return "name-common" if max(one.namesakes, other.namesakes) > COMMON_AFTER else "name-same"
    if surname_of(a) and set(sounds(a)) & set(sounds(b)):
        return "name-sound"
    family, given_a, given_b = surname_of(a), a[len(surname_of(a)) :], b[len(surname_of(b)) :]
    if family != surname_of(b) or not family:
        return "name-different"
    if not given_a or not given_b:
        return "name-surname"
    return "name-similar" if _alike(given_a, given_b) else "name-different"


def _alike(a: str, b: str) -> bool:
    """Given names of which one is part of the other, once characters that sound alike count as one: 芳 and 小芳. Two
    names that only share a character (建国, 建军) are brothers."""
    short, long = sorted((sounds(a)[0].split(), sounds(b)[0].split()), key=len)
    return len(short) < len(long) and (short == long[: len(short)] or short == long[-len(short) :])


def birthday_sign(one: Known, other: Known) -> str:
    """What their birthdays say; a solar and a lunar one say nothing of each other.

    >>> def sign(a, b): return birthday_sign(Known(birthday=a), Known(birthday=b))
    >>> sign("solar 1990-05-06", "solar 1990-05-06"), sign("solar 1990-05-06", "solar --05-06")
    ('birthday-full', 'birthday-day')
    >>> sign("solar 1990-05-06", "solar 1962-05-06"), sign("solar 1990-05-06", "solar --05-07")
    ('birthday-other-year', 'birthday-different')
    >>> sign("solar 1990-05-06", "lunar --04-12")
    ''
    """
    if not one.birthday or not other.birthday:
        return ""
    (calendar, day), (other_calendar, other_day) = (b.split(" ", 1) for b in (one.birthday, other.birthday))
    if calendar != other_calendar:
        return ""
    year, month, of_month = day.rsplit("-", 2)
    other_year, *other_month_day = other_day.rsplit("-", 2)
    if [month, of_month] != other_month_day:
        return "birthday-different"
    if "-" in (year, other_year):
        return "birthday-day"
    return "birthday-full" if year == other_year else "birthday-other-year"


ADDRESS_AT_LEAST = 5
"""Characters of an address that name a door; “北京市” names a city."""


def fold_address(address: str) -> str:
    """An address in one form: no blanks or marks, half-width.

    >>> fold_address("解放路１号， 2 单元"), fold_address("北京市")
    ('解放路1号2单元', '')
    """
    folded = re.sub(r"[\s,，.。、;；:：\-—#()（）]+", "", unicodedata.normalize("NFKC", address)).lower()
    return folded if len(folded) >= ADDRESS_AT_LEAST and any(c.isdigit() for c in folded) else ""


def address_same(a: str, b: str) -> bool:
    """The same door; one may leave the province and the town out.

    >>> address_same("江城市解放路1号2单元", "解放路 1 号 2 单元"), address_same("解放路1号", "解放路11号")
    (True, False)
    """
    a, b = fold_address(a), fold_address(b)
    return bool(a and b) and (a.endswith(b) or b.endswith(a))
