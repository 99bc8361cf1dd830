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

from regulars.shop.home import Home
from regulars.shop.speech import lang
from regulars.shop.words import Refused, Words

app = typer.Typer(
    name="regulars", help="熟客：把回头客留住。Regulars: keep your regular customers.", no_args_is_help=True,
    add_completion=False, pretty_exceptions_enable=False,
)  # fmt: skip
playbooks_app = typer.Typer(help="打法：看、查。Playbooks: list and check.", no_args_is_help=True)
app.add_typer(playbooks_app, name="playbooks")

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


def open_shop(needs_business: bool = True) -> None:
    """Start Django on the shop's folder and bring its database up to date."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "regulars.web.settings")
    import django

    django.setup()
    from django.core.management import call_command

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
) -> None:
    """在这台电脑上给忘了密码的人换一个。Give somebody who forgot it a new password, from the machine itself."""
    open_shop()
    from regulars.shop.actions import set_password
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
def backup(file: Path, json_: Json = False) -> None:
    """把整个店备份成一个文件，开着店也行。Back the whole shop up into one file, also while it runs."""
    open_shop()
    from regulars.shop.backup import write_backup

    with serving():
        result = write_backup(file)
    if json_:
        show(result)
    else:
        say(
            Words(
                "备份好了：{f}（里面有钥匙，请像现金一样收好）",
                "Backed up: {f} (it holds the key: keep it like cash)",
            ).fill(f=file)
        )


@app.command()
def restore(file: Path, json_: Json = False) -> None:
    """把备份恢复到空文件夹。Put a backup back into an empty folder."""
    if not file.is_file():
        say(Words("找不到文件：{f}", "No such file: {f}").fill(f=file))
        raise typer.Exit(CANT_SERVE)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "regulars.web.settings")
    import django

    django.setup()
    from regulars.shop.backup import restore_backup

    with serving():
        result = restore_backup(file)
    if json_:
        show(result)
    else:
        say(Words("恢复好了", "Restored"))


@app.command()
def doctor(json_: Json = False) -> None:
    """体检：数据库、钥匙、账本、工人。Check the database, the key, the books, the worker."""
    open_shop(needs_business=False)
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
    program()


if __name__ == "__main__":
    main()
