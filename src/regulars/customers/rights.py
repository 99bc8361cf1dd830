"""What a customer may ask for by law, and how a shop answers: a copy, a correction, deletion, an explanation of her
grade, no decisions by the system alone (PIPL, articles 24 and 44 to 50).

A request has a day on which it is due. A deletion needs a second person's yes unless the owner does it herself, waits
some days in which it can be called off, and is then carried out by the day's run.
"""

from __future__ import annotations

from datetime import date, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from regulars.customers import consents
from regulars.customers.actions import say_detail
from regulars.customers.erasing import erase
from regulars.customers.models import Customer, LegalHold, RequestState, RightsRequest
from regulars.customers.queries import MASKED, details_of, family_of, masked_details
from regulars.customers.rules.details import read_birthday, read_fact, read_sex
from regulars.playbooks.catalogue import catalogue
from regulars.shop.models import Approval, Business, Staff, audit
from regulars.shop.words import Refused, Words

KINDS: dict[str, Words] = {
    "copy": Words("要一份自己的数据", "a copy of her data"),
    "correction": Words("更正", "a correction"),
    "deletion": Words("删除", "deletion"),
    "explanation": Words("解释等级和安排", "an explanation of her grade"),
    "automation": Words("拒绝自动决定", "no automated decisions"),
}

ASKED_BY: dict[str, Words] = {
    "herself": Words("本人", "herself"), "guardian": Words("监护人", "her guardian"),
    "representative": Words("受托人", "somebody in her name"), "heir": Words("近亲属（本人已去世）", "a close relative after her death"),
}  # fmt: skip

CHECKED: dict[str, Words] = {
    "known": Words("认识本人", "known in person"), "number": Words("说出了完整手机号或会员号", "said her whole number"),
    "code": Words("短信验证码", "a code sent to her phone"), "document": Words("看了证件（不留底）", "a document was shown (no copy kept)"),
}  # fmt: skip

OPEN = (RequestState.OPEN, RequestState.WAITING)
ERASE = "erase-customer"
OVER = Words("这件事已经办完了", "This request has already been dealt with")


def answered_by(staff: Staff) -> QuerySet[RightsRequest]:
    """Requests of customers whose rights this member of staff answers; of one who has been merged it is asked of the
    one who stands for her."""
    hers = Customer.objects.filter(merged_into=None).visible_to(staff, "rights")
    return RightsRequest.objects.filter(Q(customer__in=hers) | Q(customer__merged_into__in=hers))


def holds_of(customer: Customer) -> QuerySet[LegalHold]:
    """Why her file has to be kept, read through merging."""
    return LegalHold.objects.filter(customer__in=family_of(customer.merged_into or customer)).order_by("pk")


def open_requests(staff: Staff) -> QuerySet[RightsRequest]:
    """Requests that wait for an answer, of customers whose rights this member of staff answers; the oldest due first."""
    return (
        answered_by(staff)
        .filter(state__in=OPEN)
        .select_related("customer", "taken_by", "approval")
        .order_by("due_on", "id")
    )


def open_request(
    customer: Customer, kind: str, *, on: date, checked: str, asked_by: str = "herself", said: str = "", by: Staff | None = None,
) -> RightsRequest:  # fmt: skip
    """Take a request in: what she asks for, who asks and how that was checked. The same that is open already is not
    taken in twice. A deletion asks for its second yes at once; the owner's own word is one."""
    if kind not in KINDS or asked_by not in ASKED_BY or checked not in CHECKED:
        raise Refused(
            Words(
                "请选要办什么、谁提的、怎么核对的", "Choose what is asked, who asks and how that was checked"
            )
        )
    root = customer.merged_into or customer
    with transaction.atomic():
        known = RightsRequest.objects.filter(customer=root, kind=kind, state__in=OPEN).first()
        if known:
            return known
        business = Business.objects.first()
        made = RightsRequest.objects.create(
            customer=root, kind=kind, on=on, due_on=on + timedelta(days=business.answer_days if business else 21),
            asked_by=asked_by, checked=checked, said=said.strip()[:1000] or None, taken_by=by,
        )  # fmt: skip
        audit("rights-request", f"customer {root.pk}", by=by, detail={"request": made.pk, "kind": kind})
        if kind == "deletion":
            made.approval = Approval.objects.create(
                kind=ERASE, subject=f"customer {root.pk}", detail={"request": made.pk}, asked_by=by
            )
            made.save(update_fields=["approval"])
            if by is not None and is_owner(by):
                made = agree_to_deletion(made, on=on, by=by)
    return made


def is_owner(staff: Staff) -> bool:
    """Whether somebody holds the owner's post over the whole business."""
    return any(post.role.key == "owner" and post.store is None for post in staff.powers.posts)


def agree_to_deletion(request: RightsRequest, *, on: date, by: Staff) -> RightsRequest:
    """The second yes (the owner needs no second): from now on the waiting time runs. Raises Refused for the one who
    asked, and where her file is kept for a dispute."""
    with transaction.atomic():
        request = RightsRequest.objects.select_for_update().get(pk=request.pk)
        if request.kind != "deletion" or request.state != RequestState.OPEN or request.customer is None:
            raise Refused(OVER)
        if request.taken_by_id == by.pk and not is_owner(by):
            raise Refused(
                Words(
                    "要第二个人同意，不能自己批自己的",
                    "A second person has to agree: not the one who took it in",
                )
            )
        if holds_of(request.customer).exists():
            raise Refused(KEPT)
        business = Business.objects.first()
        wait = business.erase_wait_days if business else 7
        Approval.objects.filter(pk=request.approval_id or 0).update(
            decided_by=by, decided_at=timezone.now(), is_granted=True
        )
        request.state, request.carried_out_on = RequestState.WAITING, on + timedelta(days=wait)
        request.save(update_fields=["state", "carried_out_on"])
        audit(
            "agree-to-erase",
            f"customer {request.customer_id}",
            by=by,
            detail={"request": request.pk, "on": str(request.carried_out_on)},
        )
    return request


KEPT = Words(
    "她的档案因为纠纷或法律要求正保留着，先解除保留，再删除",
    "Her file is kept for a dispute or by law; end that first, then delete",
)


def call_off(request: RightsRequest, *, on: date, by: Staff | None) -> RightsRequest:
    """Call a request off before it is carried out: she has thought better of it."""
    return _end(request, RequestState.CALLED_OFF, "", on=on, by=by)


def refuse(request: RightsRequest, why: str, *, on: date, by: Staff) -> RightsRequest:
    """Decline a request; the law wants the reason told (PIPL, article 50)."""
    if not why.strip():
        raise Refused(Words("不办要写明理由，并告诉她", "A refusal needs its reason, and she has to be told"))
    return _end(request, RequestState.REFUSED, why, on=on, by=by)


def answer(request: RightsRequest, result: str = "", *, on: date, by: Staff) -> RightsRequest:
    """It is done. A deletion is never ended by hand: the day's run does it."""
    if request.kind == "deletion":
        raise Refused(
            Words(
                "删除到日子会自动执行，不能手工勾掉",
                "A deletion is carried out on its day and can't be ticked off",
            )
        )
    return _end(request, RequestState.DONE, result, on=on, by=by)


def _end(request: RightsRequest, state: str, result: str, *, on: date, by: Staff | None) -> RightsRequest:
    with transaction.atomic():
        values = {"state": state, "ended_by": by, "ended_on": on, "result": result.strip()[:2000] or None}
        if RightsRequest.objects.filter(pk=request.pk, state__in=OPEN).update(**values) != 1:
            raise Refused(OVER)
        Approval.objects.filter(pk=request.approval_id or 0, is_granted=None).update(
            decided_by=by, decided_at=timezone.now(), is_granted=False
        )
        audit(
            "end-rights-request",
            f"customer {request.customer_id}",
            by=by,
            detail={"request": request.pk, "state": state},
        )
    request.refresh_from_db()
    return request


CORRECTABLE: dict[str, Words] = {
    "name": Words("名字", "Name"), "birthday": Words("生日", "Birthday"), "anniversary": Words("纪念日", "Anniversary"),
    "sex": Words("性别", "Sex"), "address": Words("地址", "Address"), "email": Words("邮箱", "E-mail"), "wechat": Words("微信", "WeChat"),
    "occupation": Words("职业", "Occupation"), "company": Words("单位", "Company"),
}  # fmt: skip
"""What a correction may name; numbers and receipts are corrected where they come from."""


def correct(request: RightsRequest, key: str, value: str, *, on: date, by: Staff) -> RightsRequest:
    """Write the right word into her file; what was wrong stays in the file's history and in the answer."""
    if request.kind != "correction" or request.customer is None:
        raise Refused(OVER)
    if key not in CORRECTABLE or not value.strip():
        raise Refused(Words("请选改哪一项，并写上正确的", "Choose what is wrong and write what is right"))
    customer, right = request.customer, _read(key, value.strip())
    was = details_of(customer).get(key) or getattr(customer, key, "") or "—"
    with transaction.atomic():
        say_detail(customer, key, right, by=by)
        name = CORRECTABLE[key]
        return answer(request, f"{name.zh} {name.en}: {was} → {value.strip()}", on=on, by=by)


def told(request: RightsRequest) -> str:
    """How a request was answered, as pages repeat it: what is masked in her file is masked here."""
    text = str(request.result or "")
    for key in MASKED:
        head = f"{CORRECTABLE[key].zh} {CORRECTABLE[key].en}: "
        if request.kind == "correction" and text.startswith(head):
            words = text.removeprefix(head).split(" → ", 1)
            return head + " → ".join(w if w == "—" else masked_details({key: w}).get(key, "") for w in words)
    return text


def _read(key: str, text: str) -> str:
    """What is written for a corrected word. Raises Refused for a day, a sex or a fact that can't be read."""
    fact = catalogue.find(key)
    read: str | None = text
    if key in ("birthday", "anniversary"):
        read = read_birthday(text.removeprefix("农历"), lunar=text.startswith("农历"))
    elif key == "sex":
        read = read_sex(text)
    elif fact is not None:
        read = read_fact(fact, text)
    if not read:
        raise Refused(Words("看不懂「{t}」", "{t} can't be read").fill(t=text))
    return read


def set_automation(customer: Customer, refuses: bool, *, source: str, on: date, by: Staff) -> None:
    """She refuses decisions by the system alone, or takes that back: one tap. An open request about it is answered."""
    with transaction.atomic():
        consents.refuse_automation(customer, refuses, source=source, on=on, by=by)
        for request in RightsRequest.objects.filter(customer=customer, kind="automation", state__in=OPEN):
            answer(request, on=on, by=by)


def keep(customer: Customer, why: str, *, by: Staff) -> LegalHold:
    """Keep her file although its time is over. Takes a reason."""
    if not why.strip():
        raise Refused(Words("请写明为什么要保留", "Please say why her file has to be kept"))
    if before := holds_of(customer).first():
        return before
    held, is_new = LegalHold.objects.get_or_create(
        customer=customer, defaults={"why": why.strip()[:500], "by": by}
    )
    if is_new:
        audit("keep-file", f"customer {customer.pk}", by=by)
    return held


def keep_no_longer(customer: Customer, *, by: Staff) -> None:
    if holds_of(customer).delete()[0]:
        audit("keep-file-no-longer", f"customer {customer.pk}", by=by)


# --- carried out by the day ------------------------------------------------------------------------------------------


def due_deletions(on: date) -> list[RightsRequest]:
    """Deletions whose waiting time is over, without those whose file is kept."""
    due = RightsRequest.objects.filter(Q(carried_out_on__lte=on), kind="deletion", state=RequestState.WAITING)
    found = due.filter(customer__isnull=False).select_related("customer__merged_into").order_by("id")
    return [r for r in found if r.customer is not None and not holds_of(r.customer).exists()]


def carry_out(on: date) -> int:
    """Delete those whose day has come; what stays of the request is its number and its days. Each in its own
    transaction, so that a crash in between loses nothing. Returns how many."""
    n = 0
    for request in due_deletions(on):
        customer = request.customer
        assert customer is not None
        with transaction.atomic():
            mine = RightsRequest.objects.filter(pk=request.pk, state=RequestState.WAITING)
            if holds_of(customer).exists() or mine.update(state=RequestState.DONE, ended_on=on) != 1:
                continue  # kept by law, or called off, a moment ago
            if Customer.objects.filter(
                pk=customer.pk
            ).exists():  # else she went with the one who stands for her
                erase(customer, on=on, why=f"request {request.pk}")
        n += 1
    return n
