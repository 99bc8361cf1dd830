"""Somebody steals the whole folder of a shop, without its key: what does she read?

`python benchmarks/stolen_folder.py [people]` makes a shop in a folder of its own, brings known phones, ID numbers,
e-mail addresses, addresses and notes in by every way there is (1,000 people unless said otherwise), changes the key,
makes a backup into the folder, and then looks for every one of them in every byte of every file, as UTF-8, UTF-16,
GB18030, escaped and as hexadecimal digits, in Parquet also unpacked. Exit 0: none found. It proves first that it finds what does stand in clear.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from urllib.parse import quote

import numpy as np

SPELLINGS: tuple[Callable[[str], bytes], ...] = (
    lambda text: text.encode(),
    lambda text: text.encode("utf-16-le"),
    lambda text: text.encode("utf-16-be"),
    lambda text: text.encode("gb18030"),
    lambda text: json.dumps(text)[1:-1].encode(),
    lambda text: quote(text).encode(),
    lambda text: text.encode().hex().encode(),
)
"""How a text may stand in a file: encoded, escaped in JSON or in an address, as hexadecimal digits."""

ON = date(2026, 5, 20)


class Secrets:
    """Values that nobody else has, and by which way each came in."""

    def __init__(self, people: int) -> None:
        self.people = people
        self.way_of: dict[str, str] = {}
        self._n = 10_000

    def _new(self, way: str, text: str) -> str:
        self.way_of[text] = way
        return text

    def _next(self) -> int:
        self._n += 7
        return self._n

    def phone(self, way: str) -> str:
        return self._new(way, f"1{(3, 5, 8)[self._n % 3]}9{self._next() * 4099 % 10**8:08d}")

    def address(self, way: str) -> str:
        return self._new(way, f"幸福里{self._next()}弄{self._n % 97}号")

    def note(self, way: str) -> str:
        return self._new(way, f"过敏花生第{self._next()}条勿忘")

    def mail(self, way: str) -> str:
        return self._new(way, f"guest.{self._next()}@example.cn")

    def id_number(self, way: str) -> str:
        return self._new(
            way, f"110101{1960 + self._n % 40}0{1 + self._n % 9}1{self._n % 10}{self._next() % 1000:03d}X"
        )


def fill(home: Path, secrets: Secrets) -> None:
    """A shop into which known people came by every way."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    from regulars import daily
    from regulars.care.actions import end
    from regulars.care.models import Task, TaskState
    from regulars.customers import actions as customers
    from regulars.customers import filing, rights
    from regulars.grading.actions import adopt
    from regulars.shop import readings
    from regulars.shop.actions import found_business, make_token
    from regulars.shop.models import Outgoing, audit
    from regulars.shop.words import Refused
    from regulars.web import uploads

    n, some = secrets.people, max(secrets.people // 10, 5)
    _, owner = found_business(
        name="老地方",
        trade="hotpot",
        owner_email="lin@example.com",
        owner_name="林老板",
        password="Regenbogen-im-Mai",
    )
    with tempfile.TemporaryDirectory() as outside:

        def file(name: str, lines: list[str], encoding: str = "utf-8") -> Path:
            path = Path(outside) / name
            path.write_text("\n".join(lines), encoding)
            return path

        sales = [
            f"2026-05-{k % 19 + 1:02d} 12:00:00,{secrets.phone('sales file')},{k % 300 + 20},"
            f"宴请{secrets.phone('occasion')},{secrets.note('note of a receipt')},雅间{secrets.phone('dish')}"
            for k in range(n)
        ]
        head = "结账时间,手机号,实收金额,就餐类型,整单备注,菜品名称"
        daily.take_in([file(f"王女士{secrets.phone('file name')}.csv", [head, *sales])], by=owner)
        listed = [
            f"V{k:05d},{secrets.phone('customer list')},顾客{secrets.phone('name')},{secrets.address('customer list')},"
            f"{secrets.mail('customer list')},{secrets.note('customer list')},{secrets.id_number('customer list')}"
            for k in range(n)
        ]
        head = "会员号,手机号,姓名,地址,邮箱,备注,身份证号"
        daily.take_in([file("名单.csv", [head, *listed], "gb18030")], by=owner)
        bad = [
            f"2026-05-01 12:00,{secrets.phone('refused row')},多少钱{secrets.note('refused row')}"
            for _ in range(n)
        ]
        good = f"2026-05-19 12:00,{secrets.phone('sales file')},9"
        daily.take_in([file("坏.csv", ["结账时间,手机号,实收金额", *bad, good])], by=owner)
        with contextlib.suppress(Refused):  # nobody has said what its columns are
            only = [
                f"{secrets.phone('file without headers')},{secrets.address('file without headers')}"
                for _ in range(some)
            ]
            daily.take_in([file("无表头.csv", only)], by=owner)
    waiting = [f"{secrets.phone('waiting upload')},{secrets.address('waiting upload')}" for _ in range(n)]
    upload = SimpleUploadedFile(
        f"{secrets.phone('waiting upload')}.csv", "\n".join(["甲,乙", *waiting]).encode()
    )
    known = uploads.known_of(uploads.keep([upload], by=owner))
    assert known
    uploads.look(known)
    for k in range(some):
        her = customers.add_customer(name=f"手写一号顾客{k}", phone=secrets.phone("by hand"), by=owner)
        customers.add_note(her, secrets.note("note"), on=ON, by=owner)
        customers.say_detail(her, "address", secrets.address("by hand"), by=owner)
        customers.say_detail(her, "note", secrets.note("by hand"), by=owner)
        Outgoing.objects.create(
            key=f"m{k}",
            person=her.id,
            channel="sms",
            purpose="care",
            to=secrets.phone("outbox"),
            text=secrets.note("outbox"),
        )
        filing.add_relative(
            her, "child", "小满", phone=secrets.phone("relative"), note=secrets.note("relative"), by=owner
        )
        filing.note_visit(her, ON, companions=secrets.note("visit"), feedback=secrets.note("visit"), by=owner)
        picture = b"\x89PNG\r\n\x1a\n" + secrets.note("attachment").encode()
        filing.attach_file(her, f"{secrets.phone('attachment')}.png", picture, on=ON, by=owner)
        said = f"{secrets.phone('reading')} {secrets.note('reading')}"
        readings.read(owner, her.id, "phone", reason="other", said=said, on=ON, listed=True)
        rights.open_request(her, "correction", on=ON, checked="known", said=secrets.note("request"), by=owner)
        audit("look", f"customer {her.id}", by=owner, why=f"来电 {secrets.phone('reason')} {secrets.note('reason')}",
              detail={"said": f"打 {secrets.phone('detail of a line')}"})  # fmt: skip
    adopt("restaurant", by=owner)
    daily.run_day(ON)
    ways = (TaskState.DONE, TaskState.NOT_WANTED, TaskState.NOT_REACHED)
    tasks = list(Task.objects.filter(state=TaskState.OPEN)[:some])
    assert len(tasks) > 3, "the day has no tasks"
    for k, task in enumerate(tasks):
        end(task, ways[k % 3], by=owner, on=ON, note=secrets.note("task"))

    with (home / "serve.log").open("a", encoding="utf-8") as stream:
        handler = logging.root.handlers[0]
        assert isinstance(handler, logging.StreamHandler)
        before = handler.setStream(stream)
        for _ in range(some):
            logging.getLogger("regulars").error(
                "can't reach %s at %s", secrets.phone("log"), secrets.mail("log")
            )
            said = f"{secrets.phone('exception')} {secrets.address('exception')}"
            try:
                int(said)
            except ValueError:
                logging.getLogger("regulars").exception("could not read")
        handler.setStream(before or sys.stderr)
        make_token(owner, "屏幕", by=owner)


def stolen(home: Path, key: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of the folder but the key, as its bytes; Parquet also as what is in it."""
    import pyarrow.parquet as pq

    for path in sorted(p for p in home.rglob("*") if p.is_file() and p != key):
        yield str(path.relative_to(home)), path.read_bytes()
        if path.suffix == ".parquet":
            yield f"{path.relative_to(home)} (unpacked)", str(pq.read_table(path).to_pydict()).encode()


class Thief:
    """Looks for all values at once: each begins with eight bytes that are compared at every place; where they agree the
    whole is compared."""

    def __init__(self, ways: dict[str, str]) -> None:
        self.ways = ways
        self.starts: dict[int, list[tuple[bytes, str]]] = {}
        for secret in ways:
            for spelled in {spelling(secret) for spelling in SPELLINGS}:
                self.starts.setdefault(int.from_bytes(spelled[:8], "little"), []).append((spelled, secret))
        self.wanted = np.array(sorted(self.starts), dtype="uint64")

    def reads(self, data: bytes) -> set[str]:
        """Which of the values stand in these bytes."""
        found: set[str] = set()
        for shift in range(8):
            windows = np.frombuffer(data[shift : shift + (len(data) - shift) // 8 * 8], dtype="<u8")
            place = np.searchsorted(self.wanted, windows).clip(max=len(self.wanted) - 1)
            for k in np.flatnonzero(self.wanted[place] == windows):
                at = int(k) * 8 + shift
                found |= {s for spelled, s in self.starts[int(windows[k])] if data.startswith(spelled, at)}
        return found

    def looks_through(self, home: Path, key: Path) -> dict[str, list[str]]:
        """File → the ways by which the values came that stand in it in clear."""
        seen: dict[str, list[str]] = {}
        for name, data in stolen(home, key):
            if found := self.reads(data):
                seen[name] = sorted({self.ways[s] for s in found})
        return seen

    def must_be_able_to_find(self) -> None:
        """A look that can't find anything proves nothing."""
        for secret in list(self.ways)[:: max(len(self.ways) // 50, 1)]:
            for spelling in SPELLINGS:
                for before in (b"", b"\x00\x7f\x01"):
                    assert self.reads(before + spelling(secret) + b"\xff" * 9) == {secret}


def main(people: int, say: Callable[[str], object] = print) -> int:
    with tempfile.TemporaryDirectory(prefix="regulars-stolen-") as folder:
        home = Path(folder) / "shop"
        os.environ["REGULARS_HOME"] = str(home)
        os.environ["DJANGO_SETTINGS_MODULE"] = "regulars.web.settings"
        for name in ("REGULARS_DATABASE", "REGULARS_KEY_FILE"):
            os.environ.pop(name, None)
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connections

        call_command("migrate", verbosity=0)
        from regulars.shop.backup import write_backup
        from regulars.shop.rotation import rotate

        secrets = Secrets(people)
        fill(home, secrets)
        written = write_backup(home / "before.backup")
        assert written.key_file
        written.key_file.unlink()  # the two are kept apart
        with contextlib.redirect_stderr(io.StringIO()):
            rotate()
        write_backup(home / "after.backup", with_key=False)
        files = sum(1 for _ in stolen(home, home / "key"))
        thief = Thief(secrets.way_of)
        thief.must_be_able_to_find()
        names = Thief({"手写一号顾客1": "a name"}).looks_through(home, home / "key")
        assert any(file.startswith("regulars.sqlite3") for file in names), "names do stand in clear"
        seen = thief.looks_through(home, home / "key")
        connections.close_all()  # what the write-ahead log held now stands in the file itself
        seen |= thief.looks_through(home, home / "key")
    ways = sorted(set(secrets.way_of.values()))
    say(
        json.dumps(
            {"secrets": len(secrets.way_of), "ways": ways, "files": files, "found": seen}, ensure_ascii=False
        )
    )
    return 1 if seen else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000))
