"""Questions about the file of a customer: what was said and when, what it lacks, who is around her, what is attached.

Everything is read through merging.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from django.db.models import Exists, OuterRef, Q

from regulars.customers.consents import sensitive_allowed
from regulars.customers.models import Attachment, Customer, Detail, Note, Relative, Tag, Tagged, VisitNote
from regulars.customers.own import own_fields
from regulars.customers.queries import family_of
from regulars.customers.rules.completeness import Completeness, Said, completeness
from regulars.customers.rules.sheet import Field, whole_sheet
from regulars.playbooks.catalogue import catalogue
from regulars.shop.models import Business, Staff
from regulars.shop.words import Words

DECLINED = "declined:"
"""Before the key of a field: on which day she said that she would rather not say."""


def sheet_allows(business: Business, kind: str) -> bool:
    """Whether the shop keeps facts of a sensitive kind ("" = not sensitive): off until the owner switches it on."""
    return not kind or kind in (business.sensitive or ())


def sheet(
    business: Business, staff: Staff | None = None, *, is_company: bool | None = None, customer: Customer | None = None
) -> list[Field]:  # fmt: skip
    """Every field of a file in this shop, as far as `staff` may see it; of one customer's also as far as she has agreed
    to it separately."""
    fields = [f for f in whole_sheet(catalogue, own_fields()) if sheet_allows(business, f.sensitive)]
    if staff is not None and not staff.may("sensitive"):
        fields = [f for f in fields if not f.sensitive]
    if customer is not None:
        kinds = {f.sensitive for f in fields if f.sensitive}
        agreed = {kind for kind in kinds if sensitive_allowed(business, customer, kind)}
        fields = [f for f in fields if not f.sensitive or f.sensitive in agreed]
    return fields if is_company is None else [f for f in fields if f.is_for(is_company=is_company)]


def families(customers: Iterable[int]) -> dict[int, int]:
    """Each of these customers, and whoever was merged into her, to the one who stands for both."""
    found = {c: c for c in customers}
    merged = Customer.objects.filter(merged_into__in=list(found)).values_list("id", "merged_into_id")
    return {**found, **{one: into for one, into in merged if into}}


def said_of(customers: Sequence[int], keys: Iterable[str] | None = None) -> dict[int, dict[str, Said]]:
    """The latest word on each field and its day, for many customers in three questions: customer → field → said."""
    root = families(customers)
    wanted = None if keys is None else [k for key in keys for k in (key, DECLINED + key)]
    words: list[tuple[int, int, str, str, date]] = []
    for path in ("customer_id", "identity__link__customer_id"):
        found = Detail.objects.filter(**{f"{path}__in": list(root)})
        if wanted is not None:
            found = found.filter(key__in=wanted)
        for i, owner, key, plain, sealed, at in found.values_list(
            "id", path, "key", "plain", "sealed", "said_at"
        ):
            words.append((i, root[owner], key, plain if sealed is None else str(sealed), at.date()))
    out: dict[int, dict[str, Said]] = {c: {} for c in customers}
    for _, owner, key, text, on in sorted(words):
        mine = out[owner]
        field, declined = key.removeprefix(DECLINED), key.startswith(DECLINED)
        before = mine.get(field, Said())
        mine[field] = Said(before.value, before.on, _day(text)) if declined else Said(text, on)
    return out


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def fullness(
    customers: Sequence[Customer], business: Business, on: date, *, for_grade: Iterable[str] = (),
    for_care: Iterable[str] = (), fields: Sequence[Field] | None = None,
) -> dict[int, Completeness]:  # fmt: skip
    """How full the files of these customers are, and what to ask each next: a handful of questions for all together.

    `for_grade` and `for_care` are the facts that the playbooks in force ask for."""
    fields = sheet(business) if fields is None else fields
    grade, care = frozenset(for_grade), frozenset(for_care)
    asked = [f for f in fields if f.key in grade or f.key in care or f.is_usual_in(business.trade)]
    said = said_of([c.pk for c in customers], [f.key for f in asked])
    return {
        c.pk: completeness(asked, said[c.pk], on, trade=business.trade, is_company=c.is_company, for_grade=grade, for_care=care)
        for c in customers
    }  # fmt: skip


def missing_of(
    customer: Customer,
    business: Business,
    on: date,
    *,
    for_grade: Iterable[str] = (),
    for_care: Iterable[str] = (),
) -> Completeness:
    """How full one customer's file is, and what it lacks, the most useful first."""
    return fullness([customer], business, on, for_grade=for_grade, for_care=for_care)[customer.pk]


ALLERGY = Words("过敏", "Allergic to")
TABOO = Words("忌口", "Does not eat")


def warnings_of(customers: Sequence[int]) -> dict[int, list[tuple[Words, str]]]:
    """What whoever serves has to know before anything else: allergies, then what she does not eat."""
    said = said_of(customers, ("allergies", "taboos"))
    return {
        c: [(name, mine[key].value) for key, name in (("allergies", ALLERGY), ("taboos", TABOO)) if key in mine and mine[key].value]
        for c, mine in said.items()
    }  # fmt: skip


def relatives_of(customer: Customer) -> list[Relative]:
    return list(
        Relative.objects.filter(customer__in=family_of(customer)).select_related("other").order_by("id")
    )


def visit_notes_of(customer: Customer, limit: int = 100) -> list[VisitNote]:
    """What was written down about her visits, the latest first."""
    found = VisitNote.objects.filter(customer__in=family_of(customer))
    return list(found.select_related("store", "served_by", "by").order_by("-day", "-id")[:limit])


def tags_of(customer: Customer) -> list[Tagged]:
    """Tags that are on, each once."""
    found = (
        Tagged.objects.filter(customer__in=family_of(customer), off_at=None)
        .select_related("tag", "by")
        .order_by("id")
    )
    return list({one.tag_id: one for one in found}.values())


def tags_in_use() -> list[Tag]:
    """Tags that somebody has, by name."""
    on = Tagged.objects.filter(tag=OuterRef("pk"), off_at=None)
    return list(Tag.objects.filter(Exists(on)).order_by("name")[:200])


def with_tag(tag: Tag) -> Q:
    """The condition on `Customer` of those who have a tag."""
    on = Tagged.objects.filter(tag=tag, off_at=None)
    return Q(pk__in=on.values("customer")) | Q(
        pk__in=on.filter(customer__merged_into__isnull=False).values("customer__merged_into")
    )


def attachments_of(customer: Customer) -> list[Attachment]:
    return list(
        Attachment.objects.filter(customer__in=family_of(customer)).select_related("by").order_by("-id")
    )


def notes_standing(customer: Customer) -> list[Note]:
    """Her notes, those that were taken back left out."""
    found = Note.objects.filter(customer__in=family_of(customer), taken_back_at=None).select_related("author")
    return list(found.order_by("-id")[:50])
