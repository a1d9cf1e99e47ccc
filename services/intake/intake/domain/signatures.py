"""Standard Webhooks 1.0: who sent it, and that it is neither changed nor replayed (I2)."""

import base64
import hmac
from collections.abc import Sequence
from hashlib import sha256

TOLERANCE_SECONDS = 300
_SHORTEST = 24


class BadSignatureError(Exception):
    """Not signed by a secret of this source, or too old."""


def usable(secret: str) -> bool:
    """Whether a secret is in its form and long enough."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        return False
    return len(key) >= _SHORTEST


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """`v1,<base64>` over id, time and the raw body. `secret` is `whsec_<base64>`."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def verify(secrets: Sequence[str], *, message_id: str, timestamp: str, signature: str, body: bytes, now: float) -> None:
    """Raise BadSignatureError unless one of the signatures is by one of the secrets; several allow rotation."""
    try:
        at = int(timestamp)
    except ValueError:
        raise BadSignatureError("timestamp") from None
    if abs(now - at) > TOLERANCE_SECONDS or not message_id:
        raise BadSignatureError("timestamp")
    given = [part.encode() for part in signature.split() if part.startswith("v1,")]
    wanted = [sign(secret, message_id, at, body).encode() for secret in secrets]
    if not any(hmac.compare_digest(one, other) for one in given for other in wanted):
        raise BadSignatureError("signature")
