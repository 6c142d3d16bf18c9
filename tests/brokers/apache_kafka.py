"""A real Apache Kafka for tests: one KRaft node, jars by Maven once into a cache, ready in two to four seconds."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from streams.brokers.embedded import end_with_parent

VERSION = "4.3.1"
START_TIMEOUT_S = 60.0
CLUSTER_ID = "d2FtZXRlci10ZXN0cy0wMQ"
"""Any 16 bytes in URL-safe base64."""


def what_is_missing() -> str | None:
    """Why Apache Kafka cannot be started here, or None."""
    absent = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
    return f"no {' and no '.join(absent)} on the PATH" if absent else None


class ApacheKafka:
    """One broker on free ports; its data outlives `stop` and `kill`, until `remove`."""

    def __init__(self, properties: Mapping[str, str] | None = None) -> None:
        """`properties` are laid over those that all tests have; `{port}` and `{controller_port}` in them become its ports."""
        self._directory = Path(tempfile.mkdtemp(prefix="wameter-kafka-"))
        self._port, self._controller_port = _free_ports()
        self.bootstrap = f"127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None
        (self._directory / "server.properties").write_text(
            _properties(self._directory / "data", self._port, self._controller_port, properties or {})
        )

    def start(self) -> ApacheKafka:
        """Starts it, again after `stop` or `kill` if need be; returns when it takes connections."""
        classpath = f"{_jars()}/*"
        properties = str(self._directory / "server.properties")
        if not (self._directory / "data" / "meta.properties").exists():
            java = ["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", classpath]
            format_storage = ["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", properties]
            subprocess.run([*java, *format_storage], check=True, capture_output=True)
        with (self._directory / "broker.log").open("ab") as log:
            java = ["java", "-Xms256m", "-Xmx1g", "-XX:+UseSerialGC", "-Xshare:auto", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
            self._process = subprocess.Popen(
                [*java, "-cp", classpath, "kafka.Kafka", properties],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_parent(),
            )
        self._wait_until_ready()
        return self

    def stop(self) -> None:
        """A clean stop."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: nothing is flushed."""
        self._end(signal.SIGKILL)

    def send(self, signum: signal.Signals) -> None:
        """Sends a signal to a broker that goes on to run: SIGSTOP freezes it, SIGCONT thaws it."""
        assert self._process is not None
        self._process.send_signal(signum)

    def remove(self) -> None:
        """Ends it and forgets its data."""
        self._end(signal.SIGKILL)
        shutil.rmtree(self._directory, ignore_errors=True)

    def _end(self, signum: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(signum)
            self._process.wait(30)
            self._process = None

    def _wait_until_ready(self) -> None:
        """A KRaft broker opens its port to clients only when it serves them."""
        assert self._process is not None
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline_s:
            if self._process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("Apache Kafka did not start:\n" + (self._directory / "broker.log").read_text()[-2000:])


def _jars() -> Path:
    """Kafka's jars, fetched once per version."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wameter-tests"
    jars = cache / f"kafka-{VERSION}"
    if not jars.exists():
        cache.mkdir(parents=True, exist_ok=True)
        fetched = Path(tempfile.mkdtemp(prefix="kafka-", dir=cache))
        goal = ["dependency:copy-dependencies", f"-Dkafka.version={VERSION}", f"-DoutputDirectory={fetched}"]
        subprocess.run(["mvn", "-q", "-B", "-f", str(Path(__file__).with_name("kafka.xml")), *goal], check=True)
        try:
            fetched.rename(jars)
        except OSError:  # another run was quicker
            shutil.rmtree(fetched)
    return jars


def _free_ports() -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def _properties(data: Path, port: int, controller_port: int, others: Mapping[str, str]) -> str:
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": str(data),
        "auto.create.topics.enable": "false",
        # One node: internal topics with one replica.
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        # Quick: a small start, short waits for what died.
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": "500",
        "broker.session.timeout.ms": "1000",
        "broker.heartbeat.interval.ms": "300",
        "log.index.size.max.bytes": "1048576",
        "log.cleaner.dedupe.buffer.size": "16777216",
        "log.cleaner.backoff.ms": "1000",
        "num.network.threads": "2",
        "num.io.threads": "4",
    } | {name: value.replace("{port}", str(port)).replace("{controller_port}", str(controller_port)) for name, value in others.items()}
    return "".join(f"{name}={value}\n" for name, value in settings.items())
