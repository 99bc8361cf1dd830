"""Decisions at the door: how long who guesses must wait, when a login is over, when the PIN is asked again."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from regulars.shop.words import Words

# --- waiting ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Patience:
    """How wrong tries are slowed: some cost nothing, then each doubles the wait up to the longest; in seconds."""

    free: int
    longest: float
    forgets_after: float = 3600.0

    def wait_after(self, wrong: int) -> float:
        """Seconds until the next try counts, after so many wrong ones.

        >>> [Patience(free=5, longest=300).wait_after(n) for n in (1, 4, 5, 6, 12, 13, 5000)]
        [0.0, 0.0, 1.0, 2.0, 128.0, 256.0, 300.0]
        """
        if wrong < self.free:
            return 0.0
        return float(min(2.0 ** min(wrong - self.free, 30), self.longest))


PASSWORD = Patience(free=5, longest=300)
"""One account from one place: fingers slip, and a shared phone has several owners."""

ADDRESS = Patience(free=30, longest=300)
"""One address over many accounts. Forty colleagues share the shop's network, and a morning's slips are theirs."""

ACCOUNT = Patience(free=20, longest=30)
"""One account from everywhere. The wait stays short, because it is the only one that strangers can put upon somebody; her
own devices know nothing of it."""

CODE = Patience(free=5, longest=900)
"""Codes of an authenticator and recovery codes, by whoever has the password already."""

KEY = Patience(free=20, longest=60)
"""Keys for programs that open nothing, from one address."""

PIN_TRIES = 5
"""Wrong PINs on one phone until that phone has to sign in again. Nothing else of its owner ends."""


@dataclass(frozen=True)
class Pace:
    """How often something may be done: `burst` at once, then `per_minute`."""

    burst: float
    per_minute: float

    def spend(self, left: float, since: float) -> tuple[float, float]:
        """What is left after one more, `since` seconds after the last; and how long to wait if it was one too many.

        >>> Pace(burst=2, per_minute=60).spend(2, 0), Pace(burst=2, per_minute=60).spend(0.5, 0.25)
        ((1, 0.0), (0.75, 0.25))
        """
        filled = min(self.burst, left + max(since, 0) * self.per_minute / 60)
        if filled >= 1:
            return filled - 1, 0.0
        return filled, (1 - filled) * 60 / self.per_minute


SEARCH = Pace(burst=60, per_minute=90)
"""A person who types a name asks once for each sign; who asks more than this is a program that copies the file."""

# --- how long a login lasts ------------------------------------------------------------------------------------------

LASTS = timedelta(days=30)
IDLE = timedelta(days=14)
SHARED_LASTS = timedelta(hours=16)
"""A phone of the shop is signed in anew each working day: nobody knows in whose hands it sleeps."""


def is_over(came_at: datetime, seen_at: datetime, now: datetime, is_shared: bool) -> bool:
    """Whether a login has lasted long enough, or has not been used for too long.

    >>> then = datetime(2026, 11, 1)
    >>> is_over(then, then, then + timedelta(days=13), False), is_over(then, then, then + timedelta(days=14), False)
    (False, True)
    >>> is_over(then, then + timedelta(days=29), then + timedelta(days=30), False)
    True
    >>> is_over(then, then + timedelta(hours=15), then + timedelta(hours=16), True)
    True
    """
    return now - came_at >= (SHARED_LASTS if is_shared else LASTS) or now - seen_at >= IDLE


def asks_pin(seen_at: datetime, now: datetime, minutes: int) -> bool:
    """Whether a phone of the shop lay still for so long that another hand may hold it.

    >>> then = datetime(2026, 11, 1)
    >>> asks_pin(then, then + timedelta(seconds=299), 5), asks_pin(then, then + timedelta(minutes=5), 5)
    (False, True)
    """
    return now - seen_at >= timedelta(minutes=minutes)


# --- PINs and codes --------------------------------------------------------------------------------------------------

PIN_FORM = Words("PIN 是 6 个数字", "A PIN is 6 figures")
PIN_EASY = Words(
    "这个 PIN 太好猜：别用连号、重复的数字或生日", "Too easy to guess: no runs, no repeats, no birthday"
)


def pin_weakness(pin: str) -> Words | None:
    """What is wrong with a PIN, or None. Six figures that are no run, no repetition and no date.

    >>> [bool(pin_weakness(p)) for p in ("123456", "654321", "111111", "121212", "123123", "112233", "135790")]
    [True, True, True, True, True, True, True]
    >>> [bool(pin_weakness(p)) for p in ("900214", "021490", "199002", "12345", "１２３４５６", "abcdef")]
    [True, True, True, True, True, True]
    >>> pin_weakness("738164") is None
    True
    """
    if not re.fullmatch(r"[0-9]{6}", pin):
        return PIN_FORM
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(pin)}
    repeats = len(set(pin)) < 4 or pin[:3] == pin[3:] or pin[0::2] == pin[1::2]
    return PIN_EASY if len(steps) == 1 or steps <= {2, 9, 1} or repeats or _is_date(pin) else None


def _is_date(pin: str) -> bool:
    """Whether it reads as a day (YYMMDD, DDMMYY, MMDDYY) or as a year and a month."""

    def day(month: str, number: str) -> bool:
        return 1 <= int(month) <= 12 and 1 <= int(number) <= 31

    return (
        day(pin[2:4], pin[4:6])
        or day(pin[2:4], pin[0:2])
        or day(pin[0:2], pin[2:4])
        or (pin[:2] in ("19", "20") and 1 <= int(pin[4:6]) <= 12)
    )


def plain_code(text: str) -> str:
    """A code as it was typed, without what people put between its signs.

    >>> plain_code(" 123 456 "), plain_code("k7pq-x2mn-9rtw")
    ('123456', 'K7PQX2MN9RTW')
    """
    return re.sub(r"[\s\-–—]", "", text).upper()


# --- where from, with what -------------------------------------------------------------------------------------------


def network_of(address: str) -> str:
    """Whose tries are counted together: an address, or the network that one household has under IPv6.

    >>> network_of("203.0.113.9"), network_of("2001:db8:1:2:3::4"), network_of("::ffff:203.0.113.9"), network_of("")
    ('203.0.113.9', '2001:db8:1:2::', '203.0.113.9', '')
    """
    try:
        found = ipaddress.ip_address(address.strip().strip("[]"))
    except ValueError:
        return address[:45]
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.IPv6Address(int(found) >> 64 << 64))
    return str(found)


def masked_address(address: str) -> str:
    """An address as a list shows it: enough to tell home from abroad.

    >>> masked_address("203.0.113.9"), masked_address("2001:db8:1:2:3::4"), masked_address("")
    ('203.0.113.*', '2001:db8:1:*', '')
    """
    network = network_of(address)
    if re.fullmatch(r"[\d.]+", network):
        return network.rpartition(".")[0] + ".*"
    if ":" in network:
        groups = ipaddress.IPv6Address(network).exploded.split(":")[:3]
        return ":".join(f"{int(g, 16):x}" for g in groups) + ":*"
    return ""


PROGRAMS = (
    ("wechat", "MicroMessenger", Words("微信", "WeChat")), ("dingtalk", "DingTalk", Words("钉钉", "DingTalk")),
    ("edge", "Edg", Words("Edge", "Edge")), ("qq", "QQBrowser", Words("QQ 浏览器", "QQ Browser")),
    ("firefox", "Firefox|FxiOS", Words("Firefox", "Firefox")), ("opera", "OPR/", Words("Opera", "Opera")),
    ("chrome", "Chrome|CriOS", Words("Chrome", "Chrome")), ("safari", "Safari", Words("Safari", "Safari")),
)  # fmt: skip
MACHINES = (
    ("iphone", "iPhone", Words("iPhone", "iPhone")), ("ipad", "iPad", Words("iPad", "iPad")),
    ("harmony", "HarmonyOS|OpenHarmony", Words("鸿蒙设备", "HarmonyOS device")), ("android", "Android", Words("安卓手机", "Android phone")),
    ("windows", "Windows", Words("Windows 电脑", "Windows computer")), ("mac", "Macintosh", Words("苹果电脑", "Mac")),
    ("linux", "Linux", Words("Linux 电脑", "Linux computer")),
)  # fmt: skip


def device_kind(agent: str) -> str:
    """What a browser says of itself, in two words that are kept.

    >>> device_kind("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) … MicroMessenger/8.0 Safari/604.1")
    'wechat/iphone'
    >>> device_kind("curl/8.0")
    '/'
    """

    def first(of: tuple[tuple[str, str, Words], ...]) -> str:
        return next((key for key, pattern, _ in of if re.search(pattern, agent)), "")

    return f"{first(PROGRAMS)}/{first(MACHINES)}"


def device_words(kind: str) -> Words:
    """The two words as a person reads them.

    >>> device_words("wechat/iphone").say("zh"), device_words("/").say("en")
    ('iPhone 上的微信', 'an unknown device')
    >>> device_words("chrome/windows").say("zh")
    'Windows 电脑上的 Chrome'
    """
    program, _, machine = kind.partition("/")
    said = next((w for key, _, w in PROGRAMS if key == program), None)
    on = next((w for key, _, w in MACHINES if key == machine), None)
    if said and on:
        # Chinese stands close to Chinese, and a space apart from other letters
        before, after = ("" if w > "z" else " " for w in (on.zh[-1], said.zh[0]))
        return Words("{m}" + before + "上的" + after + "{p}", "{p} on {m}").fill(p=said, m=on)
    return said or on or Words("不认识的设备", "an unknown device")
