"""Settings of intake."""

from pydantic import Field, SecretStr, TypeAdapter, ValidationError, model_validator

from bihuan_chassis import Settings as ChassisSettings
from intake.domain.signatures import usable

_SECRETS = TypeAdapter(dict[str, list[str]])


class Settings(ChassisSettings):
    """Settings of intake: machines may sign instead of signing in."""

    webhook_secrets: SecretStr = SecretStr("{}")
    """JSON: source to its secrets, {"plm": ["whsec_…"]}; two at a time allow rotation."""
    request_limit: int = Field(default=8_000_000, ge=1_000)

    @model_validator(mode="after")
    def _secrets_can_be_used(self) -> "Settings":
        try:
            given = _SECRETS.validate_json(self.webhook_secrets.get_secret_value())
        except ValidationError:
            raise ValueError("WEBHOOK_SECRETS is JSON that maps a source to a list of secrets") from None
        if not all(usable(secret) for listed in given.values() for secret in listed):
            raise ValueError("WEBHOOK_SECRETS: a secret is `whsec_` and at least 24 bytes in base64")
        return self

    def secrets_of(self, source: str) -> list[str]:
        """The secrets of a source; none means that it may not send."""
        return _SECRETS.validate_json(self.webhook_secrets.get_secret_value()).get(source, [])
