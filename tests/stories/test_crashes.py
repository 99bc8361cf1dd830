"""Processes that die in the middle of an import or an undo, and two that import at once."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.shops import as_csv

SERVER = """
import json, os, signal, sys, tempfile, traceback
sys.path.insert(0, {root!r})
import django
django.setup()
from pathlib import Path
from django.core.management import call_command
from regulars import daily
from regulars.sales.models import Batch, Sale
from regulars.shop import bulk, turns
from tests import shops

bulk.CHUNK, bulk.IN_LIST = 7, 5  # many short steps, so that there are many places to die

def dies_after(n):
    "Kill this process, as hard as can be, at its n-th commit."
    from django.db import connections
    kind, left = type(connections["default"]), [n]
    inner = kind._commit
    def commit(self):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return inner(self)
    kind._commit = commit

def counting():
    "How many commits this process has made since, in a list of one."
    from django.db import connections
    kind, made = type(connections["default"]), [0]
    inner = kind._commit
    def commit(self):
        made[0] += 1
        return inner(self)
    kind._commit = commit
    return made

def child(program, out):
    os.dup2(out, 1)
    os.dup2(out, 2)
    code = 0
    try:
        exec(program, globals())
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)

for line in sys.stdin:
    running = []
    for program in json.loads(line):
        file = tempfile.TemporaryFile("w+")
        running.append((os.fork() or child(program, file.fileno()), file))
    answers = []
    for pid, file in running:
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        file.seek(0)
        answers.append([code, file.read()])
    print(json.dumps(answers), flush=True)
"""

HEAD = """
call_command("migrate", verbosity=0)
from regulars.shop.models import Business, Store
Business.objects.create(name="老地方", trade="hotpot"); Store.objects.create(name="总店")
"""

SHOWS = "print(json.dumps([shops.known(), Batch.objects.filter(state='complete').count(), shops.days_in_books()], default=str))"


class Machine:
    """A shop in a folder, and processes that work on it: each a fork of one that has read the program already."""

    def __init__(self, home: Path, database: str) -> None:
        surroundings = {
            **os.environ,
            "REGULARS_HOME": str(home),
            "DJANGO_SETTINGS_MODULE": "regulars.web.settings",
        }
        surroundings.pop("REGULARS_DATABASE", None)
        if database:
            surroundings["REGULARS_DATABASE"] = database
        self.server = subprocess.Popen(
            [sys.executable, "-c", SERVER.format(root=str(Path(__file__).parents[2]))], env=surroundings, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.run(HEAD)

    def together(self, *programs: str) -> list[tuple[int, str]]:
        """Exit code and what was said of processes that start at the same time."""
        assert self.server.stdin and self.server.stdout
        self.server.stdin.write(json.dumps([textwrap.dedent(p) for p in programs]) + "\n")
        self.server.stdin.flush()
        return [(code, said) for code, said in json.loads(self.server.stdout.readline())]

    def run(self, program: str) -> str:
        """The last line that a program prints."""
        ((code, said),) = self.together(program)
        assert code == 0, said
        return said.splitlines()[-1] if said else ""

    def dies(self, program: str, at: int) -> bool:
        """Whether the program was killed at its commit number `at` (else it had come to its end before)."""
        ((code, said),) = self.together(f"dies_after({at})\n{program}")
        assert code in (0, -9), said
        return code == -9

    def commits(self, program: str) -> int:
        """How many commits the program makes."""
        return int(self.run(f"made = counting()\n{program}\nprint(made[0])"))

    def close(self) -> None:
        assert self.server.stdin
        self.server.stdin.close()
        self.server.wait()


@pytest.fixture
def machine(db: None, tmp_path: Path, store_kind: str, request: pytest.FixtureRequest) -> Iterator[Machine]:
    """A new shop on the store under test."""
    if store_kind != "postgres":
        here = Machine(tmp_path / "shop", "")
        yield here
        here.close()
        return
    import psycopg

    address = request.getfixturevalue("postgres_url")
    name = f"shop_{os.getpid()}_{abs(hash(str(tmp_path))) % 10**8}"
    with psycopg.connect(address, autocommit=True) as link:
        link.execute(f"CREATE DATABASE {name}")
    head, _, query = address.partition("?")
    here = Machine(tmp_path / "shop", f"{head.rpartition('/')[0]}/{name}" + (f"?{query}" if query else ""))
    yield here
    here.close()
    with psycopg.connect(address, autocommit=True) as link:
        link.execute(f"DROP DATABASE {name} WITH (FORCE)")


def till(folder: Path, name: str, first: int, n: int = 30) -> Path:
    rows = [
        {
            "订单号": f"A{k}", "结账时间": f"2026-05-{k % 28 + 1:02d} 12:00:00", "会员号": f"10{k % 9:02d}",
            "手机号": f"139123456{k % 11:02d}", "姓名": f"王{'芳燕丽'[k % 3]}", "实收金额": k + 1, "备注": "怕辣", "菜品名称": "毛肚",
        }
        for k in range(first, first + n)
    ]  # fmt: skip
    path = folder / name
    path.write_text(as_csv(rows), "utf-8")
    return path


def survive(machine: Machine, tmp_path: Path, kills: int, chance: random.Random) -> int:
    """Kill imports and undos at random commits; after each the shop is whole and as if that had never happened."""
    kept, other = till(tmp_path, "kept.csv", 0), till(tmp_path, "other.csv", 20)
    take_kept, take_other = (f"daily.take_in([Path({str(p)!r})])\n" for p in (kept, other))
    machine.run(take_kept)
    without = machine.run(SHOWS)
    undo = "daily.undo(Batch.objects.filter(state='complete').latest('id'))\n"
    steps, steps_back = machine.commits(take_other), machine.commits(undo)
    died = 0
    for _ in range(kills):
        died += machine.dies(take_other, chance.randint(1, steps))
        # The next command clears or keeps it, nothing in between; then it is taken back, and dies at that too.
        machine.run(take_other + "shops.must_be_whole()")
        died += machine.dies(undo, chance.randint(1, steps_back))
        machine.run("with turns.turn(): daily.mend()")
        machine.run(
            "if Batch.objects.filter(state='complete').count() > 1: "
            + undo
            + "shops.must_be_whole()\ndaily.redraw()"
        )
        assert machine.run(SHOWS) == without
    return died


def test_a_process_killed_in_the_middle_leaves_nothing_or_what_the_next_goes_on_with(
    machine: Machine, tmp_path: Path
) -> None:
    assert survive(machine, tmp_path, kills=2, chance=random.Random(7)) > 0


@pytest.mark.long
def test_a_hundred_kills(machine: Machine, tmp_path: Path) -> None:
    assert survive(machine, tmp_path, kills=50, chance=random.Random(2026)) > 80


def test_two_imports_at_once_double_nothing(machine: Machine, tmp_path: Path) -> None:
    """Both start together: the second waits for the first, and clears away nothing of it."""
    one, two = till(tmp_path, "one.csv", 0), till(tmp_path, "two.csv", 10)
    ended = machine.together(*(f"daily.take_in([Path({str(path)!r})])" for path in (one, two)))
    assert [code for code, _ in ended] == [0, 0], ended
    machine.run("shops.must_be_whole()")
    assert machine.run("print(Sale.objects.count(), len(shops.amounts()))") == "40 40"


def test_an_import_that_cant_wait_any_longer_says_so(machine: Machine, tmp_path: Path) -> None:
    path = till(tmp_path, "one.csv", 0)
    said = machine.run(f"""
        import threading
        from regulars.shop.words import Refused
        turns.PATIENCE = 0
        with turns.turn():
            found = []
            def other():
                try:
                    daily.take_in([Path({str(path)!r})])
                except Refused as refused:
                    found.append(refused.words.en)
            thread = threading.Thread(target=other); thread.start(); thread.join()
        print(found[0], Batch.objects.count())
    """)
    assert said.startswith("Another import or grading is still at work") and said.endswith(" 0")
