"""Membership on the command line: the ledger is proved."""

from __future__ import annotations

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
