"""The API for programs of the shop: what the pages show, as JSON, under the same rules of who may see what.

Two ways in: the cookie of a login (what changes something then needs the CSRF token), or `Authorization: Bearer KEY`
with a key made in the settings. Money is in yuan, days are ISO dates, sentences are in the language of the person
whose key it is; `?lang=en` asks for the other one. Phones stay masked. Described by OpenAPI at `openapi.json`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import wraps
from typing import Annotated, Any, Literal

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Body, NinjaAPI, Path, Query, Router, Schema
from ninja.security import HttpBearer, SessionAuth
from pydantic import Field

from regulars import daily
from regulars.care import actions as care
from regulars.care.models import DayPlan, Task
from regulars.care.queries import ended_on, open_on, team_of
from regulars.customers import consents
from regulars.customers.file import fullness, relatives_of, said_of, sheet, tags_of, visit_notes_of
from regulars.customers.models import Customer, Likely
from regulars.customers.pairs import open_records, pairs_of, record, sides
from regulars.customers.queries import called, identities_of, listed, search
from regulars.customers.rules.completeness import is_stale
from regulars.customers.rules.consent import ANY, CHANNELS, PURPOSES
from regulars.customers.rules.consent import allowed as allowed_by
from regulars.customers.sight import sees
from regulars.facts import catalogue
from regulars.grading.actions import in_force, loaded
from regulars.grading.models import GradeRun, Standing
from regulars.grading.queries import Explained, distribution, missing_for, moved, portrait
from regulars.playbooks.playbook import Playbook, library
from regulars.sales.actions import problems_of
from regulars.sales.models import Batch
from regulars.sales.queries import batches_of
from regulars.shop import readings
from regulars.shop.actions import ask_for, token_digest
from regulars.shop.engine import day_of
from regulars.shop.models import ApiToken, Staff, Store
from regulars.shop.rules.doors import KEY, SEARCH
from regulars.shop.words import Refused, Words
from regulars.web.doors import network
from regulars.web.may import may
from regulars.web.shown_file import asked_by, seen_among, spoken_field
from regulars.web.throttle import SLOWER, Tries, too_fast

A_PAGE = 50
USED_EVERY = timedelta(hours=1)
"""How exactly the last use of a key is remembered: a poll every second is no reason to write every second."""


# --- who may come in -------------------------------------------------------------------------------------------------


class Bearer(HttpBearer):
    """A key in the Authorization header."""

    openapi_name = "key"

    def authenticate(self, request: HttpRequest, token: str) -> Staff | None:
        found = (
            ApiToken.objects.select_related("staff")
            .filter(digest=token_digest(token), staff__is_active=True)
            .first()
        )
        if found is None:
            tries = Tries("key", network(request), KEY)
            if seconds := tries.wait():
                raise TooMany(seconds)
            tries.wrong()
            return None
        if not found.may_write and request.method not in ("GET", "HEAD"):
            raise Denied
        now = timezone.now()
        if found.used_at is None or now - found.used_at > USED_EVERY:
            ApiToken.objects.filter(pk=found.pk).update(used_at=now)
        request.user = found.staff
        request.lang = found.staff.lang or (request.business.lang if request.business else "zh")  # type: ignore[attr-defined]
        return found.staff


class Session(SessionAuth):
    """The cookie of a login."""

    openapi_name = "session"

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        return request.user if may(request.user, "look") else None


class TooMany(Exception):
    """Somebody asks faster than anybody may, or tries keys."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Denied(Exception):
    """Somebody asks for what is not hers to see or to do."""


def needs(ability: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """An operation for those who may do this; the same abilities as the pages."""

    def wrap(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def checked(request: Any, *args: Any, **kwargs: Any) -> Any:
            if not may(request.user, ability):
                raise Denied
            return view(request, *args, **kwargs)

        checked.needs = ability  # type: ignore[attr-defined]
        return checked

    return wrap


# --- shapes ----------------------------------------------------------------------------------------------------------

Yuan = Annotated[float, Field(description="元，两位小数。Yuan, two decimals.")]
Number = Annotated[int, Path(ge=1, le=2**62)]
Day = Annotated[
    date | None,
    Query(ge=date(1970, 1, 1), le=date(2199, 12, 31), description="哪一天，默认今天。Which day; today."),
]
Lang = Annotated[Literal["zh", "en"] | None, Query(description="句子用哪种语言。Language of the sentences.")]


class Wrong(Schema):
    """What went wrong, as a sentence in both languages."""

    zh: str
    en: str


class Invalid(Schema):
    """Which part of the request can't be read."""

    detail: list[dict[str, Any]]


class Bilingual(Schema):
    zh: str
    en: str


class GradeHeld(Schema):
    playbook: str
    scale: str
    grade: str


class CustomerRow(Schema):
    id: int
    name: str = Field(description="名字；没有名字就是会员号。The name, else the member number.")
    phone_tail: str
    grades: list[GradeHeld]
    first_visit_on: date | None
    last_visit_on: date | None
    visits: int
    spend: Yuan
    visits_in_12_months: int
    spend_in_12_months: Yuan
    usual_gap_days: float | None


class CustomerPage(Schema):
    items: list[CustomerRow]
    next: str | None = Field(
        description="下一页的 after；没有下一页是 null。The `after` of the next page, or null."
    )


class IdentityOut(Schema):
    kind: str
    shown: str = Field(description="手机号打码。Phones are masked.")


class Condition(Schema):
    fact: str
    value: Any = None
    sign: str
    threshold: Any = None
    margin: float | None = None
    holds: bool


class Next(Schema):
    grade: str
    needs: list[Condition]
    enough: int | None = Field(None, description="`needs` 里有几条就够。So many of `needs` will do.")
    by: date | None = None
    visits: int | None = None
    without_visit: bool = False


class ExplainedOut(Schema):
    playbook: str
    version: str
    scale: str
    grade: str
    since: date | None
    conditions: list[Condition]
    next: list[Next]


class FieldOut(Schema):
    key: str
    name: str
    group: str
    value: str
    said: str = Field(description="念出来是什么。The value as a person says it.")
    said_on: date | None
    is_stale: bool


class RelativeOut(Schema):
    relation: str
    name: str
    birthday: str | None = Field(description="solar 2019-06-01, lunar --08-15")
    customer: int | None


class VisitNoteOut(Schema):
    on: date
    occasion: str
    party_size: int | None
    companions: str
    seat: str
    feedback: str
    served_by: str


class FileOut(Schema):
    """档案：没有电话、地址这些打码的。The file, without what is masked (phones, addresses)."""

    known: int = Field(description="该知道的里知道几项。Of what is wanted so many are known.")
    wanted: int
    ask: str | None = Field(description="下次来问的一句。What to ask at the next visit.")
    fields: list[FieldOut]
    people: list[RelativeOut]
    visits: list[VisitNoteOut]
    tags: list[str]


class CustomerOut(CustomerRow):
    on: date
    identities: list[IdentityOut]
    file: FileOut | None = Field(description="看得到档案的人才有。Only for those who may read the file.")
    facts: dict[str, Any] = Field(
        description="金额是元，日期是 ISO，不知道是 null。Yuan, ISO dates, null when unknown."
    )
    explained: list[ExplainedOut]


class GradeShareOut(Schema):
    grade: str
    customers: int
    spend: Yuan
    visits: int
    share_of_customers: float
    share_of_spend: float


class ScaleOut(Schema):
    scale: str
    grades: list[GradeShareOut]


class RunOut(Schema):
    playbook: str
    version: str
    on: date
    customers: int
    changed: int
    scales: list[ScaleOut]


class ChangeOut(Schema):
    customer: int
    name: str
    playbook: str
    version: str
    scale: str
    was: str
    grade: str
    on: date
    conditions: list[Condition]


class CustomerShort(Schema):
    id: int
    name: str
    phone_tail: str


class TaskOut(Schema):
    task: int
    customer: CustomerShort
    staff: str | None
    rule: str
    why: str
    do: str
    channel: str
    say: str
    minutes: int
    cost: Yuan
    due: date
    rank: int
    fits: bool
    state: str
    grade: str


class Result(Schema):
    how: Literal["done", "not-reached", "postponed", "not-wanted"]
    note: str = Field("", max_length=1000, pattern=r"^[^\x00]*$")
    until: date | None = Field(None, ge=date(1970, 1, 1), le=date(2199, 12, 31))


class PairSide(Schema):
    id: int
    name: str
    phones: list[str] = Field(description="打码。Masked.")
    numbers: list[str]
    visits: int
    last_visit_on: date | None


class PairOut(Schema):
    pair: int
    kind: str = Field(description="merge 或 family。")
    strength: str = Field(description="sure 或 weak。")
    reasons: list[str]
    state: str
    one: PairSide
    other: PairSide


class PairPage(Schema):
    items: list[PairOut]
    next: int | None


class Answer(Schema):
    how: Literal["merged", "family", "different"]
    why: str = Field("", max_length=200, pattern=r"^[^\x00]*$")


class PlaybookScale(Schema):
    key: str
    grades: list[str]


class PlaybookRow(Schema):
    key: str
    name: Bilingual
    version: str
    scales: list[PlaybookScale]
    missing_facts: list[str]
    in_force: bool


class PlaybookOut(PlaybookRow):
    says: Bilingual
    facts: list[str]


class ImportRow(Schema):
    batch: int
    at: Any = Field(json_schema_extra={"type": "string", "format": "date-time"})
    files: list[str]
    reader: str
    state: str
    rows: int
    new: int
    known: int
    refused: int
    customers: int
    warnings: list[str]
    covers_from: date | None
    covers_until: date | None


class ImportPage(Schema):
    items: list[ImportRow]
    next: int | None


class ProblemOut(Schema):
    row: int | None
    column: str
    value: str
    reason: str
    hint: str


class ImportOut(ImportRow):
    problems: list[ProblemOut]


class StoreOut(Schema):
    name: str
    known_until: date | None
    is_open: bool


class Paused(Schema):
    rule: str
    store: str
    why: Bilingual


class Freshness(Schema):
    on: date
    last_day_run_on: date | None
    stores: list[StoreOut]
    paused: list[Paused]


ALWAYS: dict[int, Any] = {401: Wrong, 403: Wrong, 422: Invalid, 429: Wrong}
ONE: dict[int, Any] = {**ALWAYS, 404: Wrong}

# --- operations ------------------------------------------------------------------------------------------------------

router = Router()


def the_day(request: Any, on: date | None) -> date:
    found: date = on or request.today
    return found


@router.get(
    "/freshness",
    response={200: Freshness, **ALWAYS},
    tags=["shop"],
    summary="数据到哪天。Until when the data reach.",
)
@needs("look")
def freshness(request: Any) -> Any:
    plan = DayPlan.objects.filter(on=request.today).first()
    return {
        "on": request.today,
        "last_day_run_on": request.business.last_day_run_on if request.business else None,
        "stores": list(Store.objects.order_by("id")),
        "paused": [
            {"rule": r, "store": s, "why": {"zh": zh, "en": en}}
            for r, s, zh, en in (plan.paused if plan else [])
        ],
    }


@router.get(
    "/customers", response={200: CustomerPage, **ALWAYS}, tags=["customers"], summary="顾客。Customers."
)
@needs("look")
def customers(
    request: Any,
    search_: Annotated[
        str, Query(alias="search", max_length=60, description="手机尾号、名字、拼音、会员号。")
    ] = "",
    grade: Annotated[str, Query(max_length=81, description="`a` 或 `scale.a`。")] = "",
    after: Annotated[
        str | None,
        Query(pattern=r"^-?\d{1,15}\.\d{1,18}$", description="上一页的 next。`next` of the page before."),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = A_PAGE,
) -> Any:
    """Who spent most in the last 12 months comes first. A search finds at most `limit`, the best hit first."""
    text = search_.strip()
    if text:
        if seconds := too_fast("search", str(request.user.pk), SEARCH):
            raise TooMany(seconds)
        readings.count(request.user, "search", request.today)
        return {"items": rows(search(text, limit, request.user), request.user), "next": None}
    spend, _, number = (after or "").partition(".")
    found = listed(
        only=_with_grade(grade),
        viewer=request.user,
        after=(int(spend), int(number)) if after else None,
        limit=limit,
    )
    page = found[:limit]
    more = len(found) > limit
    return {
        "items": rows(page, request.user),
        "next": f"{page[-1].portrait.spend_in_12_months}.{page[-1].id}" if more else None,
    }


def _with_grade(grade: str) -> Q | None:
    if not grade:
        return None
    holding = in_force()
    scale, _, key = grade.rpartition(".")
    meant = {"standings__grade": key, "standings__playbook": holding[0].playbook.key if holding else ""}
    return Q(**meant, standings__scale=scale or (holding[0].playbook.scales[0].key if holding else ""))


def rows(people: list[Customer], viewer: Staff) -> list[dict[str, Any]]:
    """Customers as a list shows them to somebody, in a handful of queries however many they are."""
    names = called(people, viewer)
    grades: dict[int, list[dict[str, str]]] = {}
    keys = [h.playbook.key for h in in_force()]
    for s in Standing.objects.filter(customer__in=[c.id for c in people], playbook__in=keys).order_by("id"):
        grades.setdefault(s.customer_id, []).append(
            {"playbook": s.playbook, "scale": s.scale, "grade": s.grade}
        )
    found = []
    for c in people:
        drawn = getattr(c, "portrait", None)
        found.append({
            "id": c.id, "name": names[c.id].name, "phone_tail": names[c.id].tail, "grades": grades.get(c.id, []),
            "first_visit_on": drawn.first_visit_on if drawn else None, "last_visit_on": drawn.last_visit_on if drawn else None,
            "visits": drawn.visits if drawn else 0, "spend": (drawn.spend if drawn else 0) / 100,
            "visits_in_12_months": drawn.visits_in_12_months if drawn else 0,
            "spend_in_12_months": (drawn.spend_in_12_months if drawn else 0) / 100,
            "usual_gap_days": drawn.usual_gap_days if drawn else None,
        })  # fmt: skip
    return found


@router.get(
    "/customers/{number}",
    response={200: CustomerOut, **ONE},
    tags=["customers"],
    summary="一位顾客。One customer.",
)
@needs("look")
def customer(request: Any, number: Number, on: Day = None) -> Any:
    """Her facts, drawn now; the grade on every scale, why, and what would change it."""
    who = get_object_or_404(
        Customer.objects.select_related("portrait", "merged_into"), id=number, is_gone=False
    )
    who = who.merged_into or who
    if not sees(request.user, who):
        raise NotThere
    by_name = sees(request.user, who, "names")
    readings.count(request.user, "open", request.today)
    drawn = portrait(who, the_day(request, on))
    facts = spoken(drawn.facts)
    row = rows([who], request.user)[0]
    return {
        **row, **{key: facts[key] for key in row if facts.get(key) is not None}, "on": drawn.on,
        "grades": [{"playbook": e.playbook.key, "scale": e.scale.key, "grade": e.grade} for e in drawn.grades],
        "identities": [{"kind": i.kind, "shown": i.shown} for i in identities_of(who)] if by_name else [],
        "file": filed(request, who, drawn.on) if by_name else None,
        "facts": facts,
        "explained": [_explained(e) for e in drawn.grades],
    }  # fmt: skip


@router.get(
    "/duplicates",
    response={200: PairPage, **ALWAYS},
    tags=["customers"],
    summary="可能是同一个人的。Who may be one person, or one family.",
)
@needs("merge")
def duplicates(
    request: Any,
    weak: Annotated[bool, Query(description="也要不太像的。Also those who look less alike.")] = False,
    after: Annotated[int, Query(ge=0, le=2**62, description="上一页的 next。`next` of the page before.")] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = A_PAGE,
    lang: Lang = None,
) -> Any:
    """Proposals that wait for an answer, in the order in which they were found, each with its reasons."""
    found = open_records(lang or request.lang, weak=weak, after=after, limit=limit + 1, viewer=request.user)
    return {"items": found[:limit], "next": found[limit - 1]["pair"] if len(found) > limit else None}


@router.post(
    "/duplicates/{number}/answer",
    response={200: PairOut, **ONE, 409: Wrong},
    tags=["customers"],
    summary="回答。Answer: one person, a family, or two people.",
)
@needs("merge")
def answer(request: Any, number: Number, said: Annotated[Answer, Body()], lang: Lang = None) -> Any:
    """`merged` makes the two files one customer until it is taken back. Two people can't answer one pair: 409."""
    pair = daily.decide(
        get_object_or_404(pairs_of(request.user), pk=number), said.how, by=request.user, why=said.why
    )
    return _answered(request, pair, lang)


@router.delete(
    "/duplicates/{number}/answer",
    response={200: PairOut, **ONE, 409: Wrong},
    tags=["customers"],
    summary="撤回。Take the answer back.",
)
@needs("merge")
def undo_answer(request: Any, number: Number, lang: Lang = None) -> Any:
    """At any later time; each has her own again."""
    return _answered(
        request, daily.reopen(get_object_or_404(pairs_of(request.user), pk=number), by=request.user), lang
    )


def _answered(request: Any, pair: Likely, lang: str | None) -> dict[str, Any]:
    ask_for("redraw", {"customers": []}, by=request.user)
    return record(pair, sides([pair.one, pair.other]), lang or request.lang)


def filed(request: Any, who: Customer, on: date) -> dict[str, Any]:
    """Her file as far as the asker may see it; what is masked on pages stays out altogether."""
    lang, people = request.lang, relatives_of(who)
    seen = seen_among(request.user, people)
    fields = sheet(request.business, request.user, is_company=who.is_company, customer=who)
    said = said_of([who.pk])[who.pk]
    grade, care = asked_by(in_force())
    full = fullness([who], request.business, on, for_grade=grade, for_care=care, fields=fields)[who.pk]
    ask = full.next_question()
    rows = []
    for one in fields:
        word = said.get(one.key)
        if word is None or not word.value or one.is_masked:
            continue
        spoken_as = spoken_field(one, word.value)
        rows.append({
            "key": one.key, "name": one.name.say(lang), "group": one.group, "value": word.value,
            "said": spoken_as if isinstance(spoken_as, str) else spoken_as.say(lang), "said_on": word.on,
            "is_stale": is_stale(one, word, on),
        })  # fmt: skip
    return {
        "known": full.known, "wanted": full.wanted, "ask": ask.field.ask.say(lang) if ask and ask.field.ask else None, "fields": rows,
        "people": [
            {"relation": r.relation, "name": str(r.name), "birthday": r.birthday, "customer": r.other_id if r.other_id in seen else None}
            for r in people
        ],
        "visits": [
            {"on": v.day, "occasion": v.occasion, "party_size": v.party_size, "companions": str(v.companions or ""), "seat": str(v.seat or ""),
             "feedback": str(v.feedback or ""), "served_by": v.served_by.name if v.served_by else ""}
            for v in visit_notes_of(who)
        ],
        "tags": [one.tag.name for one in tags_of(who)],
    }  # fmt: skip


class ConsentOut(Schema):
    purpose: str
    channel: str
    granted: bool
    source: str
    on: date
    until: date | None
    wording: Bilingual | None = Field(description="给她看的话。The words that she was shown.")


class Allowed(Schema):
    purpose: str
    channel: str
    allowed: bool
    why: Bilingual


class ConsentsOut(Schema):
    allowed: list[Allowed]
    said: list[ConsentOut] = Field(description="说过的每一句，新的在前。All she has said, the latest first.")


class ConsentIn(Schema):
    purpose: Annotated[str, Field(max_length=20, pattern=r"^[a-z:]+$", description="marketing, care, …")]
    granted: bool
    channel: Literal["any", "call", "sms", "wechat", "mail", "visit"] = "any"
    source: Literal["counter", "paper", "member-page", "phone", "api"] = "api"
    on: date | None = Field(None, ge=date(1970, 1, 1), le=date(2199, 12, 31))
    until: date | None = Field(None, ge=date(1970, 1, 1), le=date(2199, 12, 31))


def _hers(request: Any, number: int, ability: str) -> Customer:
    who = Customer.objects.select_related("merged_into").filter(id=number, is_gone=False).first()
    if who is None or not sees(request.user, who, ability):
        raise NotThere
    return who.merged_into or who


@router.get(
    "/customers/{number}/consents", response={200: ConsentsOut, **ONE}, tags=["customers"], summary="她同意了什么。What she has agreed to."
)  # fmt: skip
@needs("look")
def consents_of(request: Any, number: Number) -> Any:
    """What may be done for which purpose over which channel today, why, and every word that says so."""
    return _consents(_hers(request, number, "look"), request.today)


def _consents(who: Customer, on: date) -> dict[str, Any]:
    standing, minor = consents.standing(who), consents.is_minor(who, on)
    allowed = []
    for purpose in PURPOSES.values():
        for channel in [c for c in CHANNELS if c != ANY] if purpose.reaches else [ANY]:
            verdict = allowed_by(standing, purpose.key, channel, on, is_minor=minor)
            why = {"zh": verdict.why.zh, "en": verdict.why.en}
            allowed.append({"purpose": purpose.key, "channel": channel, "allowed": verdict.holds, "why": why})
    said = [
        {
            "purpose": c.purpose, "channel": c.channel, "granted": c.granted, "source": c.source, "on": c.on, "until": c.until,
            "wording": {"zh": c.wording.zh, "en": c.wording.en} if c.wording else None,
        }
        for c in consents.history(who)
    ]  # fmt: skip
    return {"allowed": allowed, "said": said}


@router.post(
    "/customers/{number}/consents", response={200: ConsentsOut, **ONE, 409: Wrong}, tags=["customers"], summary="记一句她说的。Write down a word of hers."
)  # fmt: skip
@needs("contact")
def say_consent(request: Any, number: Number, said: Annotated[ConsentIn, Body()]) -> Any:
    """Yes or no to one purpose over one channel. Nothing is overwritten; the latest word counts."""
    who = _hers(request, number, "contact")
    consents.say_consent(
        who, said.purpose, said.granted, channel=said.channel, source=said.source, on=request.today, said_on=said.on,
        until=said.until, by=request.user,
    )  # fmt: skip
    return _consents(who, request.today)


@router.post(
    "/customers/{number}/withdrawal", response={200: ConsentsOut, **ONE}, tags=["customers"], summary="全部撤回。Take everything back."
)  # fmt: skip
@needs("contact")
def withdraw(request: Any, number: Number) -> Any:
    """In one step: nobody reaches out to her any more, and what is sensitive is deleted."""
    who = _hers(request, number, "contact")
    daily.withdraw_all(who, source="api", on=request.today, by=request.user)
    return _consents(who, request.today)


INTERNAL = ("customer", "on", "known_until", "week_bits", "last_visit_mark", "last_store_mark")
"""Columns of a portrait that only other facts are made of."""


def spoken(facts: dict[str, Any]) -> dict[str, Any]:
    """Facts as JSON carries them: yuan, ISO dates, the name of a store, null for unknown."""
    found: dict[str, Any] = {}
    for key, value in facts.items():
        if key in INTERNAL:
            continue
        fact = catalogue.get(key)
        if value is None or value != value:
            found[key] = None
        elif key == "last_store":
            found[key] = Store.objects.filter(id=value).values_list("name", flat=True).first()
        elif fact.unit == "yuan":
            found[key] = round(value / 100, 2)
        elif fact.type == "date":
            found[key] = day_of(int(value)).isoformat()
        else:
            found[key] = round(value, 4) if isinstance(value, float) else value
    return found


def _explained(e: Explained) -> dict[str, Any]:
    return {
        "playbook": e.playbook.key, "version": e.playbook.version, "scale": e.scale.key, "grade": e.grade,
        "since": e.since, "conditions": e.conditions, "next": e.next,
    }  # fmt: skip


@router.get(
    "/grades",
    response={200: list[RunOut], **ALWAYS},
    tags=["grades"],
    summary="各级人数和钱。Customers and money by grade.",
)
@needs("see-grades")
def grades(request: Any) -> Any:
    """The last run of each playbook in force, the leading one first."""
    found = []
    for holds in in_force():
        run = GradeRun.objects.filter(playbook=holds.playbook.key).order_by("-on", "-id").first()
        if run is None:
            continue
        scales = [
            {"scale": s.key, "grades": [
                {"grade": g.key, "customers": g.customers, "spend": g.spend / 100, "visits": g.visits,
                 "share_of_customers": g.share_of_customers, "share_of_spend": g.share_of_spend}
                for g in distribution(run, s)
            ]}
            for s in holds.playbook.scales
        ]  # fmt: skip
        found.append({
            "playbook": run.playbook, "version": run.version, "on": run.on, "customers": run.customers,
            "changed": run.changed, "scales": scales,
        })  # fmt: skip
    return found


@router.get(
    "/grades/changes",
    response={200: list[ChangeOut], **ALWAYS},
    tags=["grades"],
    summary="谁升谁降。Who moved.",
)
@needs("see-grades")
def changes(
    request: Any,
    since: Annotated[date, Query(ge=date(1970, 1, 1), le=date(2199, 12, 31))],
    playbook: Annotated[str, Query(max_length=40)] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Any:
    """Changes of grade since a day, the latest first, with the facts that decided. First gradings are no moves."""
    holding = in_force()
    key = playbook or (holding[0].playbook.key if holding else "")
    found = moved(key, since, limit, request.user)
    who = {c.id: c.customer.merged_into or c.customer for c in found}
    names = called(who.values(), request.user)
    return [
        {"customer": who[c.id].id, "name": names[who[c.id].id].name, "playbook": c.playbook, "version": c.version,
         "scale": c.scale, "was": c.was, "grade": c.grade, "on": c.on, "conditions": c.conditions}
        for c in found
    ]  # fmt: skip


@router.get(
    "/today", response={200: list[TaskOut], **ONE}, tags=["care"], summary="今天该做的事。Today's list."
)
@needs("look")
def today(
    request: Any, on: Day = None,
    staff: Annotated[str, Query(max_length=254, description="员工邮箱；空是自己的，all 是全店。E-mail; empty: one's own, all: everybody's.")] = "",
    waiting: Annotated[bool, Query(description="看排不下的。What did not fit.")] = False,
    done: Annotated[bool, Query(description="看做完的。What is done.")] = False,
    lang: Lang = None,
) -> Any:  # fmt: skip
    """Open tasks, best first. Somebody else's list is for those who manage."""
    whose: Staff | None = request.user
    if staff == "all" or (staff and staff.lower() != request.user.email.lower()):
        if not may(request.user, "team"):
            raise Denied
        whose = None if staff == "all" else get_object_or_404(Staff, email__iexact=staff)
    day = the_day(request, on)
    found = ended_on(day, whose) if done else open_on(day, whose, fits=not waiting)
    return tasks(list(found.filter(team_of(request.user))[:500]), lang or request.lang, request.user)


def tasks(found: list[Task], lang: str, viewer: Staff) -> list[dict[str, Any]]:
    who = {t.id: t.customer.merged_into or t.customer for t in found}
    names = called(who.values(), viewer)
    return [
        {
            "task": t.id,
            "customer": {"id": who[t.id].id, "name": names[who[t.id].id].name, "phone_tail": names[who[t.id].id].tail},
            "staff": t.staff.email if t.staff else None, "rule": t.rule, "why": Words(*t.why).say(lang), "do": Words(*t.do).say(lang),
            "channel": t.channel, "say": Words(*t.say).say(lang), "minutes": t.minutes, "cost": t.cost / 100, "due": t.due_on,
            "rank": n, "fits": t.fits, "state": t.state, "grade": t.grade,
        }
        for n, t in enumerate(found, 1)
    ]  # fmt: skip


def mine(request: Any, number: int) -> Task:
    """The task, if it stands on a list that this person works off."""
    mine = Task.objects.filter(team_of(request.user))
    return get_object_or_404(mine.select_related("customer__merged_into", "staff", "ended_by"), pk=number)


@router.post(
    "/today/{number}/result",
    response={200: TaskOut, **ONE, 409: Wrong},
    tags=["care"],
    summary="做完一件事。End a task.",
)
@needs("contact")
def result(request: Any, number: Number, said: Annotated[Result, Body()], lang: Lang = None) -> Any:
    """Done, not reached (tomorrow again), postponed (until a day), not wanted. Two people can't end one task: 409."""
    task = care.end(
        mine(request, number), said.how, by=request.user, on=request.today, note=said.note, until=said.until
    )
    return tasks([task], lang or request.lang, request.user)[0]


@router.delete(
    "/today/{number}/result",
    response={200: TaskOut, **ONE, 409: Wrong},
    tags=["care"],
    summary="撤回。Take it back.",
)
@needs("contact")
def undo_result(request: Any, number: Number, lang: Lang = None) -> Any:
    """Only what was ended today can be taken back."""
    task = care.reopen(mine(request, number), by=request.user, on=request.today)
    return tasks([task], lang or request.lang, request.user)[0]


@router.get(
    "/playbooks", response={200: list[PlaybookRow], **ALWAYS}, tags=["playbooks"], summary="打法。Playbooks."
)
@needs("look")
def playbooks(request: Any) -> Any:
    """All that ship, and which facts each still lacks in this shop."""
    holding, missing = {h.playbook.key: h.playbook for h in in_force()}, missing_for(library())
    return [_playbook(key, holding, missing) for key in library()]


def _playbook(key: str, holding: dict[str, Playbook], missing: dict[str, list[str]]) -> dict[str, Any]:
    book = holding.get(key) or loaded(key)
    return {
        "key": key, "name": {"zh": book.name.zh, "en": book.name.en}, "version": book.version,
        "scales": [{"key": s.key, "grades": [g.key for g in s.grades]} for s in book.scales],
        "missing_facts": missing[key], "in_force": key in holding,
    }  # fmt: skip


@router.get(
    "/playbooks/{key}",
    response={200: PlaybookOut, **ONE},
    tags=["playbooks"],
    summary="一个打法。One playbook.",
)
@needs("look")
def playbook(request: Any, key: Annotated[str, Path(max_length=40)]) -> Any:
    """Read aloud in both languages, with the shop's own numbers where it has some."""
    if key not in library():
        raise NotThere
    holding = {h.playbook.key: h.playbook for h in in_force()}
    book = holding.get(key) or loaded(key)
    says = {"zh": book.say("zh"), "en": book.say("en")}
    return {**_playbook(key, holding, missing_for([key])), "says": says, "facts": sorted(book.facts())}


@router.get("/imports", response={200: ImportPage, **ALWAYS}, tags=["sales"], summary="导入。Imports.")
@needs("sales")
def imports(
    request: Any, before: Annotated[int | None, Query(ge=1, le=2**62)] = None, limit: Annotated[int, Query(ge=1, le=200)] = A_PAGE,
    lang: Lang = None,
) -> Any:  # fmt: skip
    """The latest first."""
    found = batches_of(request.user).order_by("-id")
    page = list((found.filter(id__lt=before) if before else found)[: limit + 1])
    return {
        "items": [_import(b, lang or request.lang) for b in page[:limit]], "next": page[limit - 1].id if len(page) > limit else None,
    }  # fmt: skip


def _import(batch: Batch, lang: str) -> dict[str, Any]:
    return {
        "batch": batch.id, "at": batch.at.isoformat(), "files": batch.files, "reader": batch.reader, "state": batch.state, "rows": batch.rows,
        "new": batch.new, "known": batch.known, "refused": batch.refused, "customers": batch.customers,
        "warnings": [Words(*w).say(lang) for w in batch.warnings], "covers_from": batch.covers_from, "covers_until": batch.covers_until,
    }  # fmt: skip


@router.get(
    "/imports/{number}", response={200: ImportOut, **ONE}, tags=["sales"], summary="一次导入。One import."
)
@needs("sales")
def import_(request: Any, number: Number, lang: Lang = None) -> Any:
    """With the rows that were refused, as long as they are kept."""
    batch = get_object_or_404(batches_of(request.user), id=number)
    said = lang or request.lang
    return {**_import(batch, said), "problems": problems_of(batch, said)}


# --- the door --------------------------------------------------------------------------------------------------------


class NotThere(Exception):
    """There is no such thing here."""


api = NinjaAPI(
    title="Regulars 熟客", version="1", description=__doc__ or "", docs_url=None, auth=[Bearer(), Session()], urls_namespace="api-1",
)  # fmt: skip
api.add_router("", router)
api.add_router("", "regulars.web.api_till.router")  # by name: it is made of the shapes above


def _answer(status: int, words: Words) -> Callable[[HttpRequest, Any], HttpResponse]:
    def handler(request: HttpRequest, error: Any) -> HttpResponse:
        said = error.words if isinstance(error, Refused) else words
        return api.create_response(request, {"zh": said.zh, "en": said.en}, status=status)

    return handler


def _set_up() -> None:
    from django.http import Http404
    from ninja.errors import AuthenticationError, HttpError

    missing = _answer(404, Words("没有找到", "There is no such thing"))
    denied = _answer(403, Words("这个不归你看", "This is not yours to see or to do"))
    api.exception_handler(Refused)(_answer(409, Words("", "")))
    api.exception_handler(Denied)(denied)
    api.exception_handler(NotThere)(missing)
    api.exception_handler(Http404)(missing)
    api.exception_handler(AuthenticationError)(
        _answer(401, Words("请先登录，或带上钥匙", "Log in first, or send a key"))
    )

    def too_many(request: HttpRequest, error: Any) -> HttpResponse:
        said = SLOWER.fill(n=error.seconds)
        answer = api.create_response(request, {"zh": said.zh, "en": said.en}, status=429)
        answer["Retry-After"] = str(error.seconds)
        return answer

    api.exception_handler(TooMany)(too_many)

    def other(request: HttpRequest, error: Any) -> HttpResponse:
        if error.status_code == 403:  # a cookie without its CSRF token
            return denied(request, error)
        said = Words("请求读不懂", "The request can't be read")
        return api.create_response(request, {"zh": said.zh, "en": said.en}, status=error.status_code)

    api.exception_handler(HttpError)(other)


_set_up()
