"""The pages on which customers change hands."""

from __future__ import annotations

from tests.web.conftest import House

from regulars.care.models import Handover
from regulars.customers.models import Customer, Portrait, Shared
from regulars.shop.models import Staff


def everybody_to(house: House, role: str) -> list[Customer]:
    Customer.objects.update(in_charge=house.staff[role])
    return list(Customer.objects.order_by("id"))


def test_one_page_hands_everything_over_ends_access_and_prints_the_pack(lived_in: House) -> None:
    mine = everybody_to(lived_in, "key-account")
    leaver, heir = lived_in.staff["key-account"], lived_in.staff["service"]
    owner = lived_in.browser("owner")
    where = f"/settings/staff/{leaver.pk}/hand-over/"
    before = owner.get(where).content.decode()
    assert "负责的顾客" in before
    assert f"<dd>{len(mine)}</dd>" in before
    assert owner.post(where, {"what": "leaves"}).status_code == 422, "somebody has to take over"
    told = owner.post(where, {"what": "leaves", "to": [heir.pk]})
    assert told["Location"] == f"/handovers/{Handover.objects.get().pk}/"
    pack = owner.get(told["Location"]).content.decode()
    assert "没有落下的" in pack
    assert f"/customers/{mine[0].pk}/" in pack
    assert not Staff.objects.get(pk=leaver.pk).is_active
    assert owner.post(told["Location"] + "undo/", follow=True).status_code == 200
    assert set(Customer.objects.values_list("in_charge", flat=True)) == {leaver.pk}
    assert Staff.objects.get(pk=leaver.pk).is_active


def test_the_last_owner_and_oneself_do_not_leave(lived_in: House) -> None:
    owner = lived_in.staff["owner"]
    where = f"/settings/staff/{owner.pk}/hand-over/"
    assert (
        lived_in.browser("owner")
        .post(where, {"what": "leaves", "to": [lived_in.staff["service"].pk]})
        .status_code
        == 422
    )
    assert lived_in.browser("manager").get(where).status_code == 403, "nor does a manager put an owner out"
    assert Staff.objects.get(pk=owner.pk).is_active


def test_who_is_in_charge_shares_and_lets_go_others_do_not(lived_in: House) -> None:
    her = everybody_to(lived_in, "key-account")[0]
    helper = lived_in.staff["front-desk"]
    where = f"/customers/{her.pk}/charge/"
    lived_in.browser("front-desk").post(where, {"to": helper.pk})
    her.refresh_from_db()
    assert her.in_charge == lived_in.staff["key-account"]
    manager = lived_in.browser("key-account")
    manager.post(where, {"share": lived_in.staff["key-account"].pk})
    assert not Shared.objects.exists(), "she is in charge already"
    manager.post(where, {"share": helper.pk})
    assert Shared.objects.get().staff == helper
    assert "一起照顾" in manager.get(f"/customers/{her.pk}/").content.decode()
    lived_in.browser("owner").post(where, {"unshare": helper.pk})
    assert not Shared.objects.exists()
    manager.post(where, {"pool": "1"})
    her.refresh_from_db()
    assert her.in_charge is None
    assert manager.get(f"/customers/{her.pk}/").status_code == 404, (
        "what she let go is not hers to see any more"
    )


def test_the_pool_shows_half_a_name_and_no_number(lived_in: House) -> None:
    Customer.objects.filter(pk=Customer.objects.order_by("id")[0].pk).update(name="欧阳修文")
    manager = lived_in.browser("key-account")
    page = manager.get("/pool/").content.decode()
    assert "欧***" in page
    assert "欧阳" not in page
    assert "1393322" not in page
    assert 'class="soft small nowrap">尾号' not in page
    assert lived_in.browser("front-desk").get("/pool/").status_code == 403
    best = Portrait.objects.order_by("-spend_in_12_months")[0].customer_id
    assert manager.post(f"/customers/{best}/claim/")["Location"] == f"/customers/{best}/"
    assert Customer.objects.get(pk=best).in_charge == lived_in.staff["key-account"]
    assert lived_in.browser("owner").post(f"/customers/{best}/claim/")["Location"] == "/pool/", (
        "somebody was first"
    )
