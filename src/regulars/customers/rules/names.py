"""Under which words a person is found: her name, its sound, its initials."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

SURNAMES = {
    "单": "shan", "曾": "zeng", "仇": "qiu", "解": "xie", "区": "ou", "查": "zha", "朴": "piao", "任": "ren",
    "盖": "ge", "翟": "zhai", "缪": "miao", "冼": "xian", "尉迟": "yuchi", "万俟": "moqi", "长孙": "zhangsun",
    "华": "hua", "乐": "yue", "纪": "ji", "葛": "ge", "员": "yun", "召": "shao", "黑": "he", "盛": "sheng",
    "折": "she", "秘": "bi", "繁": "po", "洗": "xian", "种": "chong", "重": "chong", "曲": "qu", "宓": "mi",
    "牟": "mu", "晟": "cheng", "覃": "qin", "谌": "chen", "应": "ying", "燕": "yan", "宁": "ning", "逄": "pang",
}  # fmt: skip
"""Surnames that sound otherwise than the character usually does. Both readings are indexed: some families differ."""

CHINESE = re.compile(r"[\u3400-\u9fff\U00020000-\U0002fa1f]")


def plain(text: str) -> str:
    """Folded for search: full-width to half-width, lower case, no spaces or dots between the parts.

    >>> plain("Ａnn　O·Neil")
    'annoneil'
    """
    return re.sub(r"[\s·•.\-']+", "", unicodedata.normalize("NFKC", text)).lower()


@lru_cache(maxsize=200_000)
def search_words(name: str) -> tuple[str, ...]:
    """The words under which a name is found: the name, the given name alone, its sound and its initials.

    >>> search_words("单小明")
    ('单小明', '小明', 'shanxiaoming', 'sxm', 'danxiaoming', 'dxm')
    >>> search_words("Ann Lee")
    ('annlee', 'lee', 'al')
    """
    folded = plain(name)[:60]
    if not folded:
        return ()
    if not CHINESE.search(folded):
        parts = [p for p in re.split(r"[\s·•.\-]+", unicodedata.normalize("NFKC", name).lower()) if p]
        initials = "".join(p[0] for p in parts) if len(parts) > 1 else ""
        return tuple(dict.fromkeys(w for w in (folded, *parts[1:], initials) if w))
    from pypinyin import lazy_pinyin  # its dictionary takes long to load, and many commands ask for no name

    surname = folded[:2] if folded[:2] in SURNAMES else folded[0]
    rest = folded[len(surname) :]
    words = [folded, rest if len(rest) > 1 else ""]
    readings = [SURNAMES[surname]] if surname in SURNAMES else []
    readings.append("".join(lazy_pinyin(surname)))
    given = lazy_pinyin(rest)
    for reading in dict.fromkeys(readings):
        words += [reading + "".join(given), reading[:1] + "".join(s[:1] for s in given)]
    return tuple(dict.fromkeys(w for w in words if w))
