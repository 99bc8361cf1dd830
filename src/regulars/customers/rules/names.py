"""Under which words a person is found: her name, its sound, its initials."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

SURNAMES = {
    "单": "shan", "曾": "zeng", "仇": "qiu", "解": "xie", "区": "ou", "查": "zha", "朴": "piao", "任": "ren",
    "盖": "ge", "翟": "zhai", "缪": "miao", "冼": "xian", "尉迟": "yu chi", "万俟": "mo qi", "长孙": "zhang sun", "澹台": "tan tai", "鲜于": "xian yu",
    "单于": "chan yu", "乐正": "yue zheng", "宰父": "zai fu", "令狐": "ling hu", "亓官": "qi guan", "夏侯": "xia hou",
    "华": "hua", "乐": "yue", "纪": "ji", "葛": "ge", "员": "yun", "召": "shao", "黑": "he", "盛": "sheng",
    "折": "she", "秘": "bi", "繁": "po", "洗": "xian", "种": "chong", "重": "chong", "曲": "qu", "宓": "mi",
    "牟": "mu", "晟": "cheng", "覃": "qin", "谌": "chen", "应": "ying", "燕": "yan", "宁": "ning", "逄": "pang",
}  # fmt: skip
"""Surnames that sound otherwise than the character usually does. Both readings are indexed: some families differ."""

COMPOUND = frozenset({
    *(s for s in SURNAMES if len(s) == 2),
    "欧阳", "太史", "端木", "上官", "司马", "东方", "独孤", "南宫", "闻人", "诸葛", "公羊", "赫连", "皇甫", "宗政", "濮阳", "公冶",
    "太叔", "申屠", "公孙", "慕容", "仲孙", "钟离", "宇文", "司徒", "司空", "闾丘", "子车", "司寇", "巫马", "公西", "颛孙", "壤驷",
    "公良", "漆雕", "谷梁", "拓跋", "夹谷", "轩辕", "段干", "百里", "呼延", "东郭", "南门", "羊舌", "微生", "梁丘", "左丘", "西门",
    "第五", "东里", "东宫", "仲长", "即墨", "达奚", "褚师", "纳兰", "完颜", "耶律", "叶赫", "贺兰", "贺若", "长孙", "淳于",
})  # fmt: skip
"""Surnames of two characters: the given name begins with the third."""

CHINESE = re.compile(r"[\u3400-\u9fff\U00020000-\U0002fa1f]")


SEPARATORS = r"\s·•・.\-"
QUOTES = r"'\u2018\u2019\u02bc\u00b4`"
MARKS = re.compile("[\u0300-\u036f]+")
LETTERS = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
)
"""Letters that are no letter with a mark, and what people type for them."""


def plain(text: str) -> str:
    """Folded for search: full-width to half-width, lower case, letters without their marks, nothing between the parts.

    >>> plain("Ａnn　O·Neil"), plain("O’Neil"), plain("Zoë Łukasz")
    ('annoneil', 'oneil', 'zoelukasz')
    """
    return re.sub(f"[{SEPARATORS}{QUOTES}]+", "", _folded(text))


def _folded(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).lower()
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", MARKS.sub("", unicodedata.normalize("NFD", text))).translate(LETTERS)


@lru_cache(maxsize=200_000)
def search_words(name: str) -> tuple[str, ...]:
    """The words under which a name is found: the name, the given name alone, their sound and the initials.

    >>> search_words("单小明")
    ('单小明', '小明', 'xiaoming', 'shanxiaoming', 'sxm', 'danxiaoming', 'dxm')
    >>> search_words("尉迟恭")[:3], search_words("欧阳修文")[1:]
    (('尉迟恭', 'yuchigong', 'ycg'), ('修文', 'xiuwen', 'ouyangxiuwen', 'oyxw'))
    >>> search_words("Ann O'Neil")
    ('annoneil', 'oneil', 'ao')
    """
    folded = plain(name)[:60]
    if not folded:
        return ()
    if not CHINESE.search(folded):
        parts = [p for part in re.split(f"[{SEPARATORS}]+", _folded(name)) if (p := plain(part))]
        initials = "".join(p[0] for p in parts) if len(parts) > 1 else ""
        return tuple(dict.fromkeys(w for w in (folded, *parts[1:], initials) if w))
    surname, readings, given = _read(folded)
    rest = folded[len(surname) :]
    words = [folded, rest, "".join(given)] if len(rest) > 1 else [folded]
    for reading in readings:
        sounds = [*reading, *given]
        words += ["".join(sounds), "".join(s[:1] for s in sounds)]
    return tuple(dict.fromkeys(w for w in words if w))


def _read(folded: str) -> tuple[str, list[list[str]], list[str]]:
    """A Chinese name as its surname, the surname's readings and the reading of the rest, syllable by syllable."""
    from pypinyin import lazy_pinyin  # its dictionary takes long to load, and many commands ask for no name

    surname = surname_of(folded)
    readings = [SURNAMES[surname].split()] if surname in SURNAMES else []
    return surname, [*readings, lazy_pinyin(surname)], lazy_pinyin(folded[len(surname) :])


def surname_of(name: str) -> str:
    """The surname of a Chinese name; nothing of any other.

    >>> surname_of("欧阳修"), surname_of("王芳"), surname_of("欧阳"), surname_of("Ann")
    ('欧阳', '王', '欧', '')
    """
    folded = plain(name)
    if not CHINESE.match(folded):
        return ""
    return folded[:2] if folded[:2] in COMPOUND and len(folded) > 2 else folded[0]


@lru_cache(maxsize=200_000)
def sounds(name: str) -> tuple[str, ...]:
    """How a whole name sounds, a syllable each, as far as an ear at the counter tells: 芳 and 方 are one, and so are zh
    and z, ng and n. More than one where the surname has several readings.

    >>> sounds("陈静"), sounds("程晶"), sounds("单小明"), sounds("Ann Lee")
    (('cen jin',), ('cen jin',), ('san xiao min', 'dan xiao min'), ('annlee',))
    """
    folded = plain(name)[:60]
    if not CHINESE.match(folded):
        return (folded,)
    _, readings, given = _read(folded)
    return tuple(dict.fromkeys(" ".join(map(_heard, [*reading, *given])) for reading in readings))


def _heard(syllable: str) -> str:
    for told, heard in (("zh", "z"), ("ch", "c"), ("sh", "s")):
        if syllable.startswith(told):
            syllable = heard + syllable[2:]
    return syllable.removesuffix("g") if syllable.endswith("ng") else syllable
