"""The graded customers as arrays: unknown is NaN, a column that is not there is unknown for all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.care.rules.terms import Mask, Numbers, number_of
from regulars.shop.calendar import Birthday, NoSuchDay

# What a card says about a customer, whatever the rule was.
ON_THE_CARD = (
    "customer", "name", "sex", "is_company", "store", "staff_in_charge",
    "birthday", "anniversary", "first_visit_on", "last_visit_on", "usual_gap_days",
)  # fmt: skip

_YEAR = re.compile(r" \d{4}(?=-)")


class People:
    """One row per customer: who she is, her facts, her grades; the shape is described in `care.rules.due`."""

    def __init__(self, graded: pa.Table) -> None:
        self.table = graded.combine_chunks()
        self.size: int = graded.num_rows
        self._numbers: dict[str, Numbers] = {}
        self._birthdays: dict[str, tuple[npt.NDArray[np.int64], list[Birthday | None]]] = {}

    def has(self, key: str) -> bool:
        """Whether the column is there at all."""
        return key in self.table.column_names

    def numbers(self, key: str) -> Numbers:
        """A column of numbers, yes-no (1, 0) or days (since 1970); NaN where unknown."""
        if key not in self._numbers:
            if self.has(key):
                column = self.table[key]
                if pa.types.is_timestamp(column.type):
                    column = column.cast(pa.date32(), safe=False)
                if pa.types.is_date(column.type):
                    column = column.cast(pa.date32()).cast(pa.int32())
                values = column.cast(pa.float64(), safe=False).to_numpy()
            else:
                values = np.full(self.size, np.nan)
            self._numbers[key] = values
        return self._numbers[key]

    def among(self, key: str, values: Iterable[str]) -> Mask:
        """Who has one of these texts in a column."""
        if not self.has(key):
            return np.zeros(self.size, dtype=np.bool_)
        return mask_of(pc.is_in(self.table[key].cast(pa.string()), pa.array(list(values), pa.string())))

    def is_true(self, key: str) -> Mask:
        """Who is known to have a yes in a column."""
        found: Mask = self.numbers(key) == 1
        return found

    def is_false(self, key: str) -> Mask:
        """Who is known to have a no in a column; unknown is not a no."""
        found: Mask = self.numbers(key) == 0
        return found

    def scales(self) -> list[str]:
        """The scales on which these customers are graded."""
        return [name.removeprefix("grade:") for name in self.table.column_names if name.startswith("grade:")]

    def known_until(self, known: date | Mapping[str, date] | None) -> Numbers:
        """For each customer the last day that the data of her store cover; NaN where nobody knows.

        Without a store of her own the earliest of all stores counts: she could have been in any. Whom her portrait
        knows less long (column `known_until`) is known less long.
        """
        return np.fmin(self._stores_known_until(known), self.numbers("known_until"))

    def _stores_known_until(self, known: date | Mapping[str, date] | None) -> Numbers:
        if known is None or not known:
            return np.full(self.size, np.nan)
        if not isinstance(known, Mapping):
            return np.full(self.size, float(number_of(known)))
        stores = list(known)
        days = np.array([float(number_of(known[store])) for store in stores])
        if not self.has("store"):
            return np.full(self.size, days.min())
        column = self.table["store"]
        places = pc.index_in(column, pa.array(stores, pa.string())).cast(pa.float64()).to_numpy()
        found = np.where(np.isnan(places), np.nan, days[np.nan_to_num(places).astype(np.intp)])
        return np.where(mask_of(column.is_null()), days.min(), found)

    def birthdays(self, key: str) -> tuple[npt.NDArray[np.int64], list[Birthday | None]]:
        """A column of birthdays: for each customer a place in the list of different days (-1: none is known).

        A text that is no birthday is None in the list. A million customers share some thousand days.
        """
        if key not in self._birthdays:
            if not self.has(key):
                self._birthdays[key] = (np.full(self.size, -1, dtype=np.int64), [])
            else:
                encoded = self.table[key].cast(pa.string()).combine_chunks().dictionary_encode()
                if isinstance(encoded, pa.ChunkedArray):
                    encoded = encoded.combine_chunks()
                yearless = [_YEAR.sub(" -", text, count=1) for text in encoded.dictionary.to_pylist()]
                order = {text: place for place, text in enumerate(dict.fromkeys(yearless))}
                day_of_text = np.array([*(order[text] for text in yearless), -1], dtype=np.int64)
                places = encoded.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
                self._birthdays[key] = (day_of_text[places], [_read(text) for text in order])
        return self._birthdays[key]

    def rows(
        self, places: Sequence[int] | npt.NDArray[np.intp], more: Iterable[str] = ()
    ) -> list[dict[str, Any]]:
        """These customers as they stand on a card: name, store, dates, and whatever `more` names."""
        keys = [key for key in dict.fromkeys((*ON_THE_CARD, *more)) if self.has(key)]
        keys += [
            key
            for key in self.table.column_names
            if key.startswith(("grade:", "since:", "was:", "drops_on:"))
        ]
        taken = self.table.select(keys).take(pa.array(places, pa.int64()))
        empty = dict.fromkeys(ON_THE_CARD)
        return [{**empty, **row} for row in taken.to_pylist()]


def mask_of(found: Any) -> Mask:
    """An Arrow answer as a mask; unknown is no."""
    mask: Mask = pc.fill_null(found, False).to_numpy(zero_copy_only=False).astype(np.bool_)
    return mask


def _read(text: str) -> Birthday | None:
    try:
        return Birthday.parse(text)
    except NoSuchDay:
        return None
