"""How long reading a till's file takes beside the engine's own CSV parser.

`python benchmarks/read_csv.py [rows]` writes a file of receipts (7 columns) in UTF-8 and in GB18030 into a
temporary folder and reads it by `regulars.sales.reading.read` and by `pyarrow.csv.read_csv`, turn by turn,
each in a process of its own so that the peak of memory is its own too. Compare within one run only.
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
    """One reading, timed without the imports; prints seconds and the peak of memory in MB."""
    if what == "regulars":
        from regulars.sales.reading import read

        begin = time.perf_counter()
        reading = read(path)
        took = time.perf_counter() - begin
        assert reading.rows == reading.taken == reading.sales.num_rows
    elif encoding == "gb18030":
        import pyarrow as pa
        import pyarrow.csv as pa_csv

        begin = time.perf_counter()
        text = Path(path).read_bytes().decode("gb18030").encode()
        pa_csv.read_csv(pa.BufferReader(text))
        took = time.perf_counter() - begin
    else:
        import pyarrow.csv as pa_csv

        begin = time.perf_counter()
        pa_csv.read_csv(path)
        took = time.perf_counter() - begin
    print(took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def measured(what: str, path: Path, encoding: str) -> tuple[float, float]:
    """Seconds and MB of one run in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--run", what, str(path), encoding],
        check=True,
        capture_output=True,
        text=True,
    )
    seconds, peak = done.stdout.split()
    return float(seconds), float(peak)


def main(rows: int) -> None:
    """The table: median and best of the turns, and their ratio."""
    with tempfile.TemporaryDirectory(prefix="regulars-benchmark-") as folder:
        for encoding, shuffled in (("utf-8", False), ("utf-8", True), ("gb18030", False)):
            path = Path(folder) / f"till-{encoding}-{shuffled}.csv"
            write(path, rows, encoding, shuffled)
            times: dict[str, list[float]] = {"regulars": [], "pyarrow": []}
            peaks: dict[str, float] = {}
            for _ in range(TURNS):
                for what in times:
                    seconds, peak = measured(what, path, encoding)
                    times[what].append(seconds)
                    peaks[what] = max(peaks.get(what, 0), peak)
            median = {what: sorted(all_)[len(all_) // 2] for what, all_ in times.items()}
            print(
                f"{encoding:8s}{' shuffled' if shuffled else '         '} "
                f"{path.stat().st_size / 1e6:4.0f} MB  "
                f"regulars {median['regulars']:.2f} s, peak {peaks['regulars']:.0f} MB   "
                f"pyarrow {median['pyarrow']:.2f} s, peak {peaks['pyarrow']:.0f} MB   "
                f"ratio {median['regulars'] / median['pyarrow']:.2f} (best of each "
                f"{min(times['regulars']) / min(times['pyarrow']):.2f})"
            )
            path.unlink()


if __name__ == "__main__":
    if "--run" in sys.argv:
        run(*sys.argv[2:5])
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
