"""Every route of analytics and the roles that may call it: a route that is not in the table fails the test (W4)."""

from fastapi.routing import APIRoute

from analytics.app import app
from bihuan_chassis.http import EVERYONE, Role, policy_of

WHO = {
    "GET /changes/{change}/clock": EVERYONE,
    "GET /metrics/{metric}": EVERYONE,
    "GET /facts": frozenset({Role.AUDITOR, Role.ADMINISTRATOR, Role.DIRECTOR}),
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
