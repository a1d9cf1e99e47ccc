"""Deny unless allowed: every route of every service with the roles that may call it, against a reviewed table.

A route that is not in tests/routes.txt fails this test, as does one whose roles have changed. To refresh the table after
a review: `python -m tests.test_route_policies > tests/routes.txt`.
"""

from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from bihuan_chassis.auth import ANYBODY_SIGNED_IN, EVERYONE, Role
from bihuan_chassis.http import policy_of
from bihuan_chassis.openapi import load
from bihuan_tools.instance import SERVICES

TABLE = Path(__file__).with_name("routes.txt")


def words(roles: frozenset[Role] | None) -> str:
    known = {None: "anonymous", EVERYONE: "everyone inside", ANYBODY_SIGNED_IN: "anybody signed in"}
    return known.get(roles) or ", ".join(sorted(str(role) for role in roles or ()))


def routes() -> dict[str, str]:
    """Method and path of every route, with its roles in words."""
    found: dict[str, str] = {}
    for name in SERVICES:
        service = load(name)
        own = [(f"/api/{name}", one) for one in service.api_routes]
        routers = own + [("", one) for one in service.description.public_routes]
        for prefix, one in routers:
            for route in one.routes:
                assert isinstance(route, APIRoute), route
                for method in sorted(route.methods or ()):
                    found[f"{name} {method} {prefix}{route.path}"] = words(policy_of(route))
    return found


def test_every_route_is_in_the_reviewed_table_with_its_roles() -> None:
    reviewed = dict(line.rsplit(" : ", 1) for line in TABLE.read_text(encoding="utf-8").splitlines() if line)
    assert routes() == reviewed


def test_a_route_without_a_policy_stops_the_service() -> None:
    from bihuan_chassis.http import router

    routes = router()

    async def forgotten() -> None: ...

    with pytest.raises(RuntimeError, match="who may call it"):
        routes.get("/forgotten")(forgotten)


if __name__ == "__main__":
    for route, roles in routes().items():
        print(f"{route} : {roles}")
