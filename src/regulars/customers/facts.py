"""What people know about a customer: who she is, where she works, whom she brings. Given by staff, by a customer list
or by a later stage's records; unknown until then, and unknown never satisfies a condition."""

from __future__ import annotations

from typing import Any

from regulars.customers.rules.sheet import SHEET, as_fact
from regulars.playbooks.catalogue import Fact, Family, Standing, Unit, Window, catalogue
from regulars.shop.words import Words as W

OCCUPATIONS = {
    "student": W("学生", "student"), "teacher": W("老师", "teacher"), "worker": W("工人", "worker"),
    "supervisor": W("工厂主管", "factory supervisor"), "clerk": W("职员", "office clerk"),
    "key-staff": W("骨干员工", "key member of staff"), "manager": W("经理", "manager"),
    "executive": W("高管", "senior manager"), "owner": W("老板", "business owner"),
    "official": W("公职人员", "public official"), "driver": W("司机", "driver"), "nurse": W("护士", "nurse"),
    "entertainment": W("娱乐行业", "entertainment trade"), "retired": W("退休", "retired"), "other": W("其他", "other"),
}  # fmt: skip

BY_HAND = W("由员工填写，或从顾客名单导入。", "Set by staff or taken from a customer list.")


INTERACTIONS = ("contacts_answered", "bookings_in_24_months", "feedbacks_in_24_months")


def _sum_of_known(row: Any, keys: tuple[str, ...]) -> Any:
    """The sum of those that are known; unknown where none is."""
    known = [row[key].fill_null(0) for key in keys]
    none_known = row[keys[0]].isnull()
    for key in keys[1:]:
        none_known = none_known & row[key].isnull()
    return none_known.ifelse(None, sum(known[1:], known[0]))


def _yes_no(key: str, zh: str, en: str) -> Fact:
    return Fact(key, W(zh, en), "yes-no", "customers", W(f"{zh}：是或否。", f"{en}: yes or no."), BY_HAND)


def _choice(key: str, zh: str, en: str, choices: dict[str, W]) -> Fact:
    said_zh, said_en = "、".join(c.zh for c in choices.values()), ", ".join(c.en for c in choices.values())
    return Fact(
        key,
        W(zh, en),
        "text",
        "customers",
        W(f"{zh}：{said_zh}。", f"{en}: {said_en}."),
        BY_HAND,
        choices=choices,
    )


def _count(stem: str, zh: str, en: str, unit: Unit = "times") -> Family:
    return Family(
        stem,
        lambda w: Fact(
            "", W(f"{w.words.zh}{zh}", f"{en} {w.words.en}"), unit, "customers",
            W(f"{w.words.zh}{zh}。", f"{en[0].upper()}{en[1:]} {w.words.en}."),
            W("还没有人记录时算不知道。", "Not known until somebody records it."), window=w,
        ),
    )  # fmt: skip


catalogue.register_family(
    _count("referred_customers", "介绍来的新顾客", "new customers brought", "people"),
    _count("referred_spend", "介绍来的人的消费", "spend of customers brought", "yuan"),
    Family(
        "referred_spend_place",
        lambda w: Fact(
            "", W(f"{w.words.zh}介绍消费排在前", f"place by referred spend {w.words.en}"), "share", "customers",
            W("介绍来的人消费比她高的顾客占多少；0 是第一名。", "Share of referrers whose guests spent strictly more; 0 is first."),
            W("没介绍过人的没有名次。", "No referral, no place."),
            standing=Standing("place", f"referred_spend_in_{w.n}_{w.unit}"),
        ),
        sample=Window(12, "months"),
    ),
    _count("suggestions", "提的有用建议", "useful suggestions"),
    _count("joined_activities", "参加的活动", "activities joined"),
    _count("feedbacks", "给的反馈", "feedbacks given"),
    _count("bookings", "订座", "bookings"),
    _count("complaints", "投诉", "complaints"),
    _count("contact_minutes", "花在她身上的时间", "contact time", "minutes"),
)  # fmt: skip

catalogue.register(
    _choice("occupation", "职业", "occupation", OCCUPATIONS),
    _choice("firm_size", "单位规模", "size of firm",
            {"small": W("小", "small"), "medium": W("中", "medium"), "large": W("大", "large")}),
    _choice("b2b_class", "客户定位", "class set by staff",
            {"key": W("关键客户", "key"), "honoured": W("尊贵客户", "honoured"), "model": W("样板客户", "model"),
             "free-spirited": W("随性客户", "free-spirited")}),
    _choice("buyer", "买家类型", "kind of buyer",
            {"personal": W("个人", "personal"), "commercial": W("商用", "commercial"),
             "construction": W("工程", "construction project")}),
    _choice("sex", "性别", "sex", {"female": W("女", "female"), "male": W("男", "male")}),
    _yes_no("lives_nearby", "住在附近", "lives nearby"),
    _yes_no("works_nearby", "在附近上班", "works nearby"),
    _yes_no("steady_income", "收入稳定", "steady income"),
    _yes_no("speaks_well", "常说店里的好话", "speaks well of the store"),
    _yes_no("good_connections", "人脉广", "good connections"),
    _yes_no("brings_groups", "常带一帮人来", "brings groups"),
    _yes_no("recurring_need", "长期有需要", "recurring need"),
    _yes_no("annual_contract", "签了年度合同", "annual contract"),
    _yes_no("refuses_contact", "不愿被联系", "refuses contact"),
    _yes_no("promoter", "愿意推荐给朋友", "would recommend us"),
    _yes_no("public_official", "公职人员", "public official"),
    _yes_no("is_company", "是公司客户", "is a company"),
    _yes_no("is_member", "是会员", "is a member"),
    Fact("age", W("年龄", "age"), "years", "customers", W("由生日算出的周岁。", "Full years, from the birthday."),
         W("不知道生年的算不知道。", "Not known without the year of birth."), ages=True),
    Fact("expected_deal_on", W("预计成交日", "expected deal"), "date", "customers",
         W("预计成交的日子。", "The day on which the deal is expected."), BY_HAND),
    Fact("days_to_expected_deal", W("离预计成交还有几天", "days to the expected deal"), "days", "customers",
         W("预计成交日减去今天；已经过了是负数。", "Expected day less today; negative once it has passed."), BY_HAND,
         derive=lambda r, on: r.expected_deal_on.cast("int32") - on, needs=("expected_deal_on",), ages=True),
    Fact("contacts_answered", W("联系后有回应的次数", "contacts answered"), "times", "customers",
         W("联系她而她有回应的次数。", "Contacts that she answered."), BY_HAND),
    Fact("referred_customers", W("一共介绍来的顾客", "customers brought so far"), "people", "customers",
         W("一共介绍来多少位顾客。", "How many customers she has brought."), BY_HAND),
    Fact("revenue_per_minute_place", W("每分钟带来的营业额排在前", "place by revenue per contact minute"), "share",
         "customers", W("花同样时间带来更多营业额的客户占多少。", "Share of customers who bring more per contact minute."),
         W("没记联系时间时算不知道。", "Not known without recorded contact time.")),
    Fact("effort_known", W("记过花的工夫", "effort recorded"), "yes-no", "customers",
         W("有没有记过花在这位客户身上的时间。", "Whether the time spent on this customer has been recorded."),
         derive=lambda r, on: r.revenue_per_minute_place.notnull(), needs=("revenue_per_minute_place",)),
    Fact("interactions", W("来往", "dealings with us"), "times", "customers",
         W("有回应的联系、两年里的订座和反馈，加在一起几次。",
           "Contacts answered, and bookings and feedbacks of two years, added up."),
         W("哪样没人记过就不算进去；三样都没记过，算不知道。",
           "What nobody recorded is left out; not known where none of the three was."),
         derive=lambda r, on: _sum_of_known(r, INTERACTIONS), needs=INTERACTIONS),
)  # fmt: skip

catalogue.register(*(as_fact(field) for field in SHEET if field.is_plain))
