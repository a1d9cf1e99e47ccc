"""The company's identity provider: where to send people, what comes back, and whether to believe it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx
import structlog
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.client import OAuth2Client
from authlib.oauth2.rfc6749.parameters import prepare_token_request
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from bihuan_chassis.auth import roles_named
from bihuan_chassis.http import Unauthenticated, Unavailable
from web.settings import Settings

_ALGORITHMS = ["RS256", "ES256", "Ed25519", "PS256"]
_LEEWAY = 30

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Provider:
    """What its discovery document says."""

    authorize: str
    token: str
    keys: str
    end_session: str | None


@dataclass(frozen=True, slots=True)
class SetOut:
    """What must be known again when somebody comes back."""

    state: str
    nonce: str
    verifier: str


class IdentityProvider:
    """Authorization code flow with PKCE; the protocol's rules are Authlib's, the transport is web's own client."""

    def __init__(self, settings: Settings, client: httpx.AsyncClient) -> None:
        self._settings = settings
        self._http = client
        secret = settings.oidc_client_secret
        self._secret = secret.get_secret_value() if secret is not None else None
        self._callback = settings.public_url.rstrip("/") + "/auth/oidc/callback"

    async def discover(self) -> Provider:
        issuer = str(self._settings.oidc_issuer).rstrip("/")
        found = await self._json("GET", f"{issuer}/.well-known/openid-configuration")
        if str(found.get("issuer", "")).rstrip("/") != issuer:
            raise Unavailable("provider_wrong")
        return Provider(
            found["authorization_endpoint"], found["token_endpoint"], found["jwks_uri"],
            found.get("end_session_endpoint"),
        )  # fmt: skip

    async def way_in(self, asked: SetOut) -> str:
        """Address at the provider that asks who somebody is."""
        provider = await self.discover()
        client = OAuth2Client(
            None, self._settings.oidc_client_id, scope="openid profile", redirect_uri=self._callback,
            code_challenge_method="S256",
        )  # fmt: skip
        address, _ = client.create_authorization_url(
            provider.authorize, state=asked.state, code_verifier=asked.verifier, nonce=asked.nonce
        )
        return str(address)

    async def way_out(self, id_token: str) -> str | None:
        """Address at the provider that ends its session too; None where it has none."""
        provider = await self.discover()
        if provider.end_session is None:
            return None
        back = self._settings.public_url.rstrip("/") + "/sign-in"
        asked = {
            "id_token_hint": id_token, "post_logout_redirect_uri": back, "client_id": self._settings.oidc_client_id
        }  # fmt: skip
        return f"{provider.end_session}?{urlencode(asked)}"

    async def exchange(self, code: str, asked: SetOut) -> tuple[str, dict[str, Any]]:
        """The ID token for a code, and its claims once signature, issuer, audience, time and nonce are right."""
        provider = await self.discover()
        body = prepare_token_request(
            "authorization_code", code=code or "none", redirect_uri=self._callback, code_verifier=asked.verifier
        )
        method = "client_secret_basic" if self._secret is not None else "none"
        auth = ClientAuth(self._settings.oidc_client_id, self._secret, method)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        address, headers, body = auth.prepare("POST", provider.token, headers, body)
        answered = await self._json("POST", address, headers=headers, content=body)
        keys = KeySet.import_key_set(await self._json("GET", provider.keys))  # type: ignore[arg-type]
        id_token = str(answered.get("id_token"))
        try:
            token = jwt.decode(id_token, keys, algorithms=_ALGORITHMS)
            claims = CodeIDToken(
                token.claims,
                token.header,
                options={
                    "iss": {"essential": True, "value": str(self._settings.oidc_issuer)},
                    "aud": {"essential": True, "value": self._settings.oidc_client_id},
                },
                params={"nonce": asked.nonce, "client_id": self._settings.oidc_client_id},
            )
            claims.validate(int(time.time()), _LEEWAY)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            log.warning("oidc.refused", error=type(error).__name__)
            raise Unauthenticated("bad_id_token") from error
        return id_token, dict(token.claims)

    async def _json(self, method: str, address: str, **options: Any) -> dict[str, Any]:
        options["headers"] = {"Accept": "application/json", **options.get("headers", {})}
        try:
            response = await self._http.request(method, address, **options)
            found = response.json() if response.is_success else None
        except (httpx.HTTPError, ValueError) as error:
            raise Unavailable("provider_away", headers={"Retry-After": "5"}) from error
        if response.is_server_error:
            raise Unavailable("provider_away", headers={"Retry-After": "5"})
        if not isinstance(found, dict):
            raise Unauthenticated("provider_refused")
        return found


def roles_claimed(claims: Mapping[str, Any], path: str, prefix: str) -> tuple[str, ...]:
    """Our roles among those a claim holds: `path` leads to the list (realm_access.roles), `prefix` marks ours."""
    found: Any = claims
    for step in path.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    named = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    ours = [one.removeprefix(prefix) for one in named if isinstance(one, str) and one.startswith(prefix)]
    return tuple(sorted(str(role) for role in roles_named(ours)))
