"""Files that were made to hurt: none takes the house down, and each gets an answer that says what to do."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from tests.web.conftest import House

from regulars.sales.readers import files
from regulars.sales.readers.files import open_file
from regulars.shop.home import Home
from regulars.shop.words import Refused
from regulars.web import uploads

ROWS = "会员号,消费时间,实收金额\nM1,2026-05-01 12:00,10\n"


def book(path: Path, change: Callable[[str, bytes], bytes]) -> Path:
    """A small workbook with some of its parts changed."""
    sink = io.BytesIO()
    made = openpyxl.Workbook()
    for row in (["会员号", "消费时间", "实收金额"], ["M1", "2026-05-01 12:00", 10]):
        made.active.append(row)
    made.save(sink)
    with zipfile.ZipFile(sink) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            new.writestr(member.filename, change(member.filename, old.read(member)))
    return path


def in_sheet(old: bytes, new: bytes) -> Callable[[str, bytes], bytes]:
    return lambda name, data: data.replace(old, new) if name.endswith("sheet1.xml") else data


def test_the_book_that_is_changed_here_is_fine_without_the_change(tmp_path: Path) -> None:
    (sheet,) = open_file(book(tmp_path / "a.xlsx", lambda name, data: data))
    assert sheet.table.num_rows == 1


@pytest.mark.parametrize(
    "cells",
    [
        b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        b"<row><c r='xfd1048576'><v>1</v></c></row>",
        b'<row><c r = "A1048576"><v>1</v></c></row><row><c r="AAA3"><v>1</v></c></row>',
    ],
)
def test_one_cell_in_the_last_corner_does_not_take_all_memory(tmp_path: Path, cells: bytes) -> None:
    """The reader would ask for 400 GB, and the process would be gone."""
    path = book(tmp_path / "far.xlsx", in_sheet(b"</sheetData>", cells + b"</sheetData>"))
    with pytest.raises(Refused, match="far away"):
        open_file(path)


def test_a_wide_sheet_with_few_rows_and_a_long_one_with_few_columns_are_read(tmp_path: Path) -> None:
    wide = b'<row r="3"><c r="ZZ3"><v>1</v></c></row></sheetData>'
    long = b'<row r="90000"><c r="A90000"><v>1</v></c></row></sheetData>'
    for extra in (wide, long):
        assert open_file(book(tmp_path / "b.xlsx", in_sheet(b"</sheetData>", extra)))


def test_a_part_that_lies_about_its_length_is_refused_before_the_reader_unpacks_it(tmp_path: Path) -> None:
    path = book(tmp_path / "lie.xlsx", in_sheet(b"</sheetData>", b"</sheetData>" + b" " * 20_000_000))
    with zipfile.ZipFile(path) as archive:
        (size,) = [m.file_size for m in archive.infolist() if m.filename.endswith("sheet1.xml")]
    data = path.read_bytes()
    assert data.count(struct.pack("<I", size)) == 2
    path.write_bytes(data.replace(struct.pack("<I", size), struct.pack("<I", 2000)))
    with pytest.raises(Refused, match="damaged"):
        open_file(path)


def test_entities_that_grow_are_not_grown(tmp_path: Path) -> None:
    laughs = b'<!ENTITY a "ha">' + b"".join(
        b'<!ENTITY %c "%s">' % (98 + k, (b"&%c;" % (97 + k)) * 50) for k in range(8)
    )

    def laughing(name: str, data: bytes) -> bytes:
        if not name.endswith("sheet1.xml"):
            return data
        start = data.index(b"<worksheet")
        declared = data[:start] + b"<!DOCTYPE x [" + laughs + b"]>" + data[start:]
        return declared.replace(b"<v>10</v>", b"<v>&i;</v>")

    path = book(tmp_path / "laugh.xlsx", laughing)
    with zipfile.ZipFile(path) as archive:
        assert b"<v>&i;</v>" in archive.read("xl/worksheets/sheet1.xml")
    try:
        sheets = open_file(path)
    except Refused:
        sheets = []
    assert len(repr([s.table.to_pydict() for s in sheets])) < 1000


def test_entities_that_name_a_file_of_ours_bring_nothing_of_it(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("nobody reads this")

    def outside(name: str, data: bytes) -> bytes:
        if not name.endswith("sharedStrings.xml"):
            return data
        start = data.index(b"<sst")
        entity = f'<!DOCTYPE x [<!ENTITY f SYSTEM "file://{secret}">]>'.encode()
        return data[:start] + entity + data[start:].replace(b"M1", b"&f;")

    try:
        sheets = open_file(book(tmp_path / "outside.xlsx", outside))
    except Refused:
        sheets = []
    assert "nobody reads this" not in repr([s.table.to_pydict() for s in sheets])


def test_an_archive_that_holds_itself_comes_to_an_end(tmp_path: Path) -> None:
    data = ROWS.encode()
    for _ in range(2000):
        data = gzip.compress(data, 0)
    path = tmp_path / "matryoshka.csv"
    path.write_bytes(data)
    with pytest.raises(Refused, match="archive inside an archive"):
        open_file(path)
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a.csv", ROWS)
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("a.csv", inner.getvalue())
    with pytest.raises(Refused, match="archive inside an archive"):
        open_file(tmp_path / "z.zip")


@pytest.mark.parametrize("ending", ["gz", "zip"])
def test_a_bomb_is_put_down_while_it_unpacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr(files, "_HARMLESS", 1_000_000)
    path = tmp_path / f"bomb.{ending}"
    many = ROWS.encode() + b"M1,2026-05-01 12:00,10\n" * 400_000
    if ending == "gz":
        path.write_bytes(gzip.compress(many))
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.csv", many)
    with pytest.raises(Refused, match="unpacks to more"):
        open_file(path)
    monkeypatch.undo()
    assert open_file(path)[0].table.num_rows == 400_001, "and what only looks like one is read"


def test_a_column_of_one_word_said_a_thousand_million_times_is_not_spelled_out(tmp_path: Path) -> None:
    same = pa.DictionaryArray.from_arrays(pa.array([0] * 3_000_000, pa.int32()), ["y" * 50])
    pq.write_table(pa.table({"会员号": same, "实收金额": same}), tmp_path / "p.csv")
    assert (tmp_path / "p.csv").stat().st_size < 200_000
    with pytest.raises(Refused, match="unpacks to more"):
        open_file(tmp_path / "p.csv")


def test_links_and_paths_in_archives_lead_nowhere(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("../../../outside.csv", ROWS)
    (sheet,) = open_file(tmp_path / "a.zip")
    assert sheet.file == "outside.csv"
    assert not list(tmp_path.parent.glob("outside.csv"))
    link = zipfile.ZipInfo("link.csv")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(Refused):
        open_file(tmp_path / "b.zip")


@pytest.mark.parametrize(
    "name",
    ["../../../../tmp/evil.csv", "..\\..\\evil.csv", "/etc/cron.d/evil.csv", "C:\\evil.csv", "a\0b.csv", ".csv", "…/../x.csv", "n" * 400 + ".csv"],
)  # fmt: skip
def test_whatever_a_file_is_called_it_stays_in_its_place(house: House, name: str) -> None:
    before = {p for p in Home.find().folder.parent.rglob("*") if p.is_file()}
    upload = uploads.keep([SimpleUploadedFile("x.csv", ROWS.encode())])
    known = uploads.known_of(upload)
    assert known
    known.names = [uploads.safe_name(name)]
    uploads.look(known)
    new = {p for p in Home.find().folder.parent.rglob("*") if p.is_file()} - before
    assert new and all(p.parent == Home.find().uploads and p.suffix == ".sealed" for p in new), new
    assert len(known.names[0].encode()) < 500


@pytest.mark.parametrize("upload", ["../../key", "..", "0" * 15, "0" * 17, "%2e%2e", "0123456789ABCDEF"])
def test_an_upload_is_found_by_its_own_name_only(house: House, upload: str) -> None:
    assert uploads.known_of(upload) is None


def test_what_was_made_to_hurt_gets_an_answer_on_the_page(house: House, tmp_path: Path) -> None:
    owner = house.browser("owner")
    far = book(
        tmp_path / "far.xlsx",
        in_sheet(b"</sheetData>", b'<row><c r="XFD1048576"><v>1</v></c></row></sheetData>'),
    )
    nested = gzip.compress(gzip.compress(ROWS.encode()))
    for name, data in (("far.xlsx", far.read_bytes()), ("nested.csv", nested), ("empty.csv", b""), ("noise.xlsx", b"PK\x03\x04 noise")):  # fmt: skip
        answer = owner.post("/sales/import/", {"files": SimpleUploadedFile(name, data)}, follow=True)
        assert answer.status_code < 500, name
        assert house.browser("owner").get("/sales/import/").status_code == 200
    assert not list(Home.find().uploads.glob("open-*")), "nothing lies about unsealed"
