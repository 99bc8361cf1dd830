"""Docs are tested: what the product has, the docs name; what they link to is there."""

from __future__ import annotations

import re
from functools import cache

import click
import pytest
import typer
from tests.contracts.tree import PACKAGE, ROOT


@cache
def docs() -> str:
    return "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "docs").rglob("*.md")))


def missing(names: list[str]) -> list[str]:
    """The names that stand nowhere in the docs as a word of their own."""
    return [name for name in names if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", docs())]


def test_every_fact_stands_in_the_docs() -> None:
    from regulars.facts import catalogue

    keys = [fact.key for fact in catalogue]
    assert keys
    assert missing(keys) == []


def test_every_playbook_stands_in_the_docs() -> None:
    keys = [path.stem for path in sorted((PACKAGE / "playbooks" / "library").glob("*.toml"))]
    assert keys
    assert missing(keys) == []


def test_every_command_stands_in_the_docs() -> None:
    from regulars import cli

    program = next(value for value in vars(cli).values() if isinstance(value, typer.Typer))
    commands = command_names(typer.main.get_command(program))
    assert commands
    assert missing(commands) == []


def command_names(command: click.Command, before: str = "regulars") -> list[str]:
    """`regulars import`, `regulars playbooks list`, … as a person types them."""
    inner = getattr(command, "commands", None)
    if not inner:
        return [before]
    return [name for key in inner for name in command_names(inner[key], f"{before} {key}")]


def test_every_setting_stands_in_the_docs() -> None:
    from regulars.shop.home import SETTINGS

    assert missing([f"REGULARS_{name.upper()}" for name in SETTINGS]) == []


PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_between_pages_lead_somewhere(page) -> None:  # type: ignore[no-untyped-def]
    links = re.findall(r"\]\((?!\w+:|#)([^)#\s]+)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
