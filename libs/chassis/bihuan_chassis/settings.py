"""Settings from the environment: `BIHUAN_*`, a service's own `BIHUAN_<SERVICE>_*` first, secrets from files too."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError


class SettingsError(Exception):
    """A setting is missing or wrong; the message names its variable."""


class Settings(BaseModel):
    """What every service reads. Subclass it for more; the field `smtp_host` is `BIHUAN_SMTP_HOST`."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    service: str
    """Name of the service; set by the service itself."""
    environment: Literal["development", "production"] = "production"
    """`development` allows the demo personas."""
    database: SecretStr
    """PostgreSQL address of this service's own database: postgresql://user:password@host:port/name."""
    database_pool: int = Field(default=8, ge=1, le=100)
    """Connections that the api process may open."""
    kafka: str = "localhost:9092"
    """Bootstrap servers, comma separated."""
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """How the brokers are spoken to."""
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    """How the user is proved to them."""
    kafka_username: str | None = None
    """User of the brokers; unset: none."""
    kafka_password: SecretStr | None = None
    """Password of that user."""
    kafka_ca_file: Path | None = None
    """Certificate authority of the brokers, PEM."""
    redis: SecretStr = SecretStr("redis://localhost:6379/0")
    """Redis address for live updates and sessions."""
    lanes: int = Field(default=1, ge=1, le=8)
    """Consumers per topic in one worker process; partitions are shared among them."""
    instance: str | None = None
    """Stable name of this worker (pod name): static group membership, a restart moves no partitions."""
    auth_jwks: str | None = None
    """Address or file of the keys that sign access tokens (JWKS)."""
    auth_issuer: str = "bihuan-web"
    """Who signs access tokens; others are refused."""
    auth_audience: str = "bihuan"
    """Whom access tokens are for; others are refused."""
    http_host: str = "127.0.0.1"
    """Where it listens."""
    http_port: int = Field(default=8000, ge=0, le=65535)
    """Port of the api."""
    admin_port: int = Field(default=8100, ge=0, le=65535)
    """Port of health and metrics."""
    request_limit: int = Field(default=2_000_000, ge=1_000)
    """Largest request body in bytes."""
    otlp_endpoint: str | None = None
    """OpenTelemetry collector over HTTP; unset: traces are passed on but not exported."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """What is logged at least."""

    @classmethod
    def load(cls, service: str, environ: Mapping[str, str] | None = None) -> Self:
        """Read the settings of `service`. `BIHUAN_GOALS_DATABASE` wins over `BIHUAN_DATABASE`, and `…_FILE` names
        a file that holds the value. Raises SettingsError naming the variable that is missing or wrong.
        """
        environ = os.environ if environ is None else environ
        values: dict[str, Any] = {"service": service}
        for field in cls.model_fields:
            if field != "service" and (value := _value(environ, service, field)) is not None:
                values[field] = value
        try:
            return cls(**values)
        except ValidationError as error:
            problems = [
                f"BIHUAN_{str(problem['loc'][0]).upper() if problem['loc'] else '*'}: {problem['msg']}"
                for problem in error.errors(include_url=False, include_input=False)
            ]
            raise SettingsError(f"{service}: " + "; ".join(problems)) from None


def _value(environ: Mapping[str, str], service: str, field: str) -> str | None:
    for name in (f"BIHUAN_{service}_{field}".upper(), f"BIHUAN_{field}".upper()):
        if environ.get(name):
            return environ[name]
        if file := environ.get(f"{name}_FILE"):
            try:
                return Path(file).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise SettingsError(f"{name}_FILE: {file} can't be read ({error.strerror})") from None
    return None
