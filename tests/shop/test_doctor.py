"""What the doctor finds of imports that a crash has cut off."""

from __future__ import annotations

import pytest
from tests.shops import Shop

from regulars import daily
from regulars.doctor import Finding, examine
from regulars.sales.models import Batch, BatchState
from regulars.shop.turns import turn

ROW = {"订单号": "A1", "消费时间": "2026-05-01 12:00:00", "会员号": "1001", "实收金额": "10"}


def imports() -> Finding:
    return next(f for f in examine() if f.check == "imports")


@pytest.mark.parametrize(
    ("state", "said"), [(BatchState.WRITING, "写到一半"), (BatchState.UNDOING, "撤回做到一半")]
)
def test_what_was_cut_off_a_minute_ago_is_unfinished_until_the_next_import(
    shop: Shop, state: BatchState, said: str
) -> None:
    shop.take_in([ROW])
    assert imports().ok
    Batch.objects.update(state=state)
    found = imports()
    assert not found.ok and said in found.words.zh and "下次导入" in found.words.zh
    shop.take_in([{**ROW, "订单号": "A2"}])
    assert imports().ok


def test_what_is_being_written_right_now_is_no_finding(shop: Shop) -> None:
    shop.take_in([ROW])
    Batch.objects.update(state=BatchState.WRITING)
    with turn():
        found = imports()
        assert found.ok and "正在导入" in found.words.zh
    assert not imports().ok
    with turn():
        daily.mend()
    assert imports().ok
