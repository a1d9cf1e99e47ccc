"""Settings of web."""

from pathlib import Path

from pydantic import Field, SecretStr, model_validator

from bihuan_chassis import Settings as ChassisSettings


class Settings(ChassisSettings):
    """Settings of web: where the services are, and how people sign in."""

    signing_key: SecretStr
    """Ed25519 private key (JWK) that signs the services' access tokens."""
    public_url: str = "http://localhost:8000"
    """The address that people use, `https` in production. At the provider register `…/auth/oidc/callback` as redirect
    address, and `…/sign-in` for coming back after signing out."""
    session_hours: int = Field(default=12, ge=1, le=168)
    """How long somebody stays signed in."""
    requests_per_minute: int = Field(default=3_000, ge=60)
    """Of one session; a page that is open and used needs a few dozen."""
    oidc_issuer: str | None = None
    """OpenID provider, required in production; without one only the demo personas can sign in, in development."""
    oidc_client_id: str = "bihuan"
    """Our name at the provider."""
    oidc_client_secret: SecretStr | None = None
    """Unset for a public client; PKCE is used in either case."""
    oidc_person_claim: str = "preferred_username"
    """The claim that holds the employee number."""
    oidc_roles_claim: str | None = None
    """Where the ID token lists roles (`roles`, `realm_access.roles`); unset: the directory says what people may do."""
    oidc_roles_prefix: str = ""
    """What our roles begin with there, as in `bihuan-director`."""
    goals_url: str = "http://localhost:8001"
    """Address of the api of goals."""
    changes_url: str = "http://localhost:8002"
    """Address of the api of changes."""
    notify_url: str = "http://localhost:8003"
    """Address of the api of notify."""
    feedback_url: str = "http://localhost:8004"
    """Address of the api of feedback."""
    analytics_url: str = "http://localhost:8005"
    """Address of the api of analytics."""
    intake_url: str = "http://localhost:8006"
    """Address of the api of intake."""
    service_timeout: float = Field(default=30, gt=0, le=300)
    """Seconds that a service may take to answer."""
    static_folder: Path = Path(__file__).parent / "static"
    """The built browser application."""
    request_limit: int = Field(default=22_000_000, ge=1_000)

    @model_validator(mode="after")
    def _production_needs_a_provider(self) -> "Settings":
        if self.environment == "production" and self.oidc_issuer is None:
            raise ValueError("OIDC_ISSUER is required in production: the demo personas are for development only")
        if self.environment == "production" and not self.secure:
            raise ValueError("PUBLIC_URL must be https in production: the session cookie is bound to it")
        return self

    @property
    def services(self) -> dict[str, str]:
        """Address of each service that calls may be forwarded to."""
        names = ("goals", "changes", "notify", "feedback", "analytics", "intake")
        return {name: str(getattr(self, f"{name}_url")).rstrip("/") for name in names}

    @property
    def secure(self) -> bool:
        return self.public_url.startswith("https://")
