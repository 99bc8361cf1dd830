"""What every table of a playbook is made of: words in both languages, keys, whole numbers, nothing unknown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator, WithJsonSchema

from regulars.playbooks.conditions import Wrong
from regulars.playbooks.problems import Place, did_you_mean
from regulars.shop.words import Words


def _words(written: Any) -> Words:
    if isinstance(written, Words):
        return written
    if not isinstance(written, Mapping):
        raise Wrong(
            Words(
                '要写中英文两句：{ zh = "…", en = "…" }',
                'Both languages are needed: { zh = "…", en = "…" }',
            )
        )
    for lang in ("zh", "en"):
        if not isinstance(written.get(lang), str) or not written[lang].strip():
            missing = {"zh": Words("中文（zh）", "Chinese (zh)"), "en": Words("英文（en）", "English (en)")}[
                lang
            ]
            raise Wrong(Words(f"缺{missing.zh}", f"The {missing.en} is missing"))
    if extra := set(written) - {"zh", "en"}:
        raise did_wrong(sorted(extra)[0], ("zh", "en"), "没有这种语言", "No such language")
    return Words(written["zh"], written["en"])


def did_wrong(word: str, allowed: tuple[str, ...], zh: str, en: str, at: Place = ()) -> Wrong:
    """A wrong word with the nearest right one."""
    return Wrong(did_you_mean(word, allowed, f"{zh}：{word}", f"{en}: {word}"), word, at)


Bilingual = Annotated[
    Words,
    PlainValidator(_words),
    PlainSerializer(lambda words: {"zh": words.zh, "en": words.en}),
    WithJsonSchema(
        {
            "type": "object",
            "properties": {
                "zh": {"type": "string", "minLength": 1},
                "en": {"type": "string", "minLength": 1},
            },
            "required": ["zh", "en"],
            "additionalProperties": False,
        }
    ),
]
Key = Annotated[str, Field(strict=True, pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
Count = Annotated[int, Field(strict=True, ge=0)]
Positive = Annotated[int, Field(strict=True, ge=1)]


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)
