"""Cells, ids and money: what tills write, and what it means."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.sales.rules import ids, money
from regulars.sales.rules.cells import NOTHING, clean, clean_cell
from regulars.sales.rules.headers import FIELDS, match, plain, total

FENS = """
￥1,234.50      123450
1234.5          123450
１２３．４５    12345
(123.00)        -12300
（88）          -8800
-￥5            -500
￥-5.00         -500
+12.30          1230
12.5元          1250
RMB 99          9900
$1,000          100000
1.234,50        123450
12,5            1250
1,234           123400
0               0
.5              50
145.79999999999998   14580
0.335           34
-0.335          -34
1.005           101
`16.50          1650
99999999.99     9999999999
12345678901.23  1234567890123
"""


@pytest.mark.parametrize("line", FENS.strip().splitlines())
def test_an_amount_becomes_whole_fen_exactly(line: str) -> None:
    written, fen = line.rsplit(maxsplit=1)
    assert money.fen(written.strip()) == int(fen)
    assert money.fens(pa.array([written.strip()])).to_pylist() == [int(fen)]


@pytest.mark.parametrize(
    "written", ["1.2万", "免费", "十元", "12-5", "2026-01-05", "1.2.3", "--", "", "NULL", "inf", "12a"]
)
def test_what_is_no_amount_is_not_guessed(written: str) -> None:
    assert money.fen(written) is None
    assert money.fens(pa.array([written, "5"])).to_pylist() == [None, 500]


@given(st.lists(st.decimals(-(10**7), 10**7, places=2), min_size=1))
def test_a_column_of_amounts_is_as_exact_as_each_amount(amounts: list[Decimal]) -> None:
    column = pa.array([str(amount) for amount in amounts])
    assert money.fens(column).to_pylist() == [int(amount * 100) for amount in amounts]


@given(st.lists(st.decimals(-(10**6), 10**6, places=4), min_size=1))
def test_more_decimals_round_half_up_in_columns_as_in_cells(amounts: list[Decimal]) -> None:
    texts = [f"{amount:f}" for amount in amounts]
    assert money.fens(pa.array(texts)).to_pylist() == [money.fen(text) for text in texts]


def test_amounts_in_pieces_and_with_gaps_keep_their_places() -> None:
    column = pa.chunked_array([["1.00", ""], ["--", "2.005", "x"]])
    assert money.fens(column).to_pylist() == [100, None, None, 201, None]


def test_a_quantity_keeps_three_decimals() -> None:
    assert money.thousandths(pa.array(["1.5", "2", "3份", "0.125kg", "x", None])).to_pylist() == [
        1500,
        2000,
        3000,
        125,
        None,
        None,
    ]


def test_quantity_times_price_is_the_amount_of_a_line() -> None:
    amount = money.times(pa.array([1500, 3000, None]), pa.array([333, -250, 100]))
    assert amount.to_pylist() == [500, -750, None]


@pytest.mark.parametrize("word", sorted(NOTHING))
def test_words_for_nothing_are_empty(word: str) -> None:
    assert clean_cell(f" {word}\t") is None
    assert clean(pa.array([word, "真"])).to_pylist() == [None, "真"]


@given(st.lists(st.one_of(st.none(), st.text(alphabet="ab`\t \u3000\u00a0'无-/N", max_size=6))))
def test_a_column_is_cleaned_as_each_cell_is(cells: list[str | None]) -> None:
    cleaned = clean(pa.array(cells, pa.string())).to_pylist()
    assert cleaned == [None if cell is None else clean_cell(cell) for cell in cells]


def test_dirt_at_the_ends_goes_and_inside_stays() -> None:
    assert clean(pa.array(["`42000`", "\u3000王 女士\u00a0", "'null", '="007"'])).to_pylist() == [
        "42000",
        "王 女士",
        None,
        "007",
    ]


def test_ids_are_text_with_their_zeros_and_without_a_decimal_point() -> None:
    assert ids.ids(pa.array(["007", "13085.0", "12.50", "A.0"])).to_pylist() == [
        "007",
        "13085",
        "12.50",
        "A.0",
    ]


@pytest.mark.parametrize("cell", ["4.00123E+27", "1.39123e+10", "4E+12"])
def test_a_number_in_scientific_notation_has_lost_its_end(cell: str) -> None:
    assert ids.destroyed(cell)
    assert ids.destroyed_cells(pa.array(["1", cell])).to_pylist() == [False, True]


@pytest.mark.parametrize("cell", ["4E12", "E+5", "4200001234", "A4.0E+12"])
def test_an_id_with_a_letter_is_not_destroyed(cell: str) -> None:
    assert not ids.destroyed(cell)


@pytest.mark.parametrize("nobody", ["散客", "非会员", "t**1", "0", "0000", "Guest"])
def test_nobody_is_not_an_identity(nobody: str) -> None:
    assert ids.identities(pa.array([nobody, "M1"])).to_pylist() == [None, "M1"]


def test_spellings_of_one_header_meet() -> None:
    spellings = ["Customer ID", "customer_id", "CustomerID", " customer-id ", "\ufeffCUSTOMER ID"]
    assert {plain(s) for s in spellings} == {"customerid"}
    assert plain("订单金额（元） ") == plain("订单金额(元)") == plain("订单金额")


@pytest.mark.parametrize("field", sorted(FIELDS))
def test_every_field_has_names_that_lead_back_to_it(field: str) -> None:
    assert match([FIELDS[field][0]], FIELDS) == {FIELDS[field][0]: field}


def test_the_amount_received_wins_over_list_and_gross() -> None:
    assert match(["营业额", "折后金额", "实收金额", "会员卡号"], FIELDS) == {
        "营业额": "gross", "实收金额": "amount", "会员卡号": "card",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text", ["合计", "合计：", "小计", "总计", "Total", "Grand Total:", "合计（12笔）", "本页小计"]
)
def test_totals_are_known(text: str) -> None:
    assert total(text)


@pytest.mark.parametrize("text", ["合计划", "小计划书", "Totally", "王小计", "total war 手办"])
def test_names_that_look_like_totals_are_not(text: str) -> None:
    assert not total(text)


def test_currency_is_what_the_amount_names() -> None:
    assert [money.currency(t) for t in ("HK$5", "¥5", "￥5", "US$5", "€5", "5 GBP", "5")] == [
        "HKD",
        "CNY",
        "CNY",
        "USD",
        "EUR",
        "GBP",
        None,
    ]
