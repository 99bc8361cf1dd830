"""Which numbers name a person."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.sales.rules.phones import phone, phones

PEOPLE = """
13912345679             13912345679
+86 139 1234 5679       13912345679
86-139-1234-5679        13912345679
008613912345679         13912345679
(+86)13912345679        13912345679
１３９１２３４５６７９  13912345679
13912345679.0           13912345679
021-6234 5678           02162345678
+44 20 7946 0958        +442079460958
+85291234567            +85291234567
"""
NOBODY = [
    "137****3386", "1963********", "****", "17531103964_6603", "17531103964转6603", "17531103964-6603",
    "13800138000", "11111111111", "12345678901", "12345678910", "13333333333", "13812345678", "13900000000",
    "21012345678", "62345678", "12", "abc", "31342495029", "", "1391234567",
]  # fmt: skip


@pytest.mark.parametrize("line", PEOPLE.strip().splitlines())
def test_one_person_has_one_number_however_it_is_written(line: str) -> None:
    written, normal = line.rsplit(maxsplit=1)
    assert phone(written.strip()) == normal
    assert phones(pa.array([written.strip(), "13912345679"])).to_pylist() == [normal, "13912345679"]


@pytest.mark.parametrize("written", NOBODY)
def test_masked_virtual_and_made_up_numbers_name_nobody(written: str) -> None:
    assert phone(written) is None
    assert phones(pa.array([written, "13912345679"])).to_pylist() == [None, "13912345679"]


@given(
    st.lists(
        st.one_of(st.none(), st.from_regex(r"1[0-9]{10}", fullmatch=True), st.sampled_from(NOBODY[:-2])),
        max_size=30,
    )
)
def test_a_column_of_phones_is_read_as_each_phone_is(cells: list[str | None]) -> None:
    expected = [None if cell is None else phone(cell) for cell in cells]
    assert phones(pa.array(cells, pa.string())).to_pylist() == expected
    assert phones(pa.chunked_array([cells[:3], cells[3:]], pa.string())).to_pylist() == expected
