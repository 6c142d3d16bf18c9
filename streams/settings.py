"""Every knob of a worker and of the commands that talk to a cluster: one class, three sources, one list of problems.

A flag beats a `WAMETER_…` environment variable, that beats `wameter.toml`, that beats the default. The descriptions below are
the text of `--help` and of docs/reference/settings.md: there is no second place to keep in step.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator

from streams.errors import UserError

ENV_PREFIX: Final = "WAMETER_"
CONFIG_FILE: Final = "wameter.toml"
SHORTEST_HORIZON_DAYS: Final = 31

Milliseconds = Annotated[int, Field(ge=0, le=86_400_000)]
Address = Annotated[str, Field(pattern=r"^[^\s,:/]+:\d{1,5}(,[^\s,:/]+:\d{1,5})*$")]
TopicPrefix = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{0,64}$")]
Gaps = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+:\d{1,9}:\d{1,18}(,[A-Za-z0-9._-]+:\d{1,9}:\d{1,18})*$")]
HashStart = Annotated[str, Field(pattern=r"^[0-9a-f]{8,64}$")]
KafkaName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,128}$")]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


class SettingsError(UserError):
    """Settings that cannot be used: each sentence names the setting and where it was given."""


class Settings(BaseModel):
    """What a worker needs to know. Immutable; build it with `load`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    bootstrap: Address = Field("127.0.0.1:9092", description="Kafka brokers to start from: host:port, several separated by commas.")
    prefix: TopicPrefix = Field("", description="Put before every topic name, so that several environments share one cluster: `staging.`.")
    partitions: int = Field(
        6, ge=1, le=10_000, description="Partitions of every topic: as many workers can share the load. Fixed once topics exist."
    )
    replication: int = Field(1, ge=1, le=32, description="Replicas of every topic. Production: 3.")

    app_id: KafkaName = Field(
        "wameter", description="Consumer group, and head of every transactional id. Two pipelines on one cluster need two."
    )
    group_instance_id: KafkaName | None = Field(
        None, description="Name of this worker that stays the same over restarts: a restarted worker gets its partitions back at once."
    )

    window_basis: Literal["delivered", "sent"] = Field(
        "delivered", description="Which instant must lie in the customer service window for a message to count as inside it."
    )
    message_ids: Literal["plain", "hashed"] = Field(
        "plain", description="`hashed` replaces message ids in everything published, since a wamid can encode the user's phone number."
    )
    horizon_days: Annotated[int, Field(ge=0, le=3650)] = Field(
        35,
        description="How many days an event may be older than the newest of its phone number. An older one is rejected as `too_late`, and "
        "what none can change any more is forgotten. At least 31, since WhatsApp delivers for 30 days; 0: nothing is ever forgotten.",
    )
    catalog: Path | None = Field(None, description="Directory of rate cards and markets, laid over the shipped catalog.")

    plans: Path | None = Field(None, description="Plans, add-ons and prices (TOML). Without it, the example that is shipped.")

    batch_max_records: int = Field(2000, ge=1, le=50_000, description="Most records in one step, that is in one Kafka transaction.")
    pacing_ms: Milliseconds = Field(
        20, description="Least time between two transactions of a partition: each costs the same, whatever its size."
    )
    gather_ms: Milliseconds = Field(
        200,
        description="How long TIER, USAGE and INVOICE let records gather after a transaction, unless `batch_max_records` wait: no line and "
        "no total waits for them, and each of their transactions costs the brokers as much as one of METER's.",
    )
    tick_interval_ms: Annotated[int, Field(ge=100, le=3_600_000)] = Field(
        10_000, description="How often a partition without records is told the time, so that waits end where phone numbers fall silent."
    )
    restore_timeout_ms: Annotated[int, Field(ge=1000, le=43_200_000)] = Field(
        600_000, description="Longest time to restore a partition's state; after it the worker ends, to be restarted."
    )
    step_timeout_ms: Annotated[int, Field(ge=1000, le=3_600_000)] = Field(
        30_000, description="Longest time for one batch, from its first record to its commit; after it the worker ends, to be restarted."
    )
    transaction_timeout_ms: Annotated[int, Field(ge=1000, le=900_000)] = Field(
        60_000, description="After which the broker aborts the open transaction of a worker that is gone."
    )
    session_timeout_ms: Annotated[int, Field(ge=6000, le=300_000)] = Field(
        30_000, description="After which the group gives the partitions of a silent worker to others."
    )

    stuck_timeout_ms: Annotated[int, Field(ge=1000, le=3_600_000)] = Field(
        120_000,
        description="Longest time without a commit while there is something to read; then it logs where each task stands, and ends.",
    )
    topic_check_interval_ms: Annotated[int, Field(ge=1000, le=3_600_000)] = Field(
        30_000, description="How often a running worker looks whether the topics still have as many partitions as at the start."
    )
    clock_skew_max_ms: Annotated[int, Field(ge=100, le=3_600_000)] = Field(
        60_000, description="How far the clocks of this machine and of the brokers may differ; a tenth of it is logged."
    )
    input_partitioner: Literal["murmur2", "any"] = Field(
        "murmur2",
        description="Where publishers put keys. `murmur2`, as in the contract: keys that lie elsewhere are counted, and if they are many "
        "no worker starts. `any`: nobody looks.",
    )

    breaker_window: int = Field(1000, ge=0, le=1_000_000, description="Records over which the circuit breaker looks; 0 turns it off.")
    breaker_ratio: float = Field(
        0.5,
        gt=0,
        le=1,
        description="Share of rejected records in that window which stops the worker: then the deploy is bad, not the data.",
    )

    accept_lost_records: Gaps | None = Field(
        None,
        description="Gaps to go over, as `topic:partition:offset` (several separated by commas): records before that offset which were "
        "deleted before they were read are given up for good. The worker that refused to start says which.",
    )
    activate_plans: HashStart | None = Field(
        None,
        description="Beginning of the hash of this worker's plans file: billing state that was made by another one goes on with it. "
        "The worker that refused to start says which.",
    )

    web_bind: str = Field("127.0.0.1", min_length=1, description="Address of /healthz, /readyz and /metrics.")
    web_port: int = Field(6066, ge=0, le=65_535, description="Port of /healthz, /readyz and /metrics; 0 takes a free one.")
    log_format: Literal["console", "json"] = Field("console", description="Logs for people or for machines. Neither holds phone numbers.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least important log entries that are written.")

    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How to talk to the brokers."
    )
    sasl_mechanism: Mechanism | None = Field(None, description="How to log in, where `security_protocol` begins with SASL.")
    sasl_username: str | None = Field(None, min_length=1, description="Name to log in with.")
    sasl_password: SecretStr | None = Field(
        None, description="Password to log in with. No flag, since other users of a machine can read those; never logged."
    )
    ssl_ca_file: Path | None = Field(None, description="Certificates (PEM) to trust for the brokers, instead of the system's.")

    @field_validator("catalog", "plans", "ssl_ca_file", mode="after")
    @classmethod
    def _is_there(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        if path is None:
            return None
        if info.field_name == "catalog" and not path.is_dir():
            raise ValueError(f"{path} is no directory")
        if info.field_name in ("plans", "ssl_ca_file") and not path.is_file():
            raise ValueError(f"{path} is no file")
        return path

    @model_validator(mode="after")
    def _fit_together(self) -> Settings:
        problems = list(_misfits(self))
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @property
    def accepted_losses(self) -> dict[tuple[str, int], int]:
        """By topic and partition: before which offset records may be missing."""
        gaps = (gap.rsplit(":", 2) for gap in (self.accept_lost_records or "").split(",") if gap)
        return {(topic, int(partition)): int(offset) for topic, partition, offset in gaps}

    @property
    def activatable(self) -> dict[str, str | None]:
        """The parts of a stage's identity that a living state may change, with the beginning of the value that is to hold from now on.

        The catalog is none of them: a record brings that into force.
        """
        return {"plans": self.activate_plans}

    @property
    def bootstrap_servers(self) -> tuple[str, ...]:
        """The addresses, one by one."""
        return tuple(self.bootstrap.split(","))


def load(flags: Mapping[str, Any] | None = None, config: Path | None = None) -> Settings:
    """The settings in force. Flags that are None, and variables that are empty, were not given.

    Without `config` (or `WAMETER_CONFIG`), `wameter.toml` of the working directory is read if there is one. Raises `SettingsError`
    with every problem.
    """
    variable = os.environ.get(f"{ENV_PREFIX}CONFIG")
    named = config or (Path(variable) if variable else None)
    path = named or Path(CONFIG_FILE)
    written = _read(path) if named or path.is_file() else {}
    environment = {name: text for name in Settings.model_fields if (text := os.environ.get(variable_of(name)))}
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    values = {**written, **environment, **given}
    places = {
        **dict.fromkeys(written, str(path)),
        **{name: variable_of(name) for name in environment},
        **{name: flag_of(name) for name in given},
    }
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(*_sentences(error, values, places)) from None


def flag_of(name: str) -> str:
    """A setting's flag: `web_port` is `--web-port`."""
    return "--" + name.replace("_", "-")


def variable_of(name: str) -> str:
    """A setting's environment variable: `web_port` is `WAMETER_WEB_PORT`."""
    return ENV_PREFIX + name.upper()


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"{path}: cannot be read ({(error.strerror or 'error').lower()}); correct --config or {ENV_PREFIX}CONFIG"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: is not TOML ({error}); write one `name = value` per line") from None


def _misfits(settings: Settings) -> list[str]:
    """Settings that are each fine and make no sense together."""
    problems = []
    with_login = settings.security_protocol.startswith("SASL")
    if with_login and settings.sasl_mechanism is None:
        problems.append(
            f"sasl_mechanism: is needed with security_protocol {settings.security_protocol}; set one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512"
        )
    if with_login and (settings.sasl_username is None or settings.sasl_password is None):
        problems.append(f"sasl_username, sasl_password: both are needed with security_protocol {settings.security_protocol}")
    if not with_login and settings.sasl_mechanism is not None:
        problems.append(
            f"sasl_mechanism: security_protocol {settings.security_protocol} does not log in; set SASL_SSL or leave the mechanism out"
        )
    if settings.ssl_ca_file is not None and not settings.security_protocol.endswith("SSL"):
        problems.append(f"ssl_ca_file: security_protocol {settings.security_protocol} has no certificates; set SSL or SASL_SSL")
    if 0 < settings.horizon_days < SHORTEST_HORIZON_DAYS:
        problems.append(
            f"horizon_days: {settings.horizon_days} is shorter than WhatsApp may take to deliver a message, so it would be forgotten "
            f"before it is billed; set at least {SHORTEST_HORIZON_DAYS}, or 0 to forget nothing"
        )
    if settings.transaction_timeout_ms < settings.step_timeout_ms:
        problems.append(
            f"transaction_timeout_ms: {settings.transaction_timeout_ms} is shorter than step_timeout_ms {settings.step_timeout_ms}, "
            "so the broker would abort a batch that is still allowed to run; make it longer"
        )
    return problems


def _sentences(error: ValidationError, values: Mapping[str, Any], places: Mapping[str, str]) -> list[str]:
    """Pydantic's findings, each with the place where the value was given; then what is wrong among the values that are fine."""
    sentences: list[str] = []
    for problem in error.errors(include_url=False, include_input=False):
        what = problem["msg"].removeprefix("Value error, ")
        if not problem["loc"]:
            sentences += what.splitlines()
            continue
        name = str(problem["loc"][0])
        if problem["type"] == "extra_forbidden":
            sentences.append(f"{places[name]}: {name} is no setting; docs/reference/settings.md lists those there are")
        else:
            sentences.append(f"{name} ({places[name]}): {_in_our_words(problem['type'], name, what)}")
    bad = {str(problem["loc"][0]) for problem in error.errors() if problem["loc"]}
    if bad:
        try:
            Settings.model_validate({name: value for name, value in values.items() if name not in bad})
        except ValidationError as rest:
            sentences += _sentences(rest, {}, places)
    return sentences


_FORMS: Final = {
    "bootstrap": "must be host:port, several separated by commas",
    "accept_lost_records": "must be topic:partition:offset, several separated by commas",
    "activate_plans": "must be 8 to 64 hexadecimal digits",
}


def _in_our_words(kind: str, name: str, what: str) -> str:
    if kind == "string_pattern_mismatch":
        return _FORMS.get(name, "may hold letters, digits, dots, dashes and underscores only")
    what = what.replace("Input should be", "must be").replace("a valid integer, unable to parse string as an integer", "a whole number")
    return what.replace("a valid number, unable to parse string as a number", "a number")
