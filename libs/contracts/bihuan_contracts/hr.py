"""What the HR system says: people, departments, roles."""

from pydantic import Field

from bihuan_contracts.event import Event, Key


class PersonChanged(Event):
    """The state of a person (state topic: highest `version` wins).

    `person` is the employee number, or a contact number for a supplier's person (then `supplier` is set).
    """

    person: Key
    name: str = Field(min_length=1, max_length=80)
    name_latin: str | None = Field(default=None, max_length=120)
    department: Key | None = None
    department_name: str | None = Field(default=None, max_length=80)
    title: str | None = Field(default=None, max_length=80)
    manager: Key | None = None
    email: str | None = Field(default=None, max_length=254)
    roles: tuple[str, ...] = ("employee",)
    supplier: Key | None = None
    modules: tuple[Key, ...] = ()
    """Modules the person answers for: who retests them, who owns their process."""
    active: bool = True
    version: int = Field(ge=1)
