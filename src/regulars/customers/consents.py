"""What customers have agreed to: say it, take it back in one step, and ask before anything is done.

Everything that reaches a customer, and everything sensitive that is written or read, asks here: `allowed` for one
customer, `shut_channels` for a plan over everybody, `sensitive_allowed` for a value of a sensitive kind.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db import transaction

from regulars.customers.models import Consent, Customer, Detail, Wording
from regulars.customers.queries import age_of, family_of, once
from regulars.customers.rules import consent as rule
from regulars.customers.rules.consent import ANY, CHANNELS, PURPOSES, SENSITIVE, SOURCES, Verdict, Word
from regulars.customers.rules.sheet import SHEET
from regulars.sales.actions import today
from regulars.sales.models import Batch
from regulars.sales.rules.sensitive import KINDS, MINOR_BELOW, is_id_number, kind_of
from regulars.shop import bulk, vault
from regulars.shop.models import Business, Hold, Staff, audit
from regulars.shop.words import Refused, Words

FUTURE = Words("同意的日期在将来，请检查", "The day of a consent lies in the future; please check it")


# --- saying it -------------------------------------------------------------------------------------------------------


def wording_of(purpose: str, on: date) -> Wording:
    """The words that hold for a purpose; a changed text is kept as a new version the first time it is used."""
    text = PURPOSES[purpose].wording
    last = Wording.objects.filter(purpose=purpose).order_by("-version").first()
    if last is not None and (last.zh, last.en) == tuple(text):
        return last
    version = last.version + 1 if last else 1
    return Wording.objects.get_or_create(
        purpose=purpose, version=version, defaults={"zh": text.zh, "en": text.en, "since": on}
    )[0]


def say_consent(
    customer: Customer, purpose: str, granted: bool, *, source: str, on: date, channel: str = ANY, said_on: date | None = None,
    until: date | None = None, by: Staff | None = None,
) -> Consent:  # fmt: skip
    """Write down what she has said about one purpose over one channel. `on`: the shop's day; `said_on`: the day on
    which she said it, where that was earlier. The words that she agreed to are kept with a yes.

    A no to a sensitive kind deletes what the shop has written down of that kind; a no to all care and contact is
    `withdraw_all`.
    """
    if purpose not in PURPOSES or channel not in CHANNELS or source not in SOURCES:
        raise Refused(Words("没有这个用途、方式或来源", "There is no such purpose, channel or source"))
    day = said_on or on
    if day > on:
        raise Refused(FUTURE)
    if until is not None and until < day:
        raise Refused(Words("到期日早于同意的日子", "It would end before it began"))
    kind = next((k for k, p in SENSITIVE.items() if p == purpose), "")
    if granted and kind and kind not in switched_on():
        raise Refused(
            Words(
                "店里没有开启「{k}」，不能记这项同意；先在「设置 · 隐私」里开启",
                "{k} is switched off in this shop; switch it on under Settings → Privacy first",
            ).fill(k=KINDS[kind])
        )
    if not PURPOSES[purpose].reaches:
        channel = ANY
    root = customer.merged_into or customer
    with transaction.atomic():
        made = Consent.objects.create(
            customer=root, purpose=purpose, channel=channel, granted=granted, source=source, on=day,
            until=until if granted else None, by=by, wording=wording_of(purpose, on) if granted else None,
        )  # fmt: skip
        if kind and not granted:
            forget_sensitive(root, kind)
        audit(
            "consent" if granted else "withdraw-consent", f"customer {root.pk}", by=by,
            detail={"purpose": purpose, "channel": channel, "source": source},
        )  # fmt: skip
    return made


WITHDRAWN = ("care", "marketing", *SENSITIVE.values())
"""What one step takes back. Service messages go on (she has a booking), grading is refused by a step of its own."""


def withdraw_all(customer: Customer, *, source: str, on: date, by: Staff | None = None) -> list[Consent]:
    """She takes everything back, in one step: nobody reaches out to her any more, and what is sensitive is deleted.
    Said again it changes nothing."""
    root = customer.merged_into or customer
    with transaction.atomic():
        now = standing(root)
        made = []
        for purpose in WITHDRAWN:
            words = {k: w for k, w in now.items() if k[0] == purpose}
            last = max(words.items(), key=lambda kw: kw[1].number, default=None)
            if last is not None and last[0][1] == ANY and not last[1].granted:
                continue
            if last is None and PURPOSES[purpose].asks and purpose != "marketing":
                continue  # nothing to take back
            made.append(say_consent(root, purpose, False, source=source, on=on, by=by))
        if not Hold.objects.filter(person=root.pk, rule="", channel="", until=None).exists():
            Hold.objects.create(person=root.pk, by=by)
            audit("hold", f"customer {root.pk}", by=by)
    return made


def refuse_automation(
    customer: Customer, refuses: bool, *, source: str, on: date, by: Staff | None = None
) -> bool:
    """She refuses decisions that the system makes alone, or takes that back. Returns whether that changed anything."""
    if rule.refuses_automation(standing(customer), on) == refuses:
        return False
    say_consent(customer, "profiling", not refuses, source=source, on=on, by=by)
    return True


# --- asking ----------------------------------------------------------------------------------------------------------


def standing(customer: Customer) -> dict[tuple[str, str], Word]:
    """(purpose, channel) → her latest word on it."""
    root = customer.merged_into or customer
    return once(customer, "standing", lambda: _standing(family_of(root)))


def _standing(family: list[int]) -> dict[tuple[str, str], Word]:
    words = Consent.objects.filter(customer__in=family).values_list(
        "purpose", "channel", "granted", "on", "id", "until"
    )
    return rule.latest((p, c, Word(g, on, number, until)) for p, c, g, on, number, until in words)


def history(customer: Customer) -> list[Consent]:
    """All that she has ever said, the latest first."""
    family = family_of(customer.merged_into or customer)
    return list(Consent.objects.filter(customer__in=family).select_related("by", "wording").order_by("-id"))


def is_minor(customer: Customer, on: date) -> bool:
    """Whether her birthday says that she is under 14; without a year of birth nobody knows."""
    return _is_child(customer.birthday, on)


def allowed(customer: Customer, purpose: str, channel: str, on: date) -> Verdict:
    """Whether something may be done for a purpose over a channel today, and why."""
    root = customer.merged_into or customer
    return rule.allowed(standing(root), purpose, channel, on, is_minor=is_minor(root, on))


def all_standings() -> dict[int, dict[tuple[str, str], Word]]:
    """The latest words of everybody who has ever said one, read through merging."""
    consent, customer = Consent._meta.db_table, Customer._meta.db_table
    found: dict[int, list[tuple[str, str, Word]]] = defaultdict(list)
    rows = bulk.rows(
        f"SELECT COALESCE(c.merged_into_id, c.id), w.purpose, w.channel, w.granted, w.id, w.until FROM {consent} w "
        f"JOIN {customer} c ON c.id = w.customer_id"
    )
    for owner, purpose, channel, granted, number, until in rows:
        until = date.fromisoformat(until) if isinstance(until, str) else until
        found[owner].append((purpose, channel, Word(bool(granted), date.min, number, until)))
    return {owner: rule.latest(words) for owner, words in found.items()}


@dataclass(frozen=True)
class Closed:
    """Who can't be turned to, for a plan over everybody: customer → channels of care that are shut, and who has refused
    decisions made by the system alone."""

    shut: dict[int, frozenset[str]]
    refuses_automation: set[int]

    def __bool__(self) -> bool:
        return bool(self.shut or self.refuses_automation)


def shut_channels(on: date) -> Closed:
    """What consent shuts on a day, over everybody: in two queries, and only those who are not as everybody."""
    said = all_standings()
    minors = _minors(on)
    shut = {
        c: closed
        for c in {*said, *minors}
        if (closed := rule.shut(said.get(c, {}), on, is_minor=c in minors))
    }
    return Closed(shut, {c for c, words in said.items() if rule.refuses_automation(words, on)})


def _minors(on: date) -> set[int]:
    """Customers whose year of birth makes them younger than 14."""
    years = [f"%{on.year - k:04d}-%" for k in range(MINOR_BELOW + 1)]
    where = " OR ".join(["birthday LIKE %s"] * len(years))
    rows = bulk.rows(
        f"SELECT id, birthday FROM {Customer._meta.db_table} WHERE birthday <> '' AND ({where})", years
    )
    return {i for i, birthday in rows if _is_child(birthday, on)}


def agreed(purpose: str, channel: str, customers: Iterable[int], on: date) -> dict[int, Verdict]:
    """The verdict on many customers at once: whom a message of one purpose may go to, and why not to the others."""
    said, minors = all_standings(), _minors(on)
    return {c: rule.allowed(said.get(c, {}), purpose, channel, on, is_minor=c in minors) for c in customers}


# --- sensitive facts -------------------------------------------------------------------------------------------------


def switched_on() -> frozenset[str]:
    """The sensitive kinds that the shop has switched on."""
    kinds = Business.objects.values_list("sensitive", flat=True).first() or ()
    return frozenset(kinds) & set(KINDS)


def sensitive_allowed(
    business: Business | None,
    customer: Customer,
    kind: str,
    *,
    on: date | None = None,
    reader: Staff | None = None,
) -> Verdict:
    """Whether a value of a sensitive kind may be written or read: the kind is switched on, she has agreed to it
    separately, and (`reader`) the post of whoever reads brings the ability."""
    if business is None or kind not in (business.sensitive or ()):
        return Verdict(
            False, Words("店里没有开启「{k}」", "{k} is switched off in this shop").fill(k=KINDS[kind])
        )
    word = rule.word_on(standing(customer), SENSITIVE[kind], ANY, on or today())
    if word is None or not word.granted:
        return Verdict(
            False,
            Words("她没有单独同意记「{k}」", "She has not separately agreed to {k}").fill(k=KINDS[kind]),
        )
    if reader is not None and not reader.may("sensitive"):
        return Verdict(False, Words("您的岗位不看敏感信息", "Your post does not see sensitive facts"))
    return Verdict(True, Words("{d} 单独同意过", "agreed separately on {d}").fill(d=word.on))


def kind_of_value(key: str, value: str) -> str:
    """The sensitive kind of something that is about to be written: by the field of the file that it fills, by its key, or
    because it is an identity number."""
    field = next((f for f in SHEET if f.key == key), None)
    return (field.sensitive if field else "") or kind_of(key) or ("id" if is_id_number(value) else "")


def may_write(customer: Customer, key: str, value: str) -> None:
    """Raise Refused where a value is sensitive and she or the shop has not agreed to its being kept."""
    kind = kind_of_value(key, value)
    if kind:
        verdict = sensitive_allowed(Business.objects.first(), customer, kind)
        if not verdict:
            raise Refused(verdict.why)


def forget_sensitive(customer: Customer, kind: str) -> int:
    """Delete what was written down of one sensitive kind. Children are their birthdays, which stay: they shut doors."""
    family = family_of(customer)
    hers = Detail.objects.filter(customer__in=family) | Detail.objects.filter(
        identity__link__customer__in=family
    )
    found = [d.pk for d in hers if kind_of_value(d.key, d.plain or str(d.sealed or "")) == kind]
    Detail.objects.filter(pk__in=found).delete()
    return len(found)


MINORS = Words(
    "有 {n} 位不满 14 周岁：在监护人同意之前不联系、不发营销。请在她们的档案里记下监护人的同意",
    "{n} are under 14: nobody contacts them and they get no marketing before a guardian agrees. Please write the "
    "guardian's consent into their files",
)


def shut_out(batch: Batch) -> None:
    """After a batch is taken up: of sensitive columns only the words about those who have agreed separately stay, in
    the details and nowhere else; and how many children the batch names is told."""
    extras = f"batch-{batch.id}-extras"
    table = vault.get_table(extras)
    if table is None:
        return
    columns = {c: kind for c in table.column_names if (kind := kind_of(c))}
    if columns:
        vault.put_table(extras, table.drop_columns(list(columns)))
        said = Detail.objects.filter(batch=batch, key__in=[c[:60] for c in columns])
        owners = dict(said.values_list("id", "identity__link__customer"))
        family = dict(Customer.objects.filter(pk__in=set(owners.values())).values_list("id", "merged_into"))
        words = all_standings()
        refused = [
            pk
            for pk, key in said.values_list("id", "key")
            if not _agreed(words.get(family.get(owners[pk]) or owners[pk], {}), kind_of(key), batch.at.date())
        ]
        for chunk in bulk.in_chunks(refused):
            Detail.objects.filter(pk__in=chunk).delete()
    if "birthday" in table.column_names or "lunar_birthday" in table.column_names:
        named = Detail.objects.filter(batch=batch, key="birthday").values_list(
            "identity__link__customer", "plain"
        )
        children = {c for c, plain in named if _is_child(plain, batch.at.date())}
        if children:
            batch.warnings = [*batch.warnings, list(MINORS.fill(n=len(children)))]
            batch.save(update_fields=["warnings"])


def _agreed(words: rule.Standing, kind: str, on: date) -> bool:
    word = rule.word_on(words, SENSITIVE[kind], ANY, on)
    return word is not None and word.granted


def _is_child(birthday: str, on: date) -> bool:
    age = age_of(birthday, on)
    return age is not None and age < MINOR_BELOW
