"""W4; ASVS V9, V10: which access tokens are taken. Everything else is nobody."""

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from bihuan_chassis.auth import TOKEN_TYPE, Authenticator, Keys, Person, Role, TokenMinter
from bihuan_chassis.problems import Unauthenticated

KEY = TokenMinter.new_key()
OWN = OKPKey.import_key(json.loads(KEY))
STRANGER = OKPKey.generate_key("Ed25519", auto_kid=True)
SOMEBODY = Person("10231", "周启航", frozenset({Role.EMPLOYEE}))


@pytest.fixture
def authenticator(tmp_path: Path) -> Authenticator:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(TokenMinter(KEY).jwks()), encoding="utf-8")
    return Authenticator(Keys(str(keys)), issuer="bihuan-web", audience="bihuan")


def claims(**other: Any) -> dict[str, Any]:
    now = int(time.time())
    given = {"iss": "bihuan-web", "aud": "bihuan", "sub": "10231", "roles": ["employee"], "nbf": now, "exp": now + 300}
    return {name: value for name, value in (given | other).items() if value is not None}


def token(header: dict[str, Any] | None = None, key: OKPKey = OWN, **other: Any) -> str:
    return jwt.encode(
        {"alg": "Ed25519", "typ": TOKEN_TYPE, "kid": OWN.kid} | (header or {}), claims(**other), key,
        algorithms=["Ed25519"],
    )  # fmt: skip


def by_hand(header: dict[str, Any], signature: bytes = b"") -> str:
    parts = [json.dumps(header).encode(), json.dumps(claims()).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def with_a_secret_that_is_our_public_key() -> str:
    public = OctKey.import_key(json.dumps(OWN.as_dict(private=False)))
    return jwt.encode({"alg": "HS256", "typ": TOKEN_TYPE, "kid": OWN.kid}, claims(), public, algorithms=["HS256"])


def with_one_bit_turned() -> str:
    head, body, signature = token().split(".")
    return f"{head}.{body}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


REFUSED: dict[str, Callable[[], str]] = {
    "no signature": lambda: by_hand({"alg": "none", "typ": TOKEN_TYPE, "kid": OWN.kid}),
    "no signature, spelled otherwise": lambda: by_hand({"alg": "nOnE", "typ": TOKEN_TYPE, "kid": OWN.kid}),
    "our public key as a shared secret": with_a_secret_that_is_our_public_key,
    "signed by a stranger under our key's name": lambda: token(key=STRANGER),
    "a key that nobody knows": lambda: token({"kid": STRANGER.kid}, key=STRANGER),
    "a key id that is a path": lambda: token({"kid": "../../etc/passwd"}),
    "no key id": lambda: by_hand({"alg": "Ed25519", "typ": TOKEN_TYPE}),
    "brings its own key": lambda: token({"jwk": STRANGER.as_dict(private=False)}, key=STRANGER),
    "says where its key is": lambda: token({"jku": "https://evil.example/keys"}),
    "an ID token": lambda: token({"typ": "JWT"}),
    "another issuer": lambda: token(iss="https://evil.example"),
    "another audience": lambda: token(aud="somebody-else"),
    "over": lambda: token(exp=int(time.time()) - 120),
    "not yet": lambda: token(nbf=int(time.time()) + 600),
    "without an end": lambda: token(exp=None),
    "of nobody": lambda: token(sub=None),
    "one bit turned": with_one_bit_turned,
    "very long": lambda: token(name="x" * 100_000),
    "no token at all": lambda: "x",
    "a supplier without its number": lambda: token(roles=["supplier"]),
}


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED)
async def test_refused(authenticator: Authenticator, make: Callable[[], str]) -> None:
    with pytest.raises(Unauthenticated):
        await authenticator.person(f"Bearer {make()}")


@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic MTIzOjQ1Ng=="])
async def test_without_a_token_one_is_nobody(authenticator: Authenticator, header: str | None) -> None:
    with pytest.raises(Unauthenticated):
        await authenticator.person(header)


async def test_taken(authenticator: Authenticator) -> None:
    found = await authenticator.person(f"Bearer {TokenMinter(KEY).mint(SOMEBODY)}")
    assert found == SOMEBODY
    assert (await authenticator.person(f"Bearer {token()}")).roles == {Role.EMPLOYEE}
    clock_of_another_machine = token(nbf=int(time.time()) + 20)
    assert (await authenticator.person(f"bearer {clock_of_another_machine}")).id == "10231"


async def test_roles_that_nobody_knows_give_nothing(authenticator: Authenticator) -> None:
    found = await authenticator.person(f"Bearer {token(roles=['employee', 'root', 'superuser'])}")
    assert found.roles == {Role.EMPLOYEE}


async def test_a_new_key_is_fetched_and_unknown_ones_do_not_make_us_fetch_at_will(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps(TokenMinter(KEY).jwks()), encoding="utf-8")
    keys = Keys(str(file))
    reads: list[str] = []

    async def read(source: str) -> Any:
        reads.append(source)
        return json.loads(file.read_text(encoding="utf-8"))

    monkeypatch.setattr("bihuan_chassis.auth._read", read)
    authenticator = Authenticator(keys, issuer="bihuan-web", audience="bihuan")
    await authenticator.person(f"Bearer {token()}")
    for _ in range(20):
        with pytest.raises(Unauthenticated):
            await authenticator.person(f"Bearer {token({'kid': 'unknown'}, key=STRANGER)}")
    assert len(reads) == 1

    second = TokenMinter.new_key()
    file.write_text(json.dumps(TokenMinter(second).jwks()), encoding="utf-8")
    keys._fetched_at = float("-inf")  # half a minute later
    assert await authenticator.person(f"Bearer {TokenMinter(second).mint(SOMEBODY)}") == SOMEBODY
    assert len(reads) == 2
