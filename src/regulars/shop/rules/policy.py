"""Who may do what, with whose customers: the one policy that lists, search, suggestions, files, the API, live pieces of
pages and logs ask.

A *post* (岗位) is a role in one store or in all of them; a member of staff may hold several. A role is a set of abilities
and says how far they reach: to all customers of its stores, or to her own only. What concerns the whole business
(playbooks, settings, keys, the audit trail) comes with posts that are bound to no store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from regulars.shop.words import Words

ABILITIES: dict[str, Words] = {
    "look": Words("看顾客和他们的等级", "see customers and their grades"),
    "names": Words("看真实姓名、号码尾数、档案和备注", "see names, ends of numbers, the file and notes"),
    "contact": Words("做关怀、写档案、记备注", "do care, write into the file, take notes"),
    "reveal": Words("写明原因后看完整手机号和地址", "see whole numbers and addresses, with a reason"),
    "sensitive": Words("看健康等敏感信息（店里开了才有）", "see sensitive facts, where the shop keeps them"),
    "see-grades": Words("看全部顾客的等级分布", "see how the whole base is graded"),
    "team": Words("看整个店的今日名单", "see everybody's list of the day"),
    "assign": Words("分配顾客、加协作、移交", "give customers to colleagues, share them, hand over"),
    "claim": Words("从公海认领顾客", "take customers from the pool"),
    "merge": Words("合并、拆开顾客", "merge customers and part them again"),
    "rights": Words(
        "办理顾客的权利：副本、更正、删除", "answer customers' requests: copy, correction, deletion"
    ),
    "export": Words("把名单导出成文件", "take lists out as files"),
    "membership": Words(
        "开会员、看欠会员多少、批更正、管合作方",
        "run the membership programme: liability, corrections, partners",
    ),
    "outbox": Words("看发件箱，替顾客念验证码", "see the outbox and read codes out to customers"),
    "sales": Words("导入销售、撤回导入", "bring sales in and take imports back"),
    "staff": Words("管员工和岗位", "manage staff and posts"),
    "playbooks": Words("换打法、改门槛、定级", "adopt playbooks, change numbers, run gradings"),
    "counter": Words(
        "在柜台用积分、券和储值，给会员充值", "redeem points, coupons and stored value at the counter, top up"
    ),
    "give-coupons": Words("给顾客发券、作废券", "give coupons to customers and make them void"),
    "offers": Words("开活动、停活动", "open and stop offers"),
    "settings": Words("改店铺设置", "change the settings of the business"),
    "keys": Words("发、收给程序的钥匙", "give and end keys for programs"),
    "audit": Words("看操作记录和异常提醒", "read the audit trail and warnings"),
}
"""Everything that somebody may be allowed, in the words of the settings."""

WHOLE = frozenset({"membership", "offers", "playbooks", "settings", "keys", "audit"})
"""What concerns every store at once: only a post without a store brings it."""

BY_NAME = frozenset({"counter", "give-coupons", "contact", "reveal", "sensitive", "merge", "rights"})
"""What nobody can do with somebody whose name she may not know: it comes only with a post that brings "names" too."""

EVERYTHING = frozenset(ABILITIES)

REACHES: dict[str, Words] = {
    "all": Words("岗位所在门店的全部顾客", "all customers of the post's stores"),
    "own": Words("自己负责和协助的顾客", "only customers in her own charge or shared with her"),
}


@dataclass(frozen=True)
class Role:
    """What a role brings. `works_like`: the role of the house by which care plans her day."""

    key: str
    name: Words
    abilities: frozenset[str]
    reach: str = "all"
    works_like: str = ""


_DESK = frozenset({"look", "names", "contact", "reveal", "sensitive"})

HOUSE_ROLES: dict[str, Role] = {
    role.key: role
    for role in (
        Role("owner", Words("老板", "Owner"), EVERYTHING),
        Role("manager", Words("店长", "Store manager"), EVERYTHING - {"audit"}),
        Role("key-account", Words("大客户经理", "Key-account manager"), _DESK | {"merge", "claim"}, "own"),
        Role("front-desk", Words("前台", "Front desk"), _DESK | {"counter"}),
        Role("service", Words("客服", "Customer service"), _DESK | {"merge", "rights"}),
        Role("analyst", Words("数据分析", "Analyst"), frozenset({"look", "see-grades"})),
        Role("api", Words("程序", "API client"), frozenset({"look", "names"})),
    )
}
"""The roles that every shop has. An analyst sees everybody and nobody's name; a program reads and reveals nothing."""


@dataclass(frozen=True)
class Post:
    """A role in one store, or in all (`store` None)."""

    role: Role
    store: int | None = None


@dataclass(frozen=True)
class Reach:
    """Whose customers an ability covers: everybody's, those of some stores, and always (where `own`) her own."""

    everybody: bool = False
    stores: frozenset[int] = frozenset()
    own: bool = False

    @property
    def nobody(self) -> bool:
        return not (self.everybody or self.stores or self.own)


@dataclass(frozen=True)
class Powers:
    """All that one person may, from her posts.

    >>> clerk = Powers((Post(HOUSE_ROLES["front-desk"], 7),))
    >>> clerk.may("look"), clerk.may("export"), clerk.reach("look").stores
    (True, False, frozenset({7}))
    >>> manager = Powers((Post(HOUSE_ROLES["manager"], 7),))
    >>> manager.may("staff"), manager.may("settings"), Powers((Post(HOUSE_ROLES["manager"]),)).may("settings")
    (True, False, True)
    """

    posts: tuple[Post, ...] = ()

    def may(self, ability: str) -> bool:
        """Whether any of her posts brings this ability at all; with whom, `reach` says."""
        return any(self._brings(post, ability) for post in self.posts)

    def reach(self, ability: str = "look") -> Reach:
        """How far an ability goes: over all posts that bring it."""
        posts = [p for p in self.posts if self._brings(p, ability)]
        wide = [p for p in posts if p.role.reach == "all"]
        return Reach(
            everybody=any(p.store is None for p in wide),
            stores=frozenset(p.store for p in wide if p.store is not None),
            own=bool(posts),
        )

    @property
    def abilities(self) -> frozenset[str]:
        return frozenset(a for a in ABILITIES if self.may(a))

    def covers(self, other: Powers) -> bool:
        """Whether she may all that the other may, and as far: nobody gives away more than she has.

        >>> owner, clerk = (Powers((Post(HOUSE_ROLES[k]),)) for k in ("owner", "front-desk"))
        >>> owner.covers(clerk), clerk.covers(owner)
        (True, False)
        """
        return all(_wider(self.reach(a), other.reach(a)) for a in other.abilities)

    @staticmethod
    def _brings(post: Post, ability: str) -> bool:
        held = post.role.abilities
        named = ability not in BY_NAME or "names" in held
        return ability in held and named and (post.store is None or ability not in WHOLE)


def _wider(mine: Reach, theirs: Reach) -> bool:
    if mine.everybody:
        return True
    return not theirs.everybody and theirs.stores <= mine.stores and (mine.own or not theirs.own)


def role_of(key: str, own: Mapping[str, Role]) -> Role | None:
    """A role of the house or one that the shop has made; None for one that is no more."""
    return HOUSE_ROLES.get(key) or own.get(key)


def powers(held: Iterable[tuple[str, int | None]], own: Mapping[str, Role], only_store: int | None) -> Powers:
    """The powers of somebody who holds these (role, store). Where a business has one store only, being bound to it binds
    nothing (`only_store`).

    >>> powers([("manager", 7)], {}, only_store=7).may("settings"), powers([("gone", 7)], {}, None).posts
    (True, ())
    """
    posts = []
    for key, store in held:
        role = role_of(key, own)
        if role is not None:
            posts.append(Post(role, None if store == only_store else store))
    return Powers(tuple(posts))
