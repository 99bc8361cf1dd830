#!/usr/bin/env python3
"""Write the pages of the docs that the code itself can tell: facts, playbooks, commands, settings, the API.

    python docs/generate.py          writes them
    python docs/generate.py --check  says which are stale, and fails if any is

A test does the same check, so a fact without its page can't be committed.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "regulars.web.settings")

HERE = Path(__file__).resolve().parent
MADE = "<!-- 由 docs/generate.py 生成，不要手改。Made by docs/generate.py; do not edit. -->\n"


def facts() -> str:
    from regulars.facts import catalogue
    from regulars.playbooks.catalogue import UNITS

    stages = {"sales": ("流水里算出来的", "From sales"), "foresight": ("她自己的节奏", "Her own rhythm"),
              "customers": ("人知道的", "What people know")}  # fmt: skip
    out = [
        "# 事实 · Facts\n", MADE,
        "打法里能用的词。`…_in_30_days` 里的天数可以换：任意 1–3660 天，或若干个月（`_in_3_months`；12 个月是 365 天，"
        "其余每月 30 天）。窗口包含当天。**不知道的事实不满足任何条件**，连 `!=` 也不满足。\n",
        "The words that a playbook may use. Any window will do: `…_in_45_days`, `…_in_3_months` (12 months are 365 days, "
        "otherwise 30 days each). A window includes the day itself. **An unknown fact satisfies no condition**, not even `!=`.\n",
    ]  # fmt: skip
    for stage, (zh, en) in stages.items():
        out += [
            f"\n## {zh} · {en}\n",
            "| key | 中文 | English | 单位 unit | 定义 definition |",
            "| --- | --- | --- | --- | --- |",
        ]
        for fact in sorted((f for f in catalogue if f.stage == stage), key=lambda f: f.key):
            said = f"{fact.definition.zh}{fact.edges.zh}<br>{fact.definition.en} {fact.edges.en}".strip()
            unit = UNITS[fact.unit]
            choices = "".join(f"<br>`{k}` {w.zh} {w.en}" for k, w in fact.choices.items())
            out.append(
                f"| `{fact.key}` | {fact.name.zh} | {fact.name.en} | {unit.zh} {unit.en} | {said}{choices} |"
            )
    return "\n".join(out) + "\n"


def playbooks() -> str:
    import regulars.facts  # noqa: F401 - fills the catalogue
    from regulars.playbooks.playbook import VARIANTS, library, load

    out = [
        "# 打法 · Playbooks\n", MADE,
        "随产品带的 17 个打法，每个都念一遍。数字都能改，改法见[等级](guide/grades.md)。\n",
        "The 17 playbooks that ship, each read aloud. Every number can be changed: see [grades](guide/grades.md).\n",
    ]  # fmt: skip
    for key in [*library(), *VARIANTS]:
        book = load(key)
        out += [
            f"\n## `{key}` {book.name.zh} · {book.name.en}\n",
            *(f"> {line}" if line else ">" for line in book.say("zh").splitlines()), "",
            *(f"> {line}" if line else ">" for line in book.say("en").splitlines()), "",
            "Facts: " + ", ".join(f"`{f}`" for f in sorted(book.facts())),
        ]  # fmt: skip
    return "\n".join(out) + "\n"


def commands() -> str:
    import typer

    from regulars import cli
    from regulars.shop.home import SETTINGS

    out = [
        "# 命令 · Commands\n", MADE,
        "`--json` 只在标准输出印一个 JSON，其余的话都在标准错误。退出码：0 成功，1 检查没过，2 用法不对，3 输入用不了。\n",
        "`--json` prints one JSON value on standard output and nothing else; messages go to standard error. "
        "Exit: 0 done, 1 a check failed, 2 wrong use, 3 the input can't serve. The shapes: [contract](contract.md).\n",
    ]  # fmt: skip

    def walk(command: Any, name: str) -> None:
        if hasattr(command, "commands"):
            for key, inner in command.commands.items():
                walk(inner, f"{name} {key}")
            return
        arguments = [f"`{p.name.upper()}`" for p in command.params if p.param_type_name == "argument"]
        help_ = (
            "Django 自己的命令，给开发者用。Django's own commands, for developers."
            if command.hidden
            else command.help
        )
        out.extend([f"\n## {name}\n", f"{help_}\n"])
        if arguments:
            out.append(f"{' '.join(arguments)}\n")
        for p in command.params:
            if p.param_type_name == "option":
                out.append(f"- `{' '.join(p.opts)}` {p.help or ''}".rstrip())

    walk(typer.main.get_command(cli.app), "regulars")
    out += [
        "\n# 设置 · Settings\n",
        "店的数据都在一个文件夹里：环境变量 `REGULARS_HOME`，默认是自己主目录下的 `Regulars`。其余设置写成环境变量，或写进那个文件夹的 "
        "`settings.toml`（小写、不带前缀）。\n",
        "A shop's data are in one folder: `REGULARS_HOME`, by default `Regulars` in your own folder. Everything else is an "
        "environment variable, or a line in `settings.toml` in that folder (lower case, without the prefix).\n",
        *(f"- `REGULARS_{name.upper()}`: {said}" for name, said in SETTINGS.items()),
    ]  # fmt: skip
    return "\n".join(out) + "\n"


def schema() -> str:
    import regulars.facts  # noqa: F401
    from regulars.playbooks.schema import schema as made

    return json.dumps(made(), ensure_ascii=False, indent=2) + "\n"


def api() -> str:
    import django

    django.setup()
    from regulars.web.api import api as served

    described = json.loads(json.dumps(served.get_openapi_schema(path_prefix="/api/v1/"), default=str))
    out = [
        "# API\n", MADE,
        "给店里自己的程序用：和网页同样的权限，手机号打码。带上 `Authorization: Bearer 钥匙`，或者用登录后的 cookie（改东西时要 CSRF）。"
        "完整描述在 `/api/v1/openapi.json`（OpenAPI 3.1）。金额是元，日期是 ISO。\n",
        "For programs of the shop: the same rules as the pages, phones masked. A key is made in Settings, “Keys for programs” (设置 → 给程序的钥匙). Send `Authorization: Bearer KEY`, or use the "
        "cookie of a login (changes then need the CSRF token). The full description stands at `/api/v1/openapi.json` "
        "(OpenAPI 3.1). Money is in yuan, days are ISO dates.\n",
    ]  # fmt: skip
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            said = operation.get("description", "")
            answers = ", ".join(sorted(operation["responses"]))
            out += [f"\n## {method.upper()} {path}\n", f"{operation['summary']} {said}\n"]
            for p in operation.get("parameters", []):
                meaning = p.get("description") or p.get("schema", {}).get("description") or ""
                out.append(f"- `{p['name']}` ({p['in']}) {meaning}".rstrip())
            out.append(f"- 回答 answers: {answers}")
    return "\n".join(out) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "facts.md": facts, "playbooks.md": playbooks, "cli.md": commands, "playbook.schema.json": schema, "api.md": api,
}  # fmt: skip


def stale() -> list[str]:
    """Pages that do not say what the code says."""
    return [
        n for n, make in PAGES.items() if not (HERE / n).exists() or (HERE / n).read_text("utf-8") != make()
    ]


def main() -> int:
    if "--check" in sys.argv[1:]:
        old = stale()
        sys.stderr.write("".join(f"stale: docs/{name}\n" for name in old))
        return 1 if old else 0
    for name, make in PAGES.items():
        (HERE / name).write_text(make(), "utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
