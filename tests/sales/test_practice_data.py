"""Real exports, read as they are. Collected only where REGULARS_PRACTICE_DATA names their folder."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow.compute as pc
import pytest

from regulars.sales.reading import Reading, read

FOLDER = os.environ.get("REGULARS_PRACTICE_DATA", "")

if FOLDER:
    ROOT = Path(FOLDER)
    # file → rows, receipts and people; what is missing from the rows were unpaid orders
    EXPORTS: dict[str, tuple[int, int, int]] = {
        "taobao_cn/04__48__TB2018.xls": (1783, 1466, 0),
        "taobao_cn/06__example__01__mrtb_data.xlsx": (599, 431, 0),
        "taobao_cn/09__example__06__TB.xls": (4103, 4103, 0),
        "taobao_cn/14__data__2018.xlsx": (1784, 1467, 0),
        "taobao_cn/14__data__2019.xlsx": (2124, 1804, 0),
        "taobao_cn/14__data__all.xlsx": (3908, 3271, 0),
        "tmall_cn/tmall_order_report.csv": (28010, 24087, 0),
        "catering_cn/info_new.csv": (6650, 6650, 0),
        "catering_cn/meal_order_info.csv": (945, 933, 0),
        "catering_cn/meal_order_detail.csv": (10037, 943, 0),
        "catering_cn/users.csv": (734, 0, 734),
        "catering_cn/user_loss.csv": (2431, 0, 2431),
        "retail_synthetic/Retail_Data_Transactions.csv": (125000, 125000, 0),
        "online_retail_2009-12_2010-11_lines.csv.gz": (502938, 27728, 0),
        "online_retail_2009-12_2010-11_transactions.parquet": (22686, 22686, 0),
        "cdnow_sample_transactions.parquet": (6919, 6919, 0),
        "taobao_transactions.parquet": (3271, 3271, 0),
    }

    def accounted(*names: str) -> Reading:
        reading = read([ROOT / name for name in names])
        assert reading.rows == reading.taken + len(reading.refused) + reading.not_sales
        return reading

    @pytest.mark.parametrize("name", EXPORTS)
    def test_every_row_of_a_real_export_is_accounted_for(name: str) -> None:
        reading = accounted(name)
        assert (reading.rows, reading.sales.num_rows, reading.people.num_rows) == EXPORTS[name]
        assert reading.refused == []

    def test_lines_of_invoices_add_up_to_the_known_transactions() -> None:
        lines = accounted("online_retail_2009-12_2010-11_lines.csv.gz").sales
        lines = lines.filter(pc.is_valid(lines["member"]))
        known = accounted("online_retail_2009-12_2010-11_transactions.parquet").sales
        joined = lines.select(["receipt", "member", "amount"]).sort_by("receipt")
        assert joined.equals(known.select(["receipt", "member", "amount"]).sort_by("receipt"))

    def test_a_restaurants_orders_lines_and_members_are_joined() -> None:
        reading = accounted(
            "catering_cn/meal_order_info.csv", "catering_cn/meal_order_detail.csv", "catering_cn/users.csv"
        )
        assert (reading.sales.num_rows, reading.people.num_rows, reading.lines.num_rows) == (933, 734, 9942)
        assert all("PASSWORD" not in name for name in reading.extras.column_names)

    def test_orders_without_a_buyer_say_what_they_serve() -> None:
        reading = accounted("tmall_cn/tmall_order_report.csv")
        assert reading.identity == "none"
        assert reading.useful_for is not None
