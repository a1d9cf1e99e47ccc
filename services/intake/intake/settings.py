"""Settings of intake."""

import json

from pydantic import Field, SecretStr

from bihuan_chassis import Settings as ChassisSettings


class Settings(ChassisSettings):
    """Settings of intake: machines may sign instead of signing in."""

    webhook_secrets: SecretStr = SecretStr("{}")
    """JSON: source to its secrets, {"plm": ["whsec_…"]}; two at a time allow rotation."""
    request_limit: int = Field(default=8_000_000, ge=1_000)

    def secrets_of(self, source: str) -> list[str]:
        """The secrets of a source; none means that it may not send."""
        found = json.loads(self.webhook_secrets.get_secret_value()).get(source, [])
        return [str(secret) for secret in found]
