"""What `web` announces: people as they are in effect."""

from datetime import date

from bihuan_contracts.hr import PersonChanged


class PersonListed(PersonChanged):
    """A person as every service takes them: what HR says, with the administrator's own entries over it (W4).

    `version` counts HR's versions and the own edits together, so it only grows.
    """

    leaves_on: date | None = None
    """The last working day, where it is known."""
