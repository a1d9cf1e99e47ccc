"""Acting as one person or another, on the services' own addresses."""

from typing import Any

import httpx

from bihuan_chassis.auth import Role
from bihuan_tools.instance import Instance
from bihuan_tools.stack import StackError


class People:
    def __init__(self, instance: Instance, client: httpx.AsyncClient, zh: str, en: str) -> None:
        """`zh` and `en` name what is being brought in, for the message when it is refused."""
        self._instance, self._client, self._what = instance, client, (zh, en)

    async def ask(self, person: str, method: str, path: str, *, service: str = "changes", **more: Any) -> Any:
        """Raises StackError when it is refused."""
        answer = await self.send(person, method, path, service, **more)
        if answer.is_error:
            raise self.refused(answer)
        return answer.json()

    async def send(self, person: str, method: str, path: str, service: str, **more: Any) -> httpx.Response:
        token = self._instance.token(person, frozenset({Role.EMPLOYEE}))
        address = f"http://127.0.0.1:{self._instance.ports[service]}/api/{service}{path}"
        return await self._client.request(method, address, headers={"Authorization": f"Bearer {token}"}, **more)

    def refused(self, answer: httpx.Response) -> StackError:
        return StackError(f"{self._what[0]}：{answer.text}", f"{self._what[1]}: {answer.text}")
