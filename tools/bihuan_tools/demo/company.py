"""People and suppliers of the demo company."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from bihuan_contracts.hr import PersonChanged

SEED = 20260311

_SURNAMES = (
    "王 Wang,李 Li,张 Zhang,刘 Liu,陈 Chen,杨 Yang,黄 Huang,赵 Zhao,吴 Wu,周 Zhou,徐 Xu,孙 Sun,马 Ma,朱 Zhu,胡 Hu,郭 Guo,"
    "何 He,高 Gao,林 Lin,罗 Luo,郑 Zheng,梁 Liang,谢 Xie,宋 Song,唐 Tang,许 Xu,邓 Deng,冯 Feng,韩 Han,曹 Cao,曾 Zeng,彭 Peng,"
    "萧 Xiao,蔡 Cai,潘 Pan,田 Tian,董 Dong,袁 Yuan,于 Yu,余 Yu,叶 Ye,蒋 Jiang,杜 Du,苏 Su,魏 Wei,程 Cheng,吕 Lyu,丁 Ding,"
    "沈 Shen,任 Ren,姚 Yao,卢 Lu,傅 Fu,钟 Zhong,姜 Jiang,崔 Cui,谭 Tan,廖 Liao,范 Fan,汪 Wang,陆 Lu,金 Jin,石 Shi,戴 Dai"
)
_GIVEN = (
    "伟 wei,芳 fang,娜 na,敏 min,静 jing,强 qiang,磊 lei,洋 yang,艳 yan,勇 yong,军 jun,杰 jie,娟 juan,涛 tao,明 ming,超 chao,"
    "秀 xiu,霞 xia,平 ping,刚 gang,桂 gui,文 wen,辉 hui,玲 ling,志 zhi,建 jian,国 guo,海 hai,晓 xiao,春 chun,雪 xue,梅 mei,"
    "浩 hao,宇 yu,轩 xuan,博 bo,思 si,佳 jia,欣 xin,怡 yi,子 zi,涵 han,雨 yu,晨 chen,梓 zi,航 hang,嘉 jia,睿 rui,诗 shi,琪 qi,"
    "宁 ning,凯 kai,旭 xu,阳 yang,帆 fan,悦 yue,瑶 yao,颖 ying,倩 qian,丹 dan,鹏 peng,飞 fei,龙 long,翔 xiang,峰 feng,岩 yan"
)


@dataclass(frozen=True)
class Department:
    code: str
    name: str
    head_title: str
    titles: tuple[str, ...]
    people: int


DEPARTMENTS = (
    Department(
        "RD", "研发部", "研发总监", ("电气工程师", "结构工程师", "嵌入式工程师", "系统工程师", "算法工程师"), 92
    ),
    Department("TE", "测试部", "测试经理", ("测试工程师", "EMC 测试工程师", "可靠性工程师"), 38),
    Department("PE", "工艺部", "工艺经理", ("工艺工程师", "工装工程师"), 36),
    Department("PU", "采购部", "采购经理", ("采购工程师", "供应商质量工程师"), 24),
    Department("MF", "生产部", "生产总监", ("装配技师", "调试技师", "班组长", "计划员"), 126),
    Department("QA", "质量部", "质量经理", ("质量工程师", "检验员"), 34),
    Department("SA", "销售部", "销售总监", ("客户经理", "售前工程师", "售后工程师"), 30),
    Department("HR", "人力资源部", "人力资源总监", ("HRBP", "薪酬专员", "培训专员"), 12),
    Department("FA", "财务与行政部", "财务总监", ("会计", "行政专员", "信息系统工程师"), 20),
)


@dataclass(frozen=True)
class Named:
    """Somebody the scenarios and the personas know by name."""

    person: str
    name: str
    latin: str
    department: str
    title: str
    roles: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()


ENGINEER, TESTER, LEAD = "10231", "10306", "10105"
CHIEF = "10010"
"""Above every head of a department."""
NAMED = (
    Named("10001", "方志诚", "Fang Zhicheng", "RD", "研发总监", ("manager", "director"), ()),
    Named(LEAD, "陈砚", "Chen Yan", "RD", "项目负责人", ("project_lead",), ()),
    Named("10112", "沈知行", "Shen Zhixing", "RD", "项目负责人", ("project_lead",), ()),
    Named("10118", "孟言", "Meng Yan", "RD", "项目负责人", ("project_lead",), ()),
    Named(ENGINEER, "周启航", "Zhou Qihang", "RD", "电气工程师", (), ("PM-480",)),
    Named("10235", "唐可", "Tang Ke", "RD", "嵌入式工程师", (), ("RD-16",)),
    Named("10240", "徐明远", "Xu Mingyuan", "RD", "结构工程师", (), ("CC-120",)),
    Named("10002", "宋清和", "Song Qinghe", "TE", "测试经理", ("manager", "test_engineer"), ()),
    Named(TESTER, "林若溪", "Lin Ruoxi", "TE", "EMC 测试工程师", ("test_engineer",), ("PM-480", "CC-120")),
    Named("10310", "陆子衡", "Lu Ziheng", "TE", "测试工程师", ("test_engineer",), ("RD-16", "MB-7")),
    Named("10315", "江予安", "Jiang Yu'an", "TE", "可靠性工程师", ("test_engineer",), ("SM-11", "SC-5")),
    Named("10003", "许静姝", "Xu Jingshu", "PE", "工艺经理", ("manager", "process_owner"), ()),
    Named("10004", "何岚", "He Lan", "PU", "采购经理", ("manager",), ()),
    Named("10005", "罗以宁", "Luo Yining", "MF", "生产总监", ("manager", "director"), ()),
    Named("10006", "王守正", "Wang Shouzheng", "QA", "质量经理", ("manager",), ()),
    Named("10007", "高远舟", "Gao Yuanzhou", "SA", "销售总监", ("manager",), ()),
    Named("10008", "叶青蓝", "Ye Qinglan", "HR", "人力资源总监", ("manager", "hr"), ()),
    Named("10009", "苏文瀚", "Su Wenhan", "FA", "财务总监", ("manager", "auditor"), ()),
    Named(CHIEF, "秦怀远", "Qin Huaiyuan", "FA", "总经理", ("manager", "director"), ()),
    Named("10901", "钟鸣", "Zhong Ming", "FA", "信息系统工程师", ("integrator",), ()),
    Named("10902", "任一帆", "Ren Yifan", "FA", "信息系统工程师", ("administrator",), ()),
)
_HEADS = {one.department: one.person for one in NAMED if one.person < "10010"}


def people() -> list[PersonChanged]:
    """All 412 people, and a contact of each of the 23 suppliers."""
    random = Random(SEED)
    staff = [_known(one) for one in NAMED]
    taken = {one.name for one in staff}
    number = 20_000
    for department in DEPARTMENTS:
        here = sum(1 for one in NAMED if one.department == department.code)
        for _ in range(department.people - here):
            name, latin = _name(random, taken)
            number += random.randint(1, 7)
            title = random.choice(department.titles)
            staff.append(_person(str(number), name, latin, department, title))
    return staff + [_contact(random, supplier, taken) for supplier in suppliers()]


def _known(one: Named) -> PersonChanged:
    department = next(d for d in DEPARTMENTS if d.code == one.department)
    above = CHIEF if one.person in _HEADS.values() else _HEADS[one.department]
    return PersonChanged(
        person=one.person, name=one.name, name_latin=one.latin, department=one.department,
        department_name=department.name, title=one.title, manager=None if one.person == CHIEF else above,
        email=f"{one.person}@hengrui.example", roles=("employee", *one.roles), modules=one.modules, version=1,
    )  # fmt: skip


def _person(number: str, name: str, latin: str, department: Department, title: str) -> PersonChanged:
    roles = ("employee", "test_engineer") if department.code == "TE" else ("employee",)
    return PersonChanged(
        person=number, name=name, name_latin=latin, department=department.code, department_name=department.name,
        title=title, manager=_HEADS[department.code], email=f"{number}@hengrui.example", roles=roles, version=1,
    )  # fmt: skip


def _name(random: Random, taken: set[str]) -> tuple[str, str]:
    """A name nobody else has, with its Latin form."""
    surnames, given = _pairs(_SURNAMES), _pairs(_GIVEN)
    while True:
        surname = random.choice(surnames)
        rest = random.sample(given, 2 if random.random() < 0.8 else 1)
        name = surname[0] + "".join(sign for sign, _ in rest)
        if name not in taken:
            taken.add(name)
            return name, f"{surname[1]} {''.join(sound for _, sound in rest).capitalize()}"


def _pairs(listed: str) -> list[tuple[str, str]]:
    return [(sign, sound) for sign, sound in (pair.split(" ") for pair in listed.split(","))]


@dataclass(frozen=True)
class Supplier:
    code: str
    name: str
    makes: str


_SUPPLIERS = (
    "华芯电源:DC-DC 变换器,宏达电容:电解电容,锐磁电子:共模电感,中科散热:散热片,联拓连接:连接器,苏南线束:线束,精工钣金:机柜钣金,"
    "天元导轨:直线导轨,恒力丝杠:滚珠丝杠,北辰轴承:主轴轴承,佳业电机:伺服电机,远大变频:变频器,金鼎铸造:床身铸件,华星光栅:光栅尺,"
    "明达传感:敏感元件,凯盛玻璃:绝缘端子,泰科印制:印制电路板,盛世芯片:微控制器,长风风机:散热风机,润泽液压:液压阀,"
    "东方密封:密封件,科达标准件:紧固件,安捷包装:包装材料"
)


def suppliers() -> list[Supplier]:
    """The 23 core suppliers."""
    return [
        Supplier(f"S{number:03}", name, makes)
        for number, (name, makes) in enumerate((pair.split(":") for pair in _SUPPLIERS.split(",")), 1)
    ]


def _contact(random: Random, supplier: Supplier, taken: set[str]) -> PersonChanged:
    name, latin = _name(random, taken)
    return PersonChanged(
        person=f"{supplier.code}-1", name=name, name_latin=latin, department=None, department_name=supplier.name,
        title="供应商联系人", email=f"{supplier.code.lower()}@suppliers.example", roles=("supplier",),
        supplier=supplier.code, version=1,
    )  # fmt: skip


def engineers(staff: list[PersonChanged], department: str) -> Iterator[PersonChanged]:
    """Those of a department who do the work, named ones first."""
    return (one for one in staff if one.department == department and "manager" not in one.roles)
