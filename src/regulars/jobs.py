"""Long work that pages ask for, and the clock that runs the day."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from regulars import daily
from regulars.customers import likely
from regulars.customers.models import Customer
from regulars.sales.models import Batch
from regulars.shop import vault
from regulars.shop.actions import ask_for
from regulars.shop.models import Business, Job, Staff
from regulars.shop.words import Refused, Words
from regulars.shop.worker import Step, job
from regulars.web.gate import shop_day

EXPIRED = Words("上传的文件已经过期，请重新上传", "The upload has expired; please upload it again")


def _staff(args: dict[str, Any]) -> Staff | None:
    return Staff.objects.filter(id=int(args["by"])).first() if args.get("by") else None


def unpacked(upload: str, names: list[str]) -> list[Path]:
    """Uploaded files out of the vault into a scratch folder, under their own names. The caller removes them."""
    folder = vault.opened(upload)
    folder.mkdir(exist_ok=True, mode=0o700)
    paths = []
    for k, name in enumerate(names):
        data = vault.get_bytes(f"upload-{upload}-{k}")
        if data is None:
            raise Refused(EXPIRED)
        path = folder / (Path(name).name or f"file-{k}")
        path.write_bytes(data)
        paths.append(path)
    return paths


def tidy(upload: str) -> None:
    folder = vault.opened(upload)
    if folder.is_dir():
        for path in folder.iterdir():
            path.unlink(missing_ok=True)
        folder.rmdir()


@job("settle")
def settle_receipts(args: dict[str, Any], step: Step) -> dict[str, Any]:
    """Reckon points for all receipts since the programme began."""
    return {"postings": daily.settle_everything(step)}


@job("import")
def take_in(args: dict[str, Any], step: Step) -> dict[str, Any]:
    """Take uploaded files in; then grade, so that the result page can say who her A customers are."""
    try:
        paths = unpacked(args["upload"], args["names"])
        taken = daily.take_in(
            paths, mapping=args.get("mapping") or None, dates=args.get("dates"), encoding=args.get("encoding"),
            store=args.get("store"), by=_staff(args), names=args["names"], progress=step,
        )  # fmt: skip
    finally:
        tidy(args["upload"])
    if not taken.is_repeat:
        daily.run_day(shop_day(Business.objects.first()), progress=step)
    if taken.customers:
        ask_for("duplicates", {"since": taken.batch.id})
    return {
        "batch": taken.batch.id,
        "is_repeat": taken.is_repeat,
        "new": taken.new,
        "known": taken.known,
        "customers": taken.customers,
    }


@job("look")
def look(args: dict[str, Any], step: Step) -> dict[str, Any]:
    """Open and recognise a heavy upload."""
    from regulars.web import uploads

    known = uploads.known_of(args["upload"])
    if known is None:
        raise Refused(EXPIRED)
    uploads.look(known, step)
    return {"upload": known.id}


@job("try")
def try_out(args: dict[str, Any], step: Step) -> dict[str, Any]:
    """Say what bringing a heavy upload in would do; the answer waits beside the upload."""
    from regulars.web import uploads

    known = uploads.known_of(args["upload"])
    if known is None:
        raise Refused(EXPIRED)
    uploads.try_out(known, step)
    return {"upload": known.id}


@job("undo")
def undo(args: dict[str, Any], step: Step) -> dict[str, Any]:
    """Take a batch back, and grade again."""
    batch = Batch.objects.get(id=args["batch"])
    daily.undo(batch, by=_staff(args), progress=step)
    daily.run_day(shop_day(Business.objects.first()), progress=step)
    return {"batch": batch.id}


@job("redraw")
def redraw(args: dict[str, Any], step: Step) -> dict[str, Any]:
    """After sales by hand: the books follow, then the day."""
    daily.redraw(args["customers"])
    ask_for("day", {"on": shop_day(Business.objects.first()).isoformat()})
    return {}


@job("duplicates")
def find_likely(args: dict[str, Any], step: Step) -> dict[str, Any]:
    """Who may be one: everybody is compared, or those whom an import has brought."""
    only = None
    if args.get("since"):
        batch = Batch.objects.filter(id=args["since"]).first()
        if batch is None:
            return {}
        only = Customer.objects.filter(since_at__gte=batch.at.replace(microsecond=0)).values_list(
            "id", flat=True
        )
    found = likely.find_likely(only, step)
    return {"looked_at": found.looked_at, "new": found.new, "kept": found.kept, "dropped": found.dropped}


EVERY = timedelta(days=7)
"""Everybody is compared with everybody once a week: details change, and what was written by hand has come since."""


def ask_for_duplicates() -> None:
    """The clock: a week after everybody was compared last, they are compared again; a new shop waits for its first
    customers."""
    last = Job.objects.filter(kind="duplicates", args={}).order_by("-id").first()
    if last is None and not Customer.objects.exists():
        return
    if last is None or (last.is_over and timezone.now() - last.asked_at > EVERY):
        ask_for("duplicates", {})


@job("day")
def run_day(args: dict[str, Any], step: Step) -> dict[str, Any]:
    """The shop's day: everybody graded, today's list made."""
    return daily.run_day(
        shop_day(Business.objects.first()), full=bool(args.get("full")), progress=step, by=_staff(args)
    )


def ask_for_the_day() -> None:
    """The clock: the first minute of a new business day asks for its run. What dead processes left open goes."""
    vault.clear_opened()
    business = Business.objects.first()
    if business is None:
        return
    ask_for_duplicates()
    today = shop_day(business)
    if business.last_day_run_on is None or business.last_day_run_on < today:
        ask_for("day", {"on": today.isoformat()})
