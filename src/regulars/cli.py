"""The command line: for people with progress, for programs with `--json`.

`--json` prints one JSON object or list on standard output and nothing else; messages go to standard error.
Exit: 0 done, 1 a check failed, 2 wrong use, 3 the input can't serve.
"""

from __future__ import annotations

import json
import os
import pkgutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from regulars import cli_membership
from regulars.shop.home import Home
from regulars.shop.logs import tell_only_what_failed
from regulars.shop.speech import lang
from regulars.shop.words import Refused, Words

app = typer.Typer(
    name="regulars", help="熟客：把回头客留住。Regulars: keep your regular customers.", no_args_is_help=True,
    add_completion=False, pretty_exceptions_enable=False,
)  # fmt: skip
playbooks_app = typer.Typer(help="打法：看、查。Playbooks: list and check.", no_args_is_help=True)
app.add_typer(playbooks_app, name="playbooks")
key_app = typer.Typer(
    help="钥匙：抄下、核对、更换。The key: write it down, check it, change it.", no_args_is_help=True
)
app.add_typer(key_app, name="key")
audit_app = typer.Typer(help="审计记录：看、验。The audit trail: read and prove.", no_args_is_help=True)
app.add_typer(audit_app, name="audit")
app.add_typer(cli_membership.ledger_app, name="ledger")
app.add_typer(cli_membership.membership_app, name="membership")

OK, CHECK_FAILED, WRONG_USE, CANT_SERVE = 0, 1, 2, 3

Json = Annotated[bool, typer.Option("--json", help="一个 JSON，别的都不印。One JSON value and nothing else.")]
On = Annotated[
    str | None, typer.Option("--on", metavar="DATE", help="哪一天（默认今天）。As of which day (today).")
]


# --- the ground ------------------------------------------------------------------------------------------------------


def say(words: Words) -> None:
    """A sentence for the person, on standard error."""
    typer.echo(words.say(lang()), err=True)


def show(value: Any) -> None:
    """The one JSON value on standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False, default=str))


@contextmanager
def serving() -> Iterator[None]:
    """Refusals become sentences and exit code 3."""
    try:
        yield
    except Refused as refused:
        say(refused.words)
        raise typer.Exit(CANT_SERVE) from None
    except OSError as error:
        if not error.filename:
            raise
        say(
            Words("{f} 读不了或写不进：{e}", "{f} can't be read or written: {e}").fill(
                f=str(error.filename).removesuffix(".part"), e=error.strerror or ""
            )
        )
        raise typer.Exit(CANT_SERVE) from None


def open_shop(needs_business: bool = True, while_key_changes: bool = False) -> None:
    """Start Django on the shop's folder and bring its database up to date. A shop whose change of the key was cut off
    opens only for `while_key_changes`: nobody would be found by her number."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "regulars.web.settings")
    import django

    django.setup()
    from django.core.management import call_command

    from regulars.shop.keys import keys
    from regulars.shop.turns import CHANGING

    if keys().is_changing and not while_key_changes:
        say(CHANGING)
        raise typer.Exit(CANT_SERVE)

    if not _is_up_to_date():
        call_command("migrate", verbosity=0)
    from regulars.shop.models import Business

    if needs_business and not Business.objects.exists():
        say(
            Words(
                "{f} 里还没有店。先运行 regulars serve，在浏览器里开张；或 regulars setup",
                "{f} holds no shop yet. Run regulars serve and start in the browser, or regulars setup",
            ).fill(f=Home.find().folder)
        )
        raise typer.Exit(CANT_SERVE)


def _is_up_to_date() -> bool:
    """Whether the store has every migration, by their names alone: loading them all would slow every command down."""
    from django.apps import apps
    from django.db import connection
    from django.db.migrations.recorder import MigrationRecorder

    written = {
        (stage.label, module.name)
        for stage in apps.get_app_configs()
        for module in pkgutil.iter_modules([str(Path(stage.path) / "migrations")])
    }
    return written <= set(MigrationRecorder(connection).applied_migrations())


def the_day(text: str | None) -> date:
    """`--on`, or the shop's day."""
    if text:
        try:
            return date.fromisoformat(text)
        except ValueError:
            say(Words("「{d}」不是日期，写成 2026-11-22", "{d} is not a date; write 2026-11-22").fill(d=text))
            raise typer.Exit(WRONG_USE) from None
    from regulars.shop.models import Business
    from regulars.web.gate import shop_day

    return shop_day(Business.objects.first())


@contextmanager
def progress(quiet: bool) -> Iterator[Callable[[int, int, Words], None]]:
    """A line of progress for people; nothing for programs."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, total, step: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        speak = lang()

        def step(done: int, total: int, words: Words) -> None:
            bar.update(task, description=words.say(speak), completed=done, total=total or None)

        yield step


# --- starting --------------------------------------------------------------------------------------------------------


@app.command()
def setup(
    name: Annotated[str, typer.Option(help="店名。Name of the business.")],
    trade: Annotated[
        str,
        typer.Option(
            help="行业。Trade: hotpot restaurant snack salon clinic hotel appliance shop wholesale."
        ),
    ],
    owner: Annotated[str, typer.Option(help="老板的邮箱，用来登录。The owner's e-mail, to log in with.")],
    password_stdin: Annotated[
        bool,
        typer.Option("--password-stdin", help="从标准输入读密码。Read the password from standard input."),
    ] = False,
    owner_name: Annotated[str, typer.Option(help="老板的名字。The owner's name.")] = "",
    store: Annotated[
        list[str] | None, typer.Option(help="门店，可以写几个。A store; may be given several times.")
    ] = None,
    json_: Json = False,
) -> None:
    """不问问题地开一家店。Make a shop without questions."""
    open_shop(needs_business=False)
    from regulars.grading.actions import adopt, start_playbook
    from regulars.shop.actions import found_business

    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = typer.prompt("Password 密码", hide_input=True, confirmation_prompt=True, err=True)
    with serving():
        business, who = found_business(
            name=name, trade=trade, owner_email=owner, owner_name=owner_name or owner.split("@")[0], password=password,
            stores=store or (), lang=lang(),
        )  # fmt: skip
        adoption = adopt(start_playbook(trade), by=who)
    if json_:
        show({"business": business.name, "trade": trade, "owner": who.email, "playbook": adoption.key})
    else:
        say(
            Words(
                "开好了：{n}。接下来：regulars import 文件，regulars day，regulars serve",
                "Done: {n}. Next: regulars import FILE, regulars day, regulars serve",
            ).fill(n=business.name)
        )


@app.command("reset-password")
def reset_password(
    email: str,
    password_stdin: Annotated[
        bool,
        typer.Option("--password-stdin", help="从标准输入读密码。Read the password from standard input."),
    ] = False,
    second_step_off: Annotated[
        bool,
        typer.Option(
            "--second-step-off",
            help="手机也丢了：验证器和通行密钥一起去掉。The phone is lost too: take app and passkeys off.",
        ),
    ] = False,
) -> None:
    """在这台电脑上给忘了密码的人换一个。Give somebody who forgot it a new password, from the machine itself."""
    open_shop()
    from regulars.shop.actions import set_password
    from regulars.shop.doors_actions import drop_second_factors
    from regulars.shop.models import Staff

    staff = Staff.objects.filter(email__iexact=email.strip()).first()
    if staff is None:
        say(Words("没有用这个邮箱的员工：{e}", "No member of staff has this e-mail: {e}").fill(e=email))
        raise typer.Exit(CANT_SERVE)
    password = (
        sys.stdin.readline().rstrip("\r\n")
        if password_stdin
        else typer.prompt("New password 新密码", hide_input=True, confirmation_prompt=True, err=True)
    )
    with serving():
        set_password(staff, password)
        if second_step_off:
            drop_second_factors(staff, by=None)
    say(Words("换好了，别处的登录都已失效", "Done. Every other login of this person has ended"))


# --- sales come in ---------------------------------------------------------------------------------------------------


@app.command("import")
def import_(
    files: Annotated[
        list[Path], typer.Argument(help="一个或几个一起的文件。One file, or several that belong together.")
    ],
    map_: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="HEADER=field", help="这一列当作什么。What a column is."),
    ] = None,
    dates: Annotated[str | None, typer.Option(help="dmy、mdy 或 ymd。Order of day and month.")] = None,
    encoding: Annotated[
        str | None, typer.Option(help="文件编码，例如 gb18030。Encoding of the file.")
    ] = None,
    store: Annotated[
        str | None, typer.Option(help="整个文件属于哪家门店。The store of the whole file.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="只说会发生什么。Only say what would happen.")
    ] = False,
    refused: Annotated[
        Path | None,
        typer.Option(
            help="没收的行写成文件（.csv 或 .xlsx），改好再导。Write the rows left out to a file, to correct and import again."
        ),
    ] = None,
    json_: Json = False,
) -> None:
    """把收银系统导出的文件导进来。Take in the files that a till or a shop exports."""
    mapping = {}
    for pair in map_ or []:
        header, _, field = pair.rpartition("=")
        if not header or not field:
            say(Words("--map 要写成 表头=字段：{p}", "--map is HEADER=field: {p}").fill(p=pair))
            raise typer.Exit(WRONG_USE)
        mapping[header] = field
    if dates not in (None, "dmy", "mdy", "ymd"):
        say(Words("--dates 只能是 dmy、mdy 或 ymd", "--dates is dmy, mdy or ymd"))
        raise typer.Exit(WRONG_USE)
    if refused and refused.suffix.lower() not in (".csv", ".xlsx"):
        say(Words("--refused 的文件名要以 .csv 或 .xlsx 结尾", "--refused ends in .csv or .xlsx"))
        raise typer.Exit(WRONG_USE)
    missing = [f for f in files if not f.is_file()]
    missing += [refused.parent] if refused and not refused.parent.is_dir() else []
    if missing:
        say(Words("找不到文件：{f}", "No such file: {f}").fill(f=missing[0]))
        raise typer.Exit(CANT_SERVE)
    open_shop()
    from regulars import daily

    with serving():
        if dry_run:
            done: daily.Imported | daily.Trial = daily.try_out(
                files, mapping=mapping or None, dates=dates, encoding=encoding, store=store
            )
        else:
            with progress(json_) as step:
                done = daily.take_in(
                    files, mapping=mapping or None, dates=dates, encoding=encoding, store=store, progress=step
                )
        result = daily.record_of(done, lang())
        if refused:
            _write_left_out(daily.left_out_of(done, refused.suffix[1:].lower(), lang()), refused)
    if json_:
        show(result)
        return
    said = Words(
        "读了 {rows} 行：新的 {new}，已有 {known}，新顾客 {customers}，没收 {n}",
        "{rows} rows read: {new} new, {known} known, {customers} new customers, {n} refused",
    )
    say(said.fill(**{k: result[k] for k in ("rows", "new", "known", "customers")}, n=len(result["refused"])))
    for warning in result["warnings"]:
        typer.echo(f"! {warning}", err=True)
    if done.remembered:
        as_said = [f"{h}={f}" for h, f in done.remembered.mapping.items()] + [done.remembered.dates]
        say(
            Words(
                "这些列照上次说的读：{m}",
                "The columns were read as somebody has said for a file like this: {m}",
            ).fill(m=" ".join(filter(None, as_said)))
        )
    for problem in result["refused"][:SHOWN_PROBLEMS]:
        typer.echo(
            f"  {problem['row']} {problem['column']} {problem['value']!r}: {problem['reason']} {problem['hint']}",
            err=True,
        )
    if result["refused"] and not refused:
        more = len(result["refused"]) - SHOWN_PROBLEMS
        if more > 0:
            say(Words("  还有 {n} 行", "  and {n} more").fill(n=more))
        say(
            Words(
                "没收的行可以写成文件：再运行一次，加 --refused 没收的行.xlsx；改好再导，已经进来的不会重复",
                "To have these rows as a file, run it again with --refused left-out.xlsx; correct it and import it: "
                "nothing is counted twice",
            )
        )


SHOWN_PROBLEMS = 20


def _write_left_out(content: bytes | None, to: Path) -> None:
    if content is None:
        say(Words("没有没收的行，没有写 {f}", "No row was left out; {f} was not written").fill(f=to))
        return
    try:
        to.write_bytes(content)
    except OSError as reason:
        raise Refused(Words("写不了 {f}：{r}", "{f} can't be written: {r}").fill(f=to, r=reason)) from reason
    say(
        Words(
            "没收的行写到了 {f}；改好再导，已经进来的不会重复",
            "The rows left out are in {f}; correct them and import it: nothing is counted twice",
        ).fill(f=to)
    )


@app.command("undo-import")
def undo_import(batch: int, json_: Json = False) -> None:
    """撤回一次导入，就像那个文件从没来过。Take an import back, as if the file had never come."""
    open_shop()
    from regulars import daily
    from regulars.sales.models import Batch

    found = Batch.objects.filter(id=batch).first()
    if found is None:
        say(Words("没有第 {b} 次导入", "There is no import {b}").fill(b=batch))
        raise typer.Exit(CANT_SERVE)
    with serving(), progress(json_) as step:
        daily.undo(found, progress=step)
    if json_:
        show({"batch": batch, "state": "undone"})
    else:
        say(Words("撤回了", "Taken back"))


@app.command()
def duplicates(
    find: Annotated[
        bool, typer.Option("--find", help="先把所有人比一遍。First compare everybody with everybody.")
    ] = False,
    weak: Annotated[
        bool, typer.Option("--weak", help="也列出不太像的。Also those who look less alike.")
    ] = False,
    json_: Json = False,
) -> None:
    """可能是同一个人、一家人的，等人来定。Who may be one person or one family, and waits for an answer."""
    open_shop()
    from regulars.customers.likely import find_likely
    from regulars.customers.pairs import open_records

    if find:
        with serving(), progress(json_) as step:
            found = find_likely(progress=step)
        say(
            Words("看了 {l} 对，新找到 {n} 对", "{l} pairs looked at, {n} new").fill(
                l=f"{found.looked_at:,}", n=f"{found.new:,}"
            )
        )
    rows = open_records(lang(), weak=weak)
    if json_:
        show(rows)
        return
    if not rows:
        say(Words("没有等着看的", "Nothing waits for an answer"))
    for row in rows:
        typer.echo(
            f"{row['pair']:>5}  {row['one']['name']} #{row['one']['id']}  ·  {row['other']['name']} #{row['other']['id']}"
            f"  {row['kind']}  {'; '.join(row['reasons'])}"
        )


# --- grades ----------------------------------------------------------------------------------------------------------


@app.command()
def grade(
    csv: Annotated[Path, typer.Option("--csv", metavar="OUT", help="写到哪个文件。Where to write.")],
    playbook: Annotated[
        str | None, typer.Option(help="用哪个打法（默认店里在用的）。Which playbook (the one in force).")
    ] = None,
    on: On = None,
    json_: Json = False,
) -> None:
    """给所有人评级，写成 CSV；不记录。Grade everybody into a CSV; records nothing."""
    open_shop()
    day = the_day(on)
    from regulars.grading.queries import write_grades

    with serving():
        chosen = _playbook(playbook)
        n = write_grades(chosen, day, csv)
    if json_:
        show({"csv": str(csv), "rows": n, "playbook": chosen.key, "on": day.isoformat()})
    else:
        say(Words("写了 {n} 行到 {f}", "{n} rows written to {f}").fill(n=n, f=csv))


def _playbook(key: str | None) -> Any:
    from regulars.grading.actions import in_force
    from regulars.playbooks.playbook import load

    holding = in_force()
    if key is None:
        return holding[0].playbook
    for holds in holding:
        if holds.playbook.key == key:
            return holds.playbook
    return load(key)


@app.command()
def explain(customer: str, on: On = None, json_: Json = False) -> None:
    """这位顾客为什么是这个等级，什么会改变它。Why this customer has her grade, and what would change it."""
    open_shop()
    day = the_day(on)
    from regulars.customers.queries import find
    from regulars.grading.queries import explain as explained
    from regulars.web.why import told

    found = find(customer)
    if found is None:
        say(
            Words(
                "找不到顾客 {c}；用会员号、卡号、手机号或 openid",
                "No customer {c}; use a member number, card, phone or openid",
            ).fill(c=customer)
        )
        raise typer.Exit(CANT_SERVE)
    if json_:
        show(explained(found, day))
        return
    for line in told(found, day):
        typer.echo(line)


# --- the day ---------------------------------------------------------------------------------------------------------


@app.command()
def day(
    on: On = None,
    full: Annotated[bool, typer.Option("--full", help="全部重算一遍。Draw everybody anew.")] = False,
    again: Annotated[
        bool,
        typer.Option(
            "--again", help="忘掉这天之后的评级，从这天重新来。Forget the grades of later days; begin anew."
        ),
    ] = False,
    json_: Json = False,
) -> None:
    """过一天：评级，排今天的名单。Run the day: grade everybody, make today's list."""
    open_shop()
    when = the_day(on)
    from regulars import daily

    with serving(), progress(json_) as step:
        result = daily.run_day(when, full=full, again=again, progress=step)
    if "closed_since" in result:
        say(
            Words(
                "已经过到 {d}，之前的日子不再改；真要从 {o} 重来，加 --again（之后的评级会忘掉）",
                "Days until {d} have been run and are not changed; to begin anew with {o} add --again, which forgets later grades",
            ).fill(d=result["closed_since"], o=result["on"])
        )
        if not json_:
            return
    if json_:
        show(result)
    else:
        say(
            Words(
                "{c} 位顾客，{n} 位等级有变；今天 {t} 件事，另有 {w} 件排队",
                "{c} customers, {n} grades changed; {t} things today, {w} more in line",
            ).fill(
                c=result["customers"],
                n=sum(result["changed"].values()),
                t=result["tasks"],
                w=result["waiting"],
            )
        )


@app.command()
def today(
    staff: Annotated[
        str | None,
        typer.Option("--staff", metavar="S", help="只看某位员工（邮箱或名字）。Only one member of staff."),
    ] = None,
    on: On = None,
    json_: Json = False,
) -> None:
    """今天该做的事。Today's list."""
    open_shop()
    when = the_day(on)
    from regulars.care.queries import nothing_to_do, today_records

    with serving():
        rows = today_records(when, staff, lang())
    if json_:
        show(rows)
        return
    if not rows:
        say(nothing_to_do(when))
    for row in rows:
        typer.echo(
            f"{row['rank']:>3} {row['customer']}  {row['why']}  → {row['do']}  ({row['channel']}, {row['minutes']} min, {row['staff']})"
        )


# --- playbooks -------------------------------------------------------------------------------------------------------


@playbooks_app.command("list")
def playbooks_list(json_: Json = False) -> None:
    """有哪些打法。The playbooks that ship."""
    from regulars.facts import catalogue
    from regulars.playbooks.playbook import library, load

    missing: dict[str, list[str]] = {}
    if Home.find().database.exists() or Home.find().settings.get("database"):
        open_shop(needs_business=False)
        from regulars.grading.queries import missing_for

        missing = missing_for(library())
    rows: list[dict[str, Any]] = []
    for key in library():
        book = load(key)
        lacks = missing.get(key, book.told_facts(catalogue))
        rows.append({
            "key": key, "name": {"zh": book.name.zh, "en": book.name.en}, "version": book.version,
            "scales": [{"key": s.key, "grades": [g.key for g in s.grades]} for s in book.scales], "missing_facts": lacks,
        })  # fmt: skip
    if json_:
        show(rows)
        return
    for row in rows:
        typer.echo(f"{row['key']:<14}{row['name']['zh']}  {row['name']['en']}")


@playbooks_app.command("check")
def playbooks_check(file: Annotated[Path | None, typer.Argument()] = None, json_: Json = False) -> None:
    """打法写得对不对，例子证不证得出。Is a playbook right, do its examples prove it."""
    import regulars.facts
    from regulars.playbooks.check import check

    if Home.find().database.exists() or Home.find().settings.get("database"):
        open_shop(needs_business=False)
        import regulars.customers.own  # noqa: F401 - playbooks may use the fields that this shop has added
    from regulars.playbooks.playbook import library

    if file and not file.is_file():
        say(Words("找不到文件：{f}", "No such file: {f}").fill(f=file))
        raise typer.Exit(CANT_SERVE)
    speak = lang()
    problems = [(source, p) for source in ([str(file)] if file else library()) for p in check(source)]
    if json_:
        show(
            [
                {"playbook": s, "file": p.file, "line": p.line, "problem": p.words.say(speak)}
                for s, p in problems
            ]
        )
    else:
        for _, p in problems:
            typer.echo(f"{p.file}:{p.line or 0}: {p.words.say(speak)}", err=True)
        if not problems:
            say(Words("都对", "All right"))
    if problems:
        raise typer.Exit(CHECK_FAILED)


# --- keeping ---------------------------------------------------------------------------------------------------------


@app.command()
def backup(
    file: Path,
    key: Annotated[
        bool,
        typer.Option("--key/--no-key", help="把钥匙写在备份旁边。Write the key beside the backup."),
    ] = True,
    json_: Json = False,
) -> None:
    """把整个店备份成一个加密的文件，开着店也行。Back the whole shop up into one encrypted file, also while it runs."""
    open_shop(while_key_changes=True)
    from regulars.shop.backup import write_backup

    with serving():
        written = write_backup(file, with_key=key)
    if json_:
        show({**written.about, "key_file": str(written.key_file) if written.key_file else None})
    elif written.key_file:
        say(
            Words(
                "备份好了：{f}。钥匙在 {k}：两样分开放，没有钥匙谁也打不开备份",
                "Backed up: {f}. The key is {k}: keep the two apart; without the key nobody can open the backup",
            ).fill(f=file, k=written.key_file)
        )
    else:
        say(
            Words(
                "备份好了：{f}。钥匙不在里面（{k}）：没有钥匙谁也打不开备份",
                "Backed up: {f}. The key is not in it ({k}): without the key nobody can open the backup",
            ).fill(f=file, k=Home.find().key_file)
        )


@app.command()
def restore(
    file: Path,
    key: Annotated[
        Path | None,
        typer.Option(
            "--key", help="钥匙文件（默认用备份旁边的）。The key file (else the one beside the backup)."
        ),
    ] = None,
    key_typed: Annotated[
        str, typer.Option("--key-typed", help="照纸上抄的钥匙。The key as it stands on paper.")
    ] = "",
    json_: Json = False,
) -> None:
    """把备份恢复到空文件夹。Put a backup back into an empty folder."""
    for given in (file, key):
        if given is not None and not given.is_file():
            say(Words("找不到文件：{f}", "No such file: {f}").fill(f=given))
            raise typer.Exit(CANT_SERVE)
    with serving(), _leaving_nothing(Home.find().folder):
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "regulars.web.settings")
        import django

        django.setup()
        from regulars.shop.backup import restore_backup

        result = restore_backup(file, key_file=key, typed=key_typed)
    if json_:
        show(result)
    else:
        say(Words("恢复好了", "Restored"))


@contextmanager
def _leaving_nothing(folder: Path) -> Iterator[None]:
    """What is refused leaves nothing behind: no key of its own, no empty database, no half of a backup."""
    there = set(folder.rglob("*")) if folder.exists() else None
    try:
        yield
    except BaseException:
        from django.db import connections

        connections.close_all()
        for path in sorted(folder.rglob("*"), reverse=True):
            if there is None or path not in there:
                path.rmdir() if path.is_dir() else path.unlink()
        if there is None and folder.exists():
            folder.rmdir()
        raise


# --- the key ---------------------------------------------------------------------------------------------------------


@key_app.command("show")
def key_show(json_: Json = False) -> None:
    """把钥匙印成一张纸，和备份分开放。The key as a sheet of paper, to be kept apart from the backups."""
    from regulars.shop.keys import on_paper, read_key_file

    path = Home.find().key_file
    if not path.is_file():
        say(Words("还没有钥匙：{f}", "There is no key yet: {f}").fill(f=path))
        raise typer.Exit(CANT_SERVE)
    master = read_key_file(path)[0]
    if json_:
        show({"key": on_paper(master), "mark": master.mark, "file": str(path)})
        return
    say(
        Words(
            "抄在纸上或打印出来，放进保险柜。谁有它和备份，谁就能看到一切；没有它，备份和数据库都打不开。记号 {m}",
            "Write it down or print it and lock it away. With it and a backup one sees everything; without it neither a "
            "backup nor the database opens. Its mark: {m}",
        ).fill(m=master.mark)
    )
    groups = on_paper(master).split("-")
    for k in range(0, len(groups), 5):
        typer.echo("  " + "-".join(groups[k : k + 5]) + ("-" if k + 5 < len(groups) else ""))


@key_app.command("check")
def key_check(
    key: Annotated[
        Path | None,
        typer.Option("--key", help="哪个钥匙文件（默认店里的）。Which key file (the shop's own)."),
    ] = None,
    typed: Annotated[
        str, typer.Option("--typed", help="照纸上抄的钥匙。The key as it stands on paper.")
    ] = "",
    json_: Json = False,
) -> None:
    """这把钥匙开不开得了这家店。Whether a key opens this shop."""
    if key is not None and not key.is_file():
        say(Words("找不到文件：{f}", "No such file: {f}").fill(f=key))
        raise typer.Exit(CANT_SERVE)
    open_shop(needs_business=False, while_key_changes=True)
    from regulars.shop.keys import Keys, WrongKey, from_paper, read_key_file
    from regulars.shop.rotation import opens

    with serving():
        try:
            masters = [from_paper(typed)] if typed else read_key_file(key or Home.find().key_file)
            fits = opens(Keys(masters))
        except WrongKey:
            fits, masters = False, []
    if json_:
        show({"fits": fits, "mark": masters[0].mark if masters else None})
    else:
        say(
            Words("这把钥匙开得了这家店", "This key opens the shop")
            if fits
            else Words("这把钥匙开不了这家店", "This key does not open the shop")
        )
    if not fits:
        raise typer.Exit(CHECK_FAILED)


@key_app.command("rotate")
def key_rotate(json_: Json = False) -> None:
    """换一把新钥匙，全部重新加密；断了再运行就接着换。Change the key and seal everything anew; goes on where it was cut off."""
    open_shop(needs_business=False, while_key_changes=True)
    import regulars.daily  # noqa: F401 - every stage says what hangs on the key
    from regulars.shop.rotation import rotate

    with serving(), progress(json_) as step:
        done = rotate(step)
    if json_:
        show(done)
        return
    say(
        Words(
            "换好了（{n} 处，{f} 个文件）。现在：再备份一次；用 regulars key show 把新钥匙抄下。旧备份仍要旧钥匙才打得开，旧的那张纸别扔。"
            "大家要重新登录",
            "Changed ({n} values, {f} files). Now make a new backup, and write the new key down with regulars key show. "
            "Older backups still need the old key: keep its sheet. Everybody has to log in again",
        ).fill(n=done["rows"], f=done["files"])
    )


# --- the audit trail -------------------------------------------------------------------------------------------------


@audit_app.command("verify")
def audit_verify(
    new_head: Annotated[
        bool,
        typer.Option(
            "--new-head",
            help="重新记下末行（知道原因时）。Note the last line anew, where you know why it is missing.",
        ),
    ] = False,
    json_: Json = False,
) -> None:
    """审计记录有没有被改过。Prove that no line of the audit trail was changed, taken out or moved."""
    open_shop(needs_business=False, while_key_changes=True)
    from regulars.shop.trail import verify

    proof = verify(new_head=new_head)
    speak, broken = lang(), proof.broken
    if json_:
        show(
            {
                "lines": proof.lines,
                "ok": broken is None,
                "broken": broken and {"line": broken.line, "place": broken.place, "at": broken.at, "why": broken.why.say(speak)},
            }
        )  # fmt: skip
    elif broken is None:
        say(Words("{n} 行，一行没动过", "{n} lines, every one as it was written").fill(n=proof.lines))
    else:
        typer.echo(broken.say(speak), err=True)
    if broken is not None:
        raise typer.Exit(CHECK_FAILED)


@audit_app.command("list")
def audit_list(
    subject: Annotated[
        str | None,
        typer.Option(help="只看一样，例如「customer 12」。Only of one record, such as “customer 12”."),
    ] = None,
    since: Annotated[str | None, typer.Option(metavar="DATE", help="从哪天起。Since which day.")] = None,
    limit: Annotated[int, typer.Option(help="最多几行，新的在前。At most so many, newest first.")] = 100,
    json_: Json = False,
) -> None:
    """谁在什么时候做了什么，为什么。Who did what, when and why."""
    open_shop(needs_business=False, while_key_changes=True)
    from regulars.shop.trail import lines_of

    day = the_day(since) if since else None
    rows = lines_of(subject, day, limit)
    if json_:
        show(rows)
        return
    for row in rows:
        told = " ".join(str(row[k]) for k in ("at", "by", "verb", "subject", "why") if row[k])
        typer.echo(told + (f" {json.dumps(row['detail'], ensure_ascii=False)}" if row["detail"] else ""))
    if not rows:
        say(Words("没有这样的记录", "There is no such line"))


@app.command()
def doctor(json_: Json = False) -> None:
    """体检：数据库、钥匙、账本、工人。Check the database, the key, the books, the worker."""
    open_shop(needs_business=False, while_key_changes=True)
    from regulars.doctor import examine

    findings = examine()
    speak = lang()
    if json_:
        show([{"check": f.check, "ok": f.ok, "says": f.words.say(speak)} for f in findings])
    else:
        for f in findings:
            typer.echo(f"{'✓' if f.ok else '✗'} {f.words.say(speak)}", err=True)
    if not all(f.ok for f in findings):
        raise typer.Exit(CHECK_FAILED)


# --- serving ---------------------------------------------------------------------------------------------------------


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="听哪个地址。Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="端口。Port.")] = 8000,
    lan: Annotated[
        bool, typer.Option("--lan", help="让店里的手机也能用。For phones on the shop's own network.")
    ] = False,
) -> None:
    """开店：网页和工人一起。Open the shop: the pages and the worker together."""
    open_shop(needs_business=False)
    from regulars.web.server import serve as run

    with serving():
        raise typer.Exit(run(host=host, port=port, lan=lan))


@app.command()
def demo(
    trade: Annotated[str, typer.Option(help="hotpot、restaurant、snack、salon、wholesale")] = "hotpot",
    host: Annotated[str, typer.Option()] = "127.0.0.1",
    port: Annotated[int, typer.Option()] = 8000,
    on: On = None,
    lan: Annotated[bool, typer.Option("--lan")] = False,
    build_only: Annotated[
        bool, typer.Option("--build-only", help="只搭好，不开网页。Build it and stop.")
    ] = False,
) -> None:
    """看一家有人气的例店。A lived-in example shop, thrown away when you are done."""
    from regulars.demo import folder_for, prepare

    if "REGULARS_HOME" not in os.environ:
        os.environ["REGULARS_HOME"] = str(folder_for(trade))
    open_shop(needs_business=False)
    from regulars.web.server import serve as run

    with serving(), progress(False) as step:
        credentials = prepare(trade, the_day(on), step)
    if build_only:
        show(credentials)
        return
    with serving():
        raise typer.Exit(run(host=host, port=port, lan=lan, login=credentials))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, hidden=True)
def manage(context: typer.Context) -> None:
    """Django's own commands, for developers."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "regulars.web.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(["regulars manage", *context.args])


program = typer.main.get_command(app)


def main() -> None:
    tell_only_what_failed()
    program()


if __name__ == "__main__":
    main()
