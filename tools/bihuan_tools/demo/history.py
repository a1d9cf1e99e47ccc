"""Two years of orders, receipts, defects and reports, as ERP, CRM and test systems would have sent them."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from bihuan_contracts import Event, Money
from bihuan_contracts.crm import CustomerOrderChanged, CustomerOrderStatus
from bihuan_contracts.erp import GoodsReceived, PurchaseOrderChanged, PurchaseOrderLine, PurchaseOrderStatus
from bihuan_contracts.qa import DefectReported, DefectSeverity, DefectStatus, Measurement, TestReported, Verdict
from bihuan_tools.demo.company import SEED, suppliers
from bihuan_tools.demo.products import MODULES, PRODUCTS, task_codes
from bihuan_tools.demo.support import days_to_pay

_DAYS = 730


def events(now: datetime, projects: list[dict[str, Any]]) -> Iterator[Event]:
    """All of the history, oldest first within each system."""
    random = Random(SEED + 1)
    yield from _purchases(random, now)
    yield from _customer_orders(random, now)
    yield from _orders_for_parts(now)
    yield from _defects(random, now)
    yield from _reports(projects)
    yield _in_doubt(now)


def _purchases(random: Random, now: datetime) -> Iterator[Event]:
    for number in range(1, 361):
        supplier = random.choice(suppliers())
        ordered = now - timedelta(days=_DAYS * (361 - number) / 361)
        promised = ordered + timedelta(days=random.choice((14, 21, 30)))
        arrived = promised + timedelta(
            days=random.choices((-2, -1, 0, 1, 3, 8), (2, 4, 6, 2, 1, 1))[0], hours=random.randint(-4, 6)
        )
        quantity = Decimal(random.choice((20, 50, 100, 200)))
        received = arrived < now
        yield PurchaseOrderChanged(
            number=f"PO-{number:05}", supplier=supplier.code, supplier_name=supplier.name,
            status=PurchaseOrderStatus.COMPLETED if received else PurchaseOrderStatus.CONFIRMED, ordered_at=ordered,
            lines=(
                PurchaseOrderLine(
                    line=1, item=f"MAT-{supplier.code}", name=supplier.makes, quantity=quantity, promised_at=promised,
                    price=Money(amount=Decimal(random.randint(8, 900)), currency="CNY"),
                ),
            ),
            urgent=random.random() < 0.08, stock_synchronised_at=ordered - timedelta(hours=random.choice((1, 2, 4, 30))),
            version=1,
        )  # fmt: skip
        if received:
            rejected = Decimal(random.choices((0, 1, 4), (20, 3, 1))[0])
            yield GoodsReceived(
                receipt=f"GR-{number:05}", order=f"PO-{number:05}", line=1, supplier=supplier.code,
                item=f"MAT-{supplier.code}", quantity=quantity, accepted=quantity - rejected, received_at=arrived,
                entered_at=arrived + timedelta(hours=random.choice((1, 3, 20, 44))),
            )  # fmt: skip


def _orders_for_parts(now: datetime) -> Iterator[Event]:
    """Open orders for parts that the scenario's change replaces or needs: their suppliers are in its impact (C3)."""
    listed = (
        ("PO-26018", 0, "DCM-2410", "DC-DC 变换器", 200, 9),
        ("PO-26021", 0, "DCM-2412", "DC-DC 变换器", 60, 21),
        ("PO-26025", 1, "EC-680", "输出电容", 800, 14),
    )
    known = suppliers()
    for number, place, item, name, quantity, days in listed:
        yield PurchaseOrderChanged(
            number=number, supplier=known[place].code, supplier_name=known[place].name,
            status=PurchaseOrderStatus.CONFIRMED, ordered_at=now - timedelta(days=6),
            lines=(
                PurchaseOrderLine(
                    line=1, item=item, name=name, quantity=Decimal(quantity), promised_at=now + timedelta(days=days)
                ),
            ),
            stock_synchronised_at=now - timedelta(hours=3), version=1,
        )  # fmt: skip


def _customer_orders(random: Random, now: datetime) -> Iterator[Event]:
    for number in range(1, 161):
        series, _, _, _, customer = random.choice(PRODUCTS)
        ordered = now - timedelta(days=_DAYS * (161 - number) / 161)
        rush = random.random() < 0.12 + 0.2 * number / 160
        promised = ordered + timedelta(days=60 if rush else 105)
        delivered = promised + timedelta(days=random.choice((-9, -4, 0, 2, 7)))
        amount = Decimal(random.randint(200, 3200)) * 1000
        late = max(0, (delivered - promised).days)
        paid = delivered + timedelta(days=days_to_pay(series, delivered, number))
        status = CustomerOrderStatus.OPEN if delivered >= now else CustomerOrderStatus.DELIVERED
        yield CustomerOrderChanged(
            number=f"SO-{number:05}", customer=f"C-{customer}", customer_name=customer, series=series,
            quantity=random.randint(1, 12),
            status=CustomerOrderStatus.PAID if paid < now else status,
            amount=Money(amount=amount), penalty=Money(amount=amount * late / 1000) if late else None, rush=rush,
            premium_rate=Decimal("0.128") if rush else None, project=f"P-{series}", ordered_at=ordered,
            promised_at=promised, delivered_at=delivered if delivered < now else None,
            paid_at=paid if paid < now else None, version=1,
        )  # fmt: skip


_TITLES = ("上电浪涌偏大", "低温启动失败", "接口时序不满足", "温升超限", "装配干涉", "静电放电复位", "通信偶发中断")


def _defects(random: Random, now: datetime) -> Iterator[Event]:
    for number in range(1, 261):
        module = MODULES[0] if random.random() < 0.45 else random.choice(MODULES)
        found = now - timedelta(days=_DAYS * (261 - number) / 261)
        resolved = found + timedelta(days=random.randint(1, 40))
        yield DefectReported(
            number=f"BUG-{number:05}", title=f"{module.name}{random.choice(_TITLES)}",
            severity=random.choice((DefectSeverity.SERIOUS, DefectSeverity.NORMAL, DefectSeverity.NORMAL, DefectSeverity.MINOR)),
            status=DefectStatus.CLOSED if resolved < now else DefectStatus.OPEN, module=module.item,
            module_version="V1.0", stage=random.choice(("设计评审", "EMC 测试", "样机调试", "试产")), found_at=found,
            resolved_at=resolved if resolved < now else None,
            rework_hours=Decimal(random.randint(2, 40)) if resolved < now else None, version=1,
        )  # fmt: skip


def _reports(projects: list[dict[str, Any]]) -> Iterator[Event]:
    """The reports that finished tests of the past stand on."""
    number = 0
    for code, task in task_codes(projects):
        if task["kind"] != "test" or task["state"] != "done":
            continue
        number += 1
        module = next(one for one in MODULES if one.item == task["module"])
        sign, limit = module.limit.split(" ")
        better = Decimal("1.2") if sign == ">=" else Decimal("0.8")
        yield TestReported(
            report=f"TR-H-{number:05}", module=module.item, module_version=task["item_version"], verdict=Verdict.PASSED,
            task_code=code,
            measurements=(Measurement(metric=module.metric, value=Decimal(limit) * better, unit=module.unit),),
            title=task["title"], tested_by=task["owner"], tested_at=datetime.fromisoformat(task["finished_at"]),
        )  # fmt: skip


def _in_doubt(now: datetime) -> TestReported:
    """A report without task or product on a module that two products have: its tester chooses (G5)."""
    return TestReported(
        report="TR-2026-0412", module="SM-11", module_version="V5.2", verdict=Verdict.PASSED,
        measurements=(Measurement(metric="零点漂移", value=Decimal("0.03"), unit="%"),), title="敏感模块零点漂移",
        tested_by="10315", tested_at=now - timedelta(hours=3),
    )  # fmt: skip
