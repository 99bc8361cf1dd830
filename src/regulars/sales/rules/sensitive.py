"""What the law calls sensitive, told by the header of a column or by a value: off until a shop switches it on."""

from __future__ import annotations

import re

from regulars.shop.words import Words

KINDS: dict[str, Words] = {
    "health": Words("健康：病史、诊断、用药、体检、孕期", "Health: history, diagnoses, medicines, check-ups, pregnancy"),
    "religion": Words("宗教和民族", "Religion and ethnic group"),
    "id": Words("证件号：身份证、护照、银行卡", "Numbers of documents: identity card, passport, bank card"),
    "minor": Words("不满 14 周岁的孩子", "Children under 14"),
}  # fmt: skip
"""The kinds that a shop can switch on (PIPL, articles 28 to 32). Allergies and things not eaten are not among them: they
are told so that nobody is harmed at the table, and stay with the service that they were told for."""

MINOR_BELOW = 14
"""Full years: PIPL, article 31."""

# 病历号 and 患者编号 are numbers that a clinic gives out, like a member number.
_HEADERS = (
    ("id", r"身份证|证件号|证件类型|护照|驾驶证|驾照|社保|银行卡|\b(?:id|identity)[ _]?card|national[ _]?id|passport|\bssn\b|bank[ _]?card"),
    ("religion", r"宗教|信仰|民族|religion|faith|ethnic"),
    ("health", r"病史|病情|病症|疾病|慢性病|既往史|诊断|用药|服药|处方|血型|体检|健康|怀孕|孕期|孕周|预产期|经期|月经|末次|手术史|残疾|抑郁|"
               r"health|disease|diagnos|medical|medication|pregnan|blood ?type|menstru"),
)  # fmt: skip
_PATTERNS = [(kind, re.compile(pattern)) for kind, pattern in _HEADERS]

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"


def kind_of(header: str) -> str:
    """The sensitive kind that a header or the key of a detail speaks of, or nothing.

    >>> [kind_of(h) for h in ("身份证号", "raw:既往病史", "民族", "病历号", "忌口", "ID", "id card no", "Blood type")]
    ['id', 'health', 'religion', '', '', '', 'id', 'health']
    """
    folded = header.removeprefix("raw:").strip().lower()
    return next((kind for kind, pattern in _PATTERNS if pattern.search(folded)), "")


def is_id_number(text: str) -> bool:
    """Whether a text is a Chinese identity number, by its check digit (GB 11643): it betrays itself under any header.

    >>> is_id_number("11010519491231002X"), is_id_number("110105194912310021"), is_id_number("13912345678")
    (True, False, False)
    """
    plain = text.strip().upper()
    if len(plain) != 18 or not plain[:17].isdigit() or not plain.isascii():
        return False
    return _CHECK[sum(int(d) * w for d, w in zip(plain, _WEIGHTS, strict=False)) % 11] == plain[17]
