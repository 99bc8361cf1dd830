"""Membership on the command line: opened, brought along, reported, and its ledger proved."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regulars.shop.speech import lang
from regulars.shop.words import Words

ledger_app = typer.Typer(
    help="积分和储值的账：验。The ledger of points and stored value: prove it.", no_args_is_help=True
)

ACCOUNTS = {
    "member": Words("会员手里", "in members' hands"),
    "liability": Words("待生效或预留", "pending or set aside"),
    "issued": Words("发出", "issued"),
    "redeemed": Words("用掉", "redeemed"),
    "expired": Words("过期", "expired"),
    "reversed": Words("收回", "taken back"),
}


@ledger_app.callback()
def _ledger() -> None:
    """Keeps `verify` a command of its own, as the only one."""


@ledger_app.command("verify")
def ledger_verify(
    json_: Annotated[
        bool, typer.Option("--json", help="一个 JSON，别的都不印。One JSON value and nothing else.")
    ] = False,
) -> None:
    """账平不平：每笔、每份、每个余额重加一遍。Add the ledger up anew: every posting, every lot, every balance."""
    from regulars.cli import CHECK_FAILED, open_shop, say, show

    open_shop(needs_business=False, while_key_changes=True)
    from regulars.membership.proof import prove
    from regulars.membership.rules.ledger import name_of

    proof = prove()
    if json_:
        show(proof.record(lang()))
    else:
        for currency, accounts in proof.totals.items():
            for account, total in accounts.items():
                typer.echo(f"{name_of(currency).say(lang())}\t{ACCOUNTS[account].say(lang())}\t{total}")
        say(
            Words(
                "{p} 笔账，{e} 条分录，{l} 份，{m} 位会员",
                "{p} postings, {e} entries, {l} lots, {m} members",
            ).fill(p=proof.postings, e=proof.entries, l=proof.lots, m=proof.members)
        )
        if proof.first_break is None:
            say(Words("都对得上", "Everything agrees"))
        else:
            say(
                Words("有 {n} 处对不上，头一处：{first}", "{n} breaks, the first: {first}").fill(
                    n=proof.breaks, first=proof.first_break.words
                )
            )
    if not proof.is_sound:
        raise typer.Exit(CHECK_FAILED)


membership_app = typer.Typer(
    help="会员：开通、带余额、看欠多少。Membership: open it, bring balances along, see what is owed.",
    no_args_is_help=True,
)

_On = Annotated[str | None, typer.Option("--on", help="哪一天，例如 2026-08-20。Which day.")]
_Json = Annotated[
    bool, typer.Option("--json", help="一个 JSON，别的都不印。One JSON value and nothing else.")
]


@membership_app.command("open")
def membership_open(
    on: _On = None,
    playbook: Annotated[str, typer.Option("--playbook", help="会员规矩在哪个打法里。Whose terms.")] = "tiers",
) -> None:
    """开通会员：从这天起的消费都记积分。Open the programme: sales from this day on earn."""
    from regulars.cli import open_shop, say, the_day

    open_shop()
    from regulars import daily
    from regulars.membership import program

    starts = the_day(on)
    program.open_program(playbook, starts)
    n = daily.settle_everything()
    say(Words("{d} 起算，记了 {n} 笔", "Sales count from {d}; {n} postings").fill(d=starts, n=n))


@membership_app.command("balances")
def membership_balances(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="一行一位：会员号、卡号或手机号，加积分、储值余额、赠金。不给就用导过的名单。One row a member; without it the lists that were imported."
        ),
    ] = None,
    on: _On = None,
    json_: _Json = False,
) -> None:
    """把旧系统的积分和储值带过来，每位每样只记一次。Bring balances of an older system along, each once."""
    from regulars.cli import open_shop, say, show, the_day

    open_shop()
    from regulars.membership import opening

    day = the_day(on)
    done = opening.from_file(file, day) if file else opening.from_lists(day)
    if json_:
        show({
            "rows": done.rows, "members": done.members, "before": done.before, "totals": dict(done.totals),
            "refused": [p.record(lang()) for p in done.refused],
        })  # fmt: skip
        return
    say(
        Words(
            "{r} 行，记了 {m} 位，{b} 位以前记过", "{r} rows, {m} members booked, {b} had been booked before"
        ).fill(r=done.rows, m=done.members, b=done.before)
    )
    for problem in done.refused[:20]:
        say(
            Words("第 {n} 行：{why}。{hint}", "Row {n}: {why}. {hint}").fill(
                n=problem.row or "-", why=problem.reason, hint=problem.hint
            )
        )


@membership_app.command("report")
def membership_report(on: _On = None, json_: _Json = False) -> None:
    """欠会员多少、每个活动花了多少、会员回来没有。What is owed, what promotions cost, whether members come back."""
    from regulars.cli import open_shop, show, the_day

    open_shop()
    from regulars.membership import program
    from regulars.membership.activity import cohorts
    from regulars.membership.liability import liability
    from regulars.membership.promotions import promotion_costs

    day = the_day(on)
    owed = liability(program.last() or program.terms(), day)
    if json_:
        show({
            "on": day.isoformat(), "liability": [o.record(lang()) for o in owed],
            "promotions": [
                {"offer": c.offer.name, "issued": c.issued, "used": c.used, "cost": c.cost / 100, "budget": c.budget / 100}
                for c in promotion_costs()
            ],
            "cohorts": [c.record() for c in cohorts(day)],
        })  # fmt: skip
        return
    for one in owed:
        typer.echo(
            f"{one.name.say(lang())}\t{one.units}\t¥{one.fen / 100:,.2f}\t¥{one.expected_fen / 100:,.2f}"
        )
