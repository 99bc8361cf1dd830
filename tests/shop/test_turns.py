"""One at a time, and nobody waits for the dead."""

from __future__ import annotations

import threading

import pytest
from tests.shops import Shop

from regulars.shop.turns import turn
from regulars.shop.words import Refused, Words


def test_who_can_wait_no_longer_is_told_and_told_meanwhile(shop: Shop) -> None:
    said: list[Words] = []
    outcome: list[str] = []

    def second() -> None:
        try:
            with turn(lambda done, total, words: said.append(words), patience=0.3):
                outcome.append("in")
        except Refused as refused:
            outcome.append(refused.words.zh)

    with turn():
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert len(outcome) == 1 and "过一会儿再试" in outcome[0]
    assert said and "等它" in said[0].zh


def test_the_turn_is_given_back_when_the_work_fails(shop: Shop) -> None:
    with pytest.raises(ZeroDivisionError), turn(patience=0):
        raise ZeroDivisionError
    with turn(patience=0):
        assert True
