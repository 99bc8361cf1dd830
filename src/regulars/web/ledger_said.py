"""The ledger in words: what its currencies and amounts are called, and why a purse changed. One table for the counter, the
owner's pages, a member's own page and the copy of her data."""

from __future__ import annotations

from regulars.membership import program
from regulars.membership.rules.ledger import VALUE, name_of
from regulars.playbooks.membership import Membership
from regulars.shop.money import say_money
from regulars.shop.words import Words

KINDS: dict[str, Words] = {
    "earn": Words("消费所得", "Earned"), "ripen": Words("可以用了", "Can be spent now"), "expire": Words("到期了", "Ended"),
    "redeem": Words("用掉", "Spent"), "pay": Words("储值付款", "Paid with stored value"), "top-up": Words("充值", "Paid in"),
    "bonus": Words("充值赠送", "Bonus for paying in"), "pay-out": Words("退回储值", "Paid back to you"),
    "reserve": Words("收银台预留", "Set aside at the till"), "confirm": Words("预留的用掉了", "What was set aside is spent"),
    "release": Words("预留放回", "What was set aside is back"), "correct": Words("店里更正", "Put right by the shop"),
    "open": Words("从以前的系统带来", "Brought along from the system before"), "reverse": Words("退货，收回", "Taken back: goods were returned"),
    "give-back": Words("退货，还给您", "Given back: goods were returned"), "transfer": Words("转出或转入", "Handed over or received"),
    "refer": Words("介绍奖励", "For a referral"),
}  # fmt: skip
"""Why a purse changed, by the kind of the posting, where nothing says it better."""


def currency_said(key: str, said: Membership | None = None) -> Words:
    """What a currency is called by these terms, else by the programme that holds or, where it has ended, held last."""
    said = said or program.last_membership()
    if said is not None and key not in (*VALUE, "value"):
        for currency in said.currencies:
            if currency.key == key:
                return Words(currency.name.zh, currency.name.en)
    return name_of(key)


def fen_said(fen: int) -> Words:
    """Money, in both languages."""
    return Words(say_money(fen), say_money(fen, "en"))


def figure_said(key: str, n: int) -> Words:
    """So much of a currency without its name: money for stored value."""
    return fen_said(n) if key in (*VALUE, "value") else Words(f"{n:,}", f"{n:,}")


def amount_said(key: str, n: int, said: Membership | None = None) -> Words:
    """So much of a currency, by name; money says by itself what it is."""
    if key in (*VALUE, "value"):
        return fen_said(n)
    name = currency_said(key, said)
    return Words(f"{n:,} {name.zh}", f"{n:,} {name.en}")


def change_said(key: str, n: int, said: Membership | None = None) -> Words:
    """What came or went, with its sign; of stored value which part of it, since money alone does not say that."""
    sign = "+" if n > 0 else "−"
    if key in VALUE:
        return Words("{c} {s}{n}", "{c} {s}{n}").fill(c=name_of(key), s=sign, n=fen_said(abs(n)))
    return Words("{s}{n}", "{s}{n}").fill(s=sign, n=amount_said(key, abs(n), said))
