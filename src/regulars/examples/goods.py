"""What the example shops sell: name, category, price, how often it is chosen."""

from __future__ import annotations

from typing import NamedTuple


class Item(NamedTuple):
    """One thing on the list. `yuan` per piece, `share` its weight beside the others."""

    name: str
    category: str
    yuan: int
    share: float


HOTPOT_DISHES = (
    Item("鸳鸯锅底", "锅底", 68, 9), Item("牛油红锅", "锅底", 58, 6), Item("番茄锅底", "锅底", 62, 3),
    Item("鲜毛肚", "荤菜", 56, 9), Item("鲜鸭肠", "荤菜", 42, 7), Item("嫩牛肉", "荤菜", 48, 8),
    Item("雪花肥牛", "荤菜", 68, 7), Item("手切羊肉", "荤菜", 62, 5), Item("虾滑", "荤菜", 46, 6),
    Item("脑花", "荤菜", 22, 3), Item("午餐肉", "荤菜", 26, 5), Item("耗儿鱼", "荤菜", 52, 2),
    Item("土豆片", "素菜", 14, 6), Item("藕片", "素菜", 14, 5), Item("贡菜", "素菜", 18, 4),
    Item("金针菇", "素菜", 16, 5), Item("冻豆腐", "素菜", 14, 4), Item("时蔬拼盘", "素菜", 28, 4),
    Item("红糖糍粑", "小吃", 22, 5), Item("现炸酥肉", "小吃", 36, 7), Item("冰粉", "小吃", 10, 6),
    Item("酸梅汤", "酒水", 18, 6), Item("啤酒", "酒水", 10, 7), Item("唯怡豆奶", "酒水", 8, 4),
)  # fmt: skip

DISHES = (
    Item("稻香红烧肉", "热菜", 68, 8), Item("清蒸鲈鱼", "热菜", 88, 6), Item("酸菜鱼", "热菜", 78, 7),
    Item("宫保鸡丁", "热菜", 42, 6), Item("麻婆豆腐", "热菜", 28, 6), Item("干煸四季豆", "热菜", 32, 5),
    Item("老母鸡汤", "汤", 98, 3), Item("午市套餐", "套餐", 35, 9), Item("腊味煲仔饭", "主食", 38, 4),
)  # fmt: skip

SERVICES = (
    Item("剪发", "美发", 88, 9), Item("染发", "美发", 380, 4), Item("烫发", "美发", 480, 3),
    Item("头皮护理", "美发", 198, 4), Item("基础清洁", "美容", 168, 5), Item("补水护理", "美容", 238, 5),
    Item("肩颈舒缓", "身体", 218, 4), Item("美甲", "美甲", 128, 5),
)  # fmt: skip

COURSES = (
    Item("补水护理十次卡", "次卡", 1980, 5), Item("肩颈舒缓十次卡", "次卡", 1680, 4),
    Item("头皮护理十次卡", "次卡", 1580, 3), Item("焕肤疗程十次", "疗程", 4980, 2),
    Item("专属老师年度护理卡", "疗程", 16800, 0.8),
)  # fmt: skip

PARTS = (
    Item("机油滤清器", "滤清", 18, 9), Item("空气滤清器", "滤清", 26, 7),
    Item("刹车片（前）", "制动", 128, 8), Item("刹车片（后）", "制动", 112, 6),
    Item("刹车盘", "制动", 198, 4), Item("全合成机油 4L", "油品", 168, 8), Item("火花塞", "点火", 42, 7),
    Item("蓄电池 60Ah", "电器", 386, 4), Item("雨刮片", "易损", 32, 5), Item("减震器", "底盘", 298, 3),
    Item("正时皮带套装", "发动机", 458, 2), Item("轮胎 205/55R16", "轮胎", 366, 4),
)  # fmt: skip
