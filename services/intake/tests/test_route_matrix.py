"""Every route of intake and the roles that may call it: a route that is not in the table fails the test (W4)."""

import pytest
from fastapi.routing import APIRoute

from bihuan_chassis.http import Role, policy_of
from bihuan_chassis.testing import RunningService
from intake.app import app

OWNERS = frozenset({Role.INTEGRATOR, Role.ADMINISTRATOR})
TESTERS = frozenset({Role.EMPLOYEE, Role.TEST_ENGINEER})
SIGNED = None
WHO = {
    "POST /events": OWNERS,
    "POST /webhooks/{source}": SIGNED,
    "POST /connectors/inventree/bom-change": OWNERS,
    "POST /test-reports": TESTERS,
    "GET /refused": OWNERS,
    "GET /refused/{id}": OWNERS,
    "POST /refused/{id}/replay": OWNERS,
    "POST /refused/{id}/discard": OWNERS,
    "GET /streams": OWNERS,
}


def test_the_table_names_every_route_and_its_roles() -> None:
    found = {
        f"{method} {route.path}": policy_of(route)
        for router in app.description.api
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    assert found == WHO


@pytest.mark.flow
@pytest.mark.parametrize("role", [None, *Role])
async def test_roles_outside_the_table_are_refused(role: Role | None, intake: RunningService) -> None:
    """W4: by the running service, not by the table alone."""
    supplier = "S001" if role is Role.SUPPLIER else None
    client = intake.client("10231" if role else None, [role] if role else [], supplier=supplier)
    for route, roles in WHO.items():
        method, path = route.split(" ")
        if roles is None:
            continue
        path = path.replace("{id}", "00000000-0000-0000-0000-000000000001")
        status = (await client.request(method, path, json={})).status_code
        if role is None:
            assert status == 401, route
        else:
            assert (status == 403) == (role not in roles), (route, role, status)
