"""Real edits of real bills of materials through the whole loop: whom and what they touch is computed here anew.

The expected sets come from InvenTree's own lines by plain closure over them, not by the product's where-used.
"""

import json
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from tests.waiting import until

from bihuan_tools.demo.company import LEAD
from bihuan_tools.instance import Instance

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]
SignedIn = Callable[[str], AbstractAsyncContextManager[httpx.AsyncClient]]
INTEGRATOR = "10901"
LIMIT = "输出纹波 ≤ 50 mV"


@dataclass(frozen=True)
class Bills:
    """One state of InvenTree: parts by their key, and the lines of their bills."""

    parts: dict[int, dict[str, Any]]
    lines: list[dict[str, Any]]

    @property
    def assemblies(self) -> set[int]:
        return {line["part"] for line in self.lines}

    def content(self, part: int, *fields: str) -> set[tuple[Any, ...]]:
        found = [
            (*(line[field] for field in fields), Decimal(line["quantity"]))
            for line in self.lines
            if line["part"] == part
        ]
        return {(one, found.count(one)) for one in found}

    def variants(self, part: int) -> set[int]:
        """The part's variants, and theirs."""
        own = {key for key, known in self.parts.items() if known["variant_of"] == part}
        return own.union(*(self.variants(one) for one in own))

    def fitted(self, part: int) -> set[int]:
        """What may be fitted in a part: its own lines and those that it inherits, each with what may stand in."""
        found: set[int] = set()
        for line in self.lines:
            if line["part"] == part or (line["inherited"] and part in self.variants(line["part"])):
                found |= {line["sub_part"], *line.get("substitutes", ())}
                found |= self.variants(line["sub_part"]) if line["allow_variants"] else set()
        return found

    def containing(self, part: int) -> set[int]:
        """Everything that a change of `part` concerns beside itself: grown until nothing is added."""
        found = {part} | self.variants(part)
        while more := {one for one in self.parts if one not in found and self.fitted(one) & found}:
            found |= more
        return found - {part}


@dataclass(frozen=True)
class Pair:
    """Two states, under names of this test's own: InvenTree's keys repeat from pair to pair."""

    name: str
    data: dict[str, Any]
    before: Bills
    after: Bills

    @classmethod
    def read(cls, file: Path, name: str) -> "Pair":
        data = json.loads(file.read_text(encoding="utf-8"))
        data["parts"] = {key: part | {"IPN": f"{name}-{key}"} for key, part in data["parts"].items()}
        parts = {int(key): part for key, part in data["parts"].items()}
        states = [Bills(parts, list(data[state].values())) for state in ("bom_before", "bom_after")]
        return cls(name, data, *states)

    def item(self, part: int) -> str:
        return f"{self.name}-{part}"

    def with_an_edit_below(self) -> "Pair":
        """The first state, and the assembly that most others contain with one more of one of its parts."""
        part = max(self.before.assemblies, key=lambda one: (len(self.before.containing(one)), -one))
        edited = json.loads(json.dumps(self.data["bom_before"]))
        line = next(line for line in edited.values() if line["part"] == part)
        line["quantity"] = str(Decimal(line["quantity"]) + 1)
        return Pair(
            self.name, self.data | {"bom_after": edited}, self.before, Bills(self.before.parts, list(edited.values()))
        )

    @property
    def changed(self) -> set[int]:
        """Assemblies that had a bill before and have another one after."""
        every = ("sub_part", "reference", "optional", "inherited", "allow_variants")
        return {
            part
            for part in self.before.assemblies & self.before.parts.keys()
            if self.before.content(part, *every) != self.after.content(part, *every)
        }

    def physical(self, part: int) -> bool:
        """Not only annotations: other parts, or other quantities."""
        return self.before.content(part, "sub_part") != self.after.content(part, "sub_part")

    def concerned(self, part: int, bills: Bills) -> set[tuple[str, str]]:
        """Tasks and what becomes of them: work on the part is locked, its test and those above are done again."""
        known = bills.containing(part) & self.before.assemblies
        if not self.physical(part):
            return {(f"{kind}-{self.item(one)}", "inform") for one in {part} | known for kind in "DT"}
        own = {(f"D-{self.item(part)}", "lock"), (f"T-{self.item(part)}", "retest")}
        return (
            own
            | {(f"D-{self.item(one)}", "inform") for one in known}
            | {(f"T-{self.item(one)}", "retest") for one in known}
        )


def project(pair: Pair, engineer: str, tester: str) -> dict[str, Any]:
    """Open work and a test on every assembly that had a bill."""

    def task(kind: str, code: str, item: str, owner: str) -> dict[str, Any]:
        criterion = {"text": LIMIT, "metric": "输出纹波", "unit": "mV", "upper": "50"}
        return {
            "code": code, "title": f"{item} {kind}", "kind": kind, "owner": owner, "module": item, "item_version": "旧版",
            "due_at": "2027-03-12T10:00:00Z", "planned_hours": "10",
            "deliverables": [{"title": f"{item} {kind}", "criteria": [criterion]}],
        }  # fmt: skip

    items = [pair.item(part) for part in sorted(pair.before.assemblies & pair.before.parts.keys())]
    tasks = [task("develop", f"D-{item}", item, engineer) for item in items]
    tasks += [task("test", f"T-{item}", item, tester) for item in items]
    return {
        "code": pair.name, "name": f"InvenTree {pair.name}", "product": pair.name, "lead": LEAD,
        "goals": [{"title": "整机", "tasks": tasks}],
    }  # fmt: skip


PAIRS = ["b46ee9f-e64b1c2", "d94a4a8-06004bf", "aa2368f-2e4eb2b", "f905818-6d49781"]


@pytest.mark.parametrize(("pair", "below"), [*((pair, False) for pair in PAIRS), (PAIRS[-1], True)])
async def test_a_pair_touches_exactly_the_tasks_people_and_criteria_that_it_should(
    bihuan: Instance, signed_in: SignedIn, samples: Path, pair: str, below: bool
) -> None:
    """I2, C3, C5, G6, G7."""
    given = Pair.read(samples / f"inventree/bom-change-{pair}.json", f"IT-{pair[:7]}{'B' if below else ''}")
    if below:
        given = given.with_an_edit_below()
        [edited] = given.changed
        assert len(given.before.containing(edited)) > 1, "something lies above it"
    changes = await asyncpg.connect(bihuan.database("changes"))
    try:
        engineer, tester = [
            row[0]
            for row in await changes.fetch(
                "select person from people where modules = '{}' order by person desc limit 2"
            )
        ]
        async with signed_in(INTEGRATOR) as integrator, signed_in(LEAD) as lead:
            made = await lead.post("/api/goals/projects", json=project(given, engineer, tester))
            assert made.status_code == 201, made.text
            await _send(integrator, given, given.data["bom_before"])  # as the connector finds it: nothing has changed
            items = [given.item(part) for part in given.before.assemblies & given.before.parts.keys()]
            await until(partial(_known, changes, items, items), "structure and tasks in changes")
            await _send(integrator, given, given.data["bom_after"])
            later = [given.item(part) for part in given.after.assemblies & given.after.parts.keys()]
            await until(partial(_known, changes, items, later), "the newer structure")

            numbers = {f"{given.name}-{given.item(part)}": part for part in given.changed}
            found = await until(partial(_applied, lead, given.name, set(numbers)), f"changes {sorted(numbers)}")
            for change in found:
                await _compare(lead, given, numbers[change["number"]], change["change"], {"D": engineer, "T": tester})
    finally:
        await changes.close()


async def _send(integrator: httpx.AsyncClient, pair: Pair, after: dict[str, Any]) -> None:
    body = {key: pair.data[key] for key in ("parts", "bom_before")} | {"bom_after": after}
    answer = await integrator.post(
        "/api/intake/connectors/inventree/bom-change", json=body | {"change": pair.name, "reason": "InvenTree"}
    )
    assert answer.status_code == 202, answer.text


async def _known(changes: Any, worked_on: list[str], assemblies: list[str]) -> bool | None:
    known = "select count(distinct item) from bom_versions where item = any($1::text[])"
    bills = await changes.fetchval(known, assemblies)
    tasks = await changes.fetchval(
        "select count(*) from tasks where kind <> 'retest' and module = any($1::text[])", worked_on
    )
    return True if (bills, tasks) == (len(assemblies), 2 * len(worked_on)) else None


async def _applied(lead: httpx.AsyncClient, name: str, wanted: set[str]) -> list[dict[str, Any]] | None:
    listed = (await lead.get("/api/changes/changes", params={"q": name, "limit": 500})).json()["changes"]
    done = [one for one in listed if one["applied_at"]]
    return done if {one["number"] for one in done} == wanted else None


async def _compare(lead: httpx.AsyncClient, pair: Pair, part: int, change: str, owners: dict[str, str]) -> None:
    rows = [row for row in (await lead.get(f"/api/changes/changes/{change}")).json()["rows"] if row["task_code"]]
    touched = {(row["task_code"], row["action"]) for row in rows if row["action"] != "inform" or row["person"] != LEAD}
    certain, possible = (pair.concerned(part, bills) for bills in _bounds(pair))
    assert certain <= touched <= possible, (pair.item(part), touched ^ possible)
    assert len(rows) == len({row["task_code"] for row in rows}), "each task once"
    assert {row["person"] for row in rows if (row["task_code"], row["action"]) in touched} <= set(owners.values())
    assert all(row["person"] == owners[row["task_code"][0]] for row in rows if row["person"] != LEAD)

    async def carded() -> list[dict[str, Any]] | None:
        cards = (await lead.get(f"/api/goals/changes/{change}/effects")).json()["cards"]
        retests = {code.removeprefix("T-") for code, action in touched if action == "retest"}
        return cards if {card["module"] for card in cards} == retests else None

    for card in await until(carded, f"a card for each retest of {pair.item(part)}"):
        [deliverable] = card["deliverables"]
        [criterion] = deliverable["criteria"]
        assert (criterion["text"], criterion["metric"], Decimal(criterion["upper"])) == (LIMIT, "输出纹波", Decimal(50))
        assert criterion["version"] > 1, "the wording stays, for the new version it is a new one"
        assert card["owner"] == owners["T"]


def _bounds(pair: Pair) -> Iterable[Bills]:
    """Lines that stand in both states, and all lines: which of several changed bills is read first is not promised."""

    def key(line: dict[str, Any]) -> str:
        return json.dumps(line, sort_keys=True)

    after = {key(line) for line in pair.after.lines}
    yield Bills(pair.before.parts, [line for line in pair.before.lines if key(line) in after])
    yield Bills(pair.before.parts, [*pair.before.lines, *pair.after.lines])
