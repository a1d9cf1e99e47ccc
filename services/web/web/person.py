"""A person as in effect: what HR says, with the administrator's own entries over it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from bihuan_chassis.auth import Role
from bihuan_chassis.http import FieldError
from bihuan_contracts import Text
from bihuan_contracts.directory import PersonListed
from bihuan_contracts.hr import PersonChanged

FIELDS = (
    "name", "name_latin", "department", "department_name", "title", "manager", "email", "roles", "modules",
    "leaves_on", "active",
)  # fmt: skip
_BLANK: dict[str, Any] = dict.fromkeys(FIELDS) | {"roles": ("employee",), "modules": (), "active": True}


@dataclass(frozen=True, slots=True)
class Record:
    """One person: HR's state, None where HR does not know them, and the own entries by field."""

    person: str
    hr: PersonChanged | None = None
    own: Mapping[str, Any] = field(default_factory=dict)
    edits: int = 0
    hr_version: int = 0
    """Above 0 without `hr`: taken over from before HR's fields were kept, waits for HR's next word."""

    @property
    def version(self) -> int:
        """Both counters only grow, so their sum does."""
        return self.hr_version + self.edits

    @property
    def waits_for_hr(self) -> bool:
        return self.hr is None and self.hr_version > 0

    def upstream(self) -> dict[str, Any]:
        """HR's fields; blank where HR does not know the person."""
        if self.hr is None:
            return dict(_BLANK)
        return _BLANK | {name: getattr(self.hr, name) for name in FIELDS if name != "leaves_on"}

    def values(self) -> dict[str, Any]:
        """Every field as it is in effect."""
        found = self.upstream() | dict(self.own)
        # Whoever HR has let go is not let in again here.
        return found | {"active": found["active"] and (self.hr is None or self.hr.active)}

    def heard(self, hr: PersonChanged) -> "Record":
        """After a newer word of HR; own entries that say the same as HR are HR's from now on."""
        after = replace(self, hr=hr, hr_version=hr.version)
        upstream = after.upstream()
        return replace(after, own={name: value for name, value in self.own.items() if not _same(value, upstream[name])})

    def edited(self, own: Mapping[str, Any]) -> "Record":
        return replace(self, own=dict(own), edits=self.edits + 1)

    def listed(self, today: date) -> PersonListed:
        """As announced; after the last working day somebody is gone."""
        values = self.values()
        gone = values["leaves_on"] is not None and values["leaves_on"] < today
        supplier = self.hr.supplier if self.hr else None
        return PersonListed(
            person=self.person, supplier=supplier, version=self.version,
            **(values | {"active": values["active"] and not gone}),
        )  # fmt: skip


def differences(before: Record, after: Record) -> list[dict[str, Any]]:
    """Old and new of each field that an edit has changed."""
    old, new = before.values(), after.values()
    return [
        {"field": name, "old": _plain(old[name]), "new": _plain(new[name])}
        for name in FIELDS
        if name != "department" and not _same(old[name], new[name])
    ]


@dataclass(frozen=True, slots=True)
class Company:
    """What an entry is held against."""

    managers: Mapping[str, str | None]
    """Active people inside, and whom each reports to."""
    other_administrators: int
    """How many besides the person."""


def wrong(before: Record, after: Record, company: Company, *, by: str, may_give_roles: bool) -> list[FieldError]:
    """Everything that an edit may not do, by field."""
    old, new = before.values(), after.values()
    found: list[FieldError] = []
    if not new["name"]:
        found.append(_error("name", "missing", "必须填写", "This is required"))
    if new["manager"] != old["manager"]:
        found += _wrong_manager(after.person, new["manager"], company.managers)
    if not may_give_roles and set(new["roles"]) != set(old["roles"]):
        found.append(_error("roles", "not_yours", "只有管理员可以改角色", "Only an administrator may change roles"))
    if Role.SUPPLIER in new["roles"]:
        found.append(_error("roles", "supplier", "供应商的联系人不在这里管理", "Suppliers' contacts are not kept here"))
    leaving = old["active"] and not new["active"]
    if leaving and by == after.person:
        found.append(_error("active", "yourself", "不能停用自己", "You cannot deactivate yourself"))
    if new["active"] != old["active"] and before.hr is not None and not before.hr.active:
        found.append(
            _error(
                "active", "left_in_hr", "人事系统里已离职，请在人事系统恢复", "Has left in HR: bring them back there"
            )
        )
    governs = Role.ADMINISTRATOR in old["roles"] and not company.other_administrators
    if governs and (leaving or Role.ADMINISTRATOR not in new["roles"] or new["leaves_on"] is not None):
        text = ("这是最后一位管理员，先指定另一位", "This is the last administrator: name another one first")
        found.append(
            _error("active" if leaving else "leaves_on" if new["leaves_on"] else "roles", "last_administrator", *text)
        )
    return found


def _wrong_manager(person: str, manager: str | None, managers: Mapping[str, str | None]) -> Iterable[FieldError]:
    if manager is None:
        return
    if manager == person:
        yield _error("manager", "yourself", "上级不能是本人", "Nobody is their own manager")
    elif manager not in managers:
        yield _error("manager", "unknown", "没有这位在职的同事", "There is no such colleague")
    else:
        above, seen = manager, {person}
        while above is not None and above not in seen:
            seen.add(above)
            above = managers.get(above)  # type: ignore[assignment] # None ends the line
        if above == person:
            yield _error("manager", "circle", "这位同事的上级链里有本人", "This colleague reports to the person")


def _error(field: str, code: str, zh: str, en: str) -> FieldError:
    return FieldError(field, code, Text(zh=zh, en=en))


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return set(one) == set(other)
    return bool(one == other)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return sorted(value)
    return value.isoformat() if isinstance(value, date) else value
