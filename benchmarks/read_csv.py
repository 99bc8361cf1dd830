"""How long reading a till's file takes beside the engine's own CSV parser.

`python benchmarks/read_csv.py [rows]` writes a file of receipts (7 columns) in UTF-8 and in GB18030 into a
temporary folder and reads it, turn by turn, each in a process of its own so that the peak of memory is its own too:

- parse: our `open_file`, bytes into columns of text with the header found, which is what pyarrow does in
- pyarrow: `pyarrow.csv.read_csv`, for GB18030 after Python has decoded it;
- read: our `read`, the same and besides every check: dates, money, who is who, lines into receipts, what is refused.
  `import_million.py` counts these checks to the import.

Compare within one run only.
"""

from __future__ import annotations

import datetime as dt
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HEADERS = "订单号,下单时间,会员号,手机号,实收金额,门店,菜品名称"
DISHES = ("鸳鸯锅底", "毛肚", "鲜鸭血", "手切羊肉", "虾滑", "酸梅汤")
TURNS = 5


def write(path: Path, rows: int, encoding: str, shuffled: bool) -> None:
    """Receipts of nine stores and 80,000 members over two years."""
    chance = random.Random(1)
    start = dt.datetime(2024, 1, 1)  # noqa: DTZ001 - wall time
    numbers = list(range(rows))
    if shuffled:
        chance.shuffle(numbers)
    with path.open("w", encoding=encoding, newline="") as out:
        out.write(HEADERS + "\n")
        for i in numbers:
            at = start + dt.timedelta(seconds=60 * i % (86400 * 700) + i % 59)
            member = chance.randrange(80_000)
            out.write(
                f"D2024{i:09d},{at:%Y-%m-%d %H:%M:%S},M{member:06d},138{member:08d},"
                f"{chance.randrange(100, 90_000) / 100:.2f},{member % 9 + 1}号店,{DISHES[i % 6]}\n"
            )


def run(what: str, path: str, encoding: str) -> None:
    """One reading, timed without the imports; prints seconds, seconds of processor, the peak of memory in MB."""
    if what == "read":
        from regulars.sales.reading import read

        begin, busy = time.perf_counter(), time.process_time()
        reading = read(path)
        took = time.perf_counter() - begin
        assert reading.rows == reading.taken == reading.sales.num_rows
    elif what == "parse":
        from regulars.sales.reading import open_file

        begin, busy = time.perf_counter(), time.process_time()
        (sheet,) = open_file(path)
        took = time.perf_counter() - begin
        assert sheet.headers == HEADERS.split(",")
    elif encoding == "gb18030":
        import pyarrow as pa
        import pyarrow.csv as pa_csv

        begin, busy = time.perf_counter(), time.process_time()
        text = Path(path).read_bytes().decode("gb18030").encode()
        pa_csv.read_csv(pa.BufferReader(text))
        took = time.perf_counter() - begin
    else:
        import pyarrow.csv as pa_csv

        begin, busy = time.perf_counter(), time.process_time()
        pa_csv.read_csv(path)
        took = time.perf_counter() - begin
    print(took, time.process_time() - busy, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def measured(what: str, path: Path, encoding: str) -> tuple[float, float, float]:
    """Seconds, seconds of processor and MB of one run in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--run", what, str(path), encoding],
        check=True,
        capture_output=True,
        text=True,
    )
    seconds, busy, peak = map(float, done.stdout.split())
    return seconds, busy, peak


def main(rows: int) -> None:
    """The table: medians of the turns, their ratio, and the ratio of the best turns."""
    with tempfile.TemporaryDirectory(prefix="regulars-benchmark-") as folder:
        for encoding, shuffled in (("utf-8", False), ("utf-8", True), ("gb18030", False)):
            path = Path(folder) / f"till-{encoding}-{shuffled}.csv"
            write(path, rows, encoding, shuffled)
            turns: dict[str, list[tuple[float, float, float]]] = {"parse": [], "read": [], "pyarrow": []}
            for _ in range(TURNS):
                for what, all_ in turns.items():
                    all_.append(measured(what, path, encoding))
            print(f"{encoding}{', shuffled' if shuffled else ''}, {path.stat().st_size / 1e6:.0f} MB")
            for place, unit in ((0, "s"), (1, "s of processor"), (2, "MB at the peak")):
                middle = {
                    what: sorted(turn[place] for turn in all_)[TURNS // 2] for what, all_ in turns.items()
                }
                told = ", ".join(
                    f"{what} {m:7.2f} ({m / middle['pyarrow']:.2f}×)" for what, m in middle.items()
                )
                print(f"  {unit:15s} {told}")
            path.unlink()


if __name__ == "__main__":
    if "--run" in sys.argv:
        run(*sys.argv[2:5])
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
