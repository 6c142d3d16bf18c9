"""Brokers that want a login and a certificate: every client of ours gives both, and says in a sentence what is refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from streams.brokers.embedded import free_port
from streams.demo import publish_profiles, publish_traffic, rated_offline, results_of
from streams.results import differences
from streams.settings import Settings, variable_of
from tests.brokers import apache_kafka
from tests.conftest import started_kafka

SEED, EVENTS = 8, 200
PASSWORD = "not a secret"  # noqa: S105 - of a broker that lives for this test
MODULES = "org.apache.kafka.common.security"

pytestmark = [pytest.mark.kafka, pytest.mark.slow]


@dataclass(frozen=True)
class Guarded:
    """Where a guarded broker listens, by protocol, and the certificate to trust it by."""

    bootstrap: dict[str, str]
    ca: Path


def certificates(directory: Path) -> tuple[Path, Path]:
    """An authority's certificate, and a broker's key with the certificate that it signed."""
    ca, ca_key, key, request, signed, extensions = (
        directory / name for name in ("ca.pem", "ca.key", "broker.key", "broker.csr", "broker.pem", "extensions")
    )
    extensions.write_text("subjectAltName=IP:127.0.0.1\n")
    quiet: dict[str, Any] = {"check": True, "capture_output": True}
    new: list[str | Path] = ["openssl", "req", "-newkey", "rsa:2048", "-nodes"]
    subprocess.run([*new, "-x509", "-days", "2", "-subj", "/CN=authority", "-keyout", ca_key, "-out", ca], **quiet)
    subprocess.run([*new, "-subj", "/CN=broker", "-keyout", key, "-out", request], **quiet)
    signing: list[str | Path] = [
        "openssl",
        "x509",
        "-req",
        "-in",
        request,
        "-CA",
        ca,
        "-CAkey",
        ca_key,
        "-CAcreateserial",
        "-days",
        "2",
        "-out",
        signed,
    ]
    subprocess.run([*signing, "-extfile", extensions], **quiet)
    store = directory / "keystore.pem"
    store.write_text(key.read_text() + signed.read_text())
    return ca, store


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """An Apache Kafka with a listener for each protocol, and one user."""
    if shutil.which("openssl") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("the certificates of these tests cannot be made: no openssl on the PATH")
        pytest.skip("no openssl on the PATH, which makes the certificates")
    ca, store = certificates(tmp_path_factory.mktemp("certificates"))
    bootstrap = {protocol: f"127.0.0.1:{free_port()}" for protocol in ("SSL", "SASL_PLAINTEXT", "SASL_SSL")}
    listeners = ",".join(f"{protocol}://{address}" for protocol, address in bootstrap.items())
    properties = {
        "listeners": "PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}," + listeners,
        "advertised.listeners": "PLAINTEXT://127.0.0.1:{port}," + listeners,
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,"
        + ",".join(f"{protocol}:{protocol}" for protocol in bootstrap),
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(store),
    }
    for listener in ("sasl_plaintext", "sasl_ssl"):
        name = f"listener.name.{listener}"
        properties[f"{name}.plain.sasl.jaas.config"] = f'{MODULES}.plain.PlainLoginModule required user_wameter="{PASSWORD}";'
        for mechanism in ("scram-sha-256", "scram-sha-512"):
            properties[f"{name}.{mechanism}.sasl.jaas.config"] = f"{MODULES}.scram.ScramLoginModule required;"
    for broker in started_kafka(properties):
        tool = [*apache_kafka.java_on_kafka(), "kafka.admin.ConfigCommand", "--bootstrap-server", broker.bootstrap, "--alter"]
        user = ["--entity-type", "users", "--entity-name", "wameter"]
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):  # the tool takes one of a user at a time
            subprocess.run([*tool, *user, "--add-config", f"{mechanism}=[password={PASSWORD}]"], check=True, capture_output=True)
        yield Guarded(bootstrap, ca)


def settings_for(guarded: Guarded, protocol: str, mechanism: str | None, **others: Any) -> Settings:
    name = f"{protocol}-{mechanism}".lower()
    given: dict[str, Any] = {"bootstrap": guarded.bootstrap[protocol], "prefix": f"{name}.", "app_id": name, "partitions": 2, "web_port": 0}
    given["security_protocol"] = protocol
    if mechanism is not None:
        given |= {"sasl_mechanism": mechanism, "sasl_username": "wameter", "sasl_password": PASSWORD}
    if protocol.endswith("SSL"):
        given["ssl_ca_file"] = guarded.ca
    return Settings(**given | others)


def wameter(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a command with settings from the environment, as a container does."""
    values = settings.model_dump(exclude_none=True)
    if settings.sasl_password is not None:
        values["sasl_password"] = settings.sasl_password.get_secret_value()
    environment = {**os.environ, **{variable_of(name): str(value) for name, value in values.items()}}
    command = [sys.executable, "-m", "streams.cli.main", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("protocol", "mechanism"),
    [
        ("SSL", None),
        ("SASL_PLAINTEXT", "PLAIN"),
        ("SASL_PLAINTEXT", "SCRAM-SHA-256"),
        ("SASL_SSL", "PLAIN"),
        ("SASL_SSL", "SCRAM-SHA-512"),
    ],
)
async def test_a_whole_pipeline_runs_behind_a_login_and_a_certificate(guarded: Guarded, protocol: str, mechanism: str | None) -> None:
    settings = settings_for(guarded, protocol, mechanism)
    ran = wameter(settings, "topics", "create")
    assert (ran.returncode, ran.stderr) == (0, "")
    await publish_profiles(settings, SEED)
    await publish_traffic(settings, SEED, EVENTS, per_second=None, told=lambda _: None)
    worker = wameter(settings, "worker", "--drain")
    assert worker.returncode == 0, worker.stderr
    assert PASSWORD not in worker.stderr
    assert "every event and every delivery is accounted for" in wameter(settings, "audit").stdout
    found = await results_of(settings)
    assert list(differences(found.totals(), rated_offline(settings, SEED, EVENTS).totals())) == []


@pytest.mark.parametrize("command", [("worker",), ("topics", "check"), ("status",)])
@pytest.mark.parametrize(
    ("protocol", "mechanism", "wrong"),
    [
        pytest.param("SASL_PLAINTEXT", "PLAIN", {"sasl_password": "wrong"}, id="a wrong password"),
        pytest.param("SASL_SSL", "SCRAM-SHA-512", {"sasl_username": "nobody"}, id="an unknown user"),
        pytest.param("SSL", None, {"ssl_ca_file": None}, id="a certificate that nobody we trust has signed"),
    ],
)
def test_who_is_refused_says_so_in_a_sentence(
    guarded: Guarded, protocol: str, mechanism: str | None, wrong: dict[str, Any], command: tuple[str, ...]
) -> None:
    ran = wameter(settings_for(guarded, protocol, mechanism, **wrong), *command)
    assert ran.returncode == 3, ran.stderr
    *before, sentence = ran.stderr.splitlines()
    assert sentence.startswith(f"wameter {' '.join(command)}: Kafka at {guarded.bootstrap[protocol]} ")
    assert "check security_protocol" in sentence
    assert "Traceback" not in ran.stderr
    assert before == [] or command == ("worker",), "only a worker has a log"
    assert PASSWORD not in ran.stderr
