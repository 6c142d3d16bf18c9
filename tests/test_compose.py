"""docker-compose.yml without Docker: every command in it is one that runs here, every setting one that is read."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from streams import settings
from streams.cli.main import cli
from tests.brokers import apache_kafka

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(name for name, service in SERVICES.items() if "build" in service)


def test_there_is_a_broker_and_what_runs_on_it() -> None:
    assert (sorted(SERVICES), OURS) == (["kafka", "topics", "worker"], ["topics", "worker"])


def test_the_broker_is_the_release_that_the_tests_run_on() -> None:
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{apache_kafka.VERSION}"


def test_ci_can_run_the_tests_on_apache_kafka() -> None:
    """Elsewhere they may be skipped with a sentence; CI leaves nothing out."""
    assert not (os.environ.get("CI") and apache_kafka.what_is_missing())


@pytest.mark.parametrize("name", OURS)
def test_each_command_is_one_of_ours_with_options_it_knows(name: str) -> None:
    command: click.Command = cli
    arguments = list(SERVICES[name]["command"])
    context = click.Context(cli, info_name="wameter")
    while isinstance(command, click.Group):
        found = command.get_command(context, arguments.pop(0))
        assert found is not None
        command = found
        context = click.Context(command, parent=context)
    command.make_context(command.name, arguments)


@pytest.mark.parametrize("name", OURS)
def test_each_variable_is_a_setting_and_together_they_are_valid(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    variables = SERVICES[name]["environment"]
    assert set(variables) <= {settings.variable_of(setting) for setting in settings.Settings.model_fields}
    monkeypatch.chdir(tmp_path)  # a wameter.toml of the developer has no say here
    for variable, value in variables.items():
        assert isinstance(value, str)
        monkeypatch.setenv(variable, value)
    loaded = settings.load()
    assert loaded.bootstrap_servers == ("kafka:19092",)


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_nothing_waits_for_a_health_that_nobody_checks(name: str) -> None:
    for other, wait in SERVICES[name].get("depends_on", {}).items():
        needed = {"service_healthy": "healthcheck", "service_completed_successfully": "command"}[wait["condition"]]
        assert needed in SERVICES[other]


def test_workers_take_the_topics_as_they_were_made() -> None:
    shared = ("WAMETER_BOOTSTRAP", "WAMETER_PARTITIONS", "WAMETER_REPLICATION")
    assert len({tuple(SERVICES[name]["environment"][variable] for variable in shared) for name in OURS}) == 1


def healthy(service: str, port_in_container: int, port: int) -> bool:
    kind, *command = SERVICES[service]["healthcheck"]["test"]
    assert kind == "CMD"
    assert str(port_in_container) in command[-1]
    program = {"python": sys.executable}.get(command[0], command[0])
    command = [program, *command[1:-1], command[-1].replace(str(port_in_container), str(port))]
    return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0


def test_the_brokers_health_is_that_its_port_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert healthy("kafka", 19092, port)
    assert not healthy("kafka", 19092, port)


@pytest.mark.parametrize(("status", "expected"), [(200, True), (503, False)])
def test_the_workers_health_is_its_readiness(status: int, expected: bool) -> None:
    with answering("/readyz", status) as port:
        assert healthy("worker", int(SERVICES["worker"]["environment"]["WAMETER_WEB_PORT"]), port) is expected


@contextmanager
def answering(path: str, status: int) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == path else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_the_image_holds_the_packages_and_starts_the_command() -> None:
    dockerfile = (ROOT / COMPOSE["x-wameter"]["build"]["dockerfile"]).read_text(encoding="utf-8")
    copied = [source for line in re.findall(r"^COPY (.+) \S+$", dockerfile, re.MULTILINE) for source in line.split()]
    let_through = (ROOT / "deploy/Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert [source for source in copied if not (ROOT / source).exists() or f"!{source}" not in let_through] == []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) <= set(copied)
    assert 'ENTRYPOINT ["wameter"]' in dockerfile
    assert "wameter" in project["project"]["scripts"]
