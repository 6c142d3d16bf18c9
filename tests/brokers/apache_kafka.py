"""Real Apache Kafka for tests: KRaft nodes, alone or three together, jars by Maven once into a cache, ready in two to four seconds."""

from __future__ import annotations

import fcntl
import os
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
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
    """One broker on free ports, a controller too; its data outlives `stop` and `kill`, until `remove`."""

    def __init__(
        self,
        properties: Mapping[str, str] | None = None,
        *,
        node: int = 1,
        controllers: Mapping[int, int] | None = None,
        java: Sequence[str] | None = None,
    ) -> None:
        """`properties` are laid over those that all tests have; `{port}` and `{controller_port}` in them become its ports.

        `controllers` are the controller ports of all nodes of a cluster, by node. `java` starts Java on Kafka's jars, if not as usual.
        """
        self._java = java
        self._directory = Path(tempfile.mkdtemp(prefix="wameter-kafka-"))
        controllers = controllers or dict(zip((node,), free_ports(1), strict=True))
        self._port, self.proxied_port, self.proxy_port = free_ports(3)
        self.bootstrap = f"127.0.0.1:{self._port}"
        self.proxied_bootstrap = f"127.0.0.1:{self.proxy_port}"
        """Who begins here stays here: this listener is advertised at `proxy_port`, where a test forwards to `proxied_port`."""
        self._process: subprocess.Popen[bytes] | None = None
        own_ports = {"{port}": str(self._port), "{controller_port}": str(controllers[node])}
        whole = {
            **_quick(self._directory / "data"),
            **_replicated(len(controllers)),
            **_addresses(node, self._port, (self.proxied_port, self.proxy_port), controllers),
            **{name: _filled_in(value, own_ports) for name, value in (properties or {}).items()},
        }
        text = "".join(f"{name}={value}\n" for name, value in whole.items())
        (self._directory / "server.properties").write_text(text)

    def start(self) -> ApacheKafka:
        """Starts it, again after `stop` or `kill` if need be; returns when it takes connections."""
        self.launch()
        self.wait_until_ready()
        return self

    def launch(self) -> None:
        """Starts it and returns at once: the nodes of a cluster wait for each other."""
        java, properties = self._java or java_on_kafka(), str(self._directory / "server.properties")
        if not (self._directory / "data" / "meta.properties").exists():
            format_storage = ["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", properties]
            subprocess.run([*java, *format_storage], check=True, capture_output=True)
        with (self._directory / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*java, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "kafka.Kafka", properties],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_parent(),
            )

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

    def fill_disk(self) -> None:
        """From now on no file of it can grow, as on a full disk; it ends when it notices. A new start finds room again."""
        assert self._process is not None
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))

    def wait_until_gone(self) -> None:
        """Returns when it has ended by itself."""
        assert self._process is not None
        self._process.wait(START_TIMEOUT_S)
        self._process = None

    def remove(self) -> None:
        """Ends it and forgets its data."""
        self._end(signal.SIGKILL)
        shutil.rmtree(self._directory, ignore_errors=True)

    def said(self) -> str:
        """What it wrote about itself: warnings and errors."""
        log = self._directory / "broker.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def _end(self, signum: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(signum)
            self._process.wait(30)
            self._process = None

    def wait_until_ready(self) -> None:
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
        raise RuntimeError("Apache Kafka did not start:\n" + self.said()[-2000:])


class KafkaCluster:
    """Three brokers: what is replicated on all of them, with two in sync, survives the loss of any one."""

    SIZE = 3

    def __init__(self) -> None:
        controllers = dict(enumerate(free_ports(self.SIZE), 1))
        self.nodes = [ApacheKafka(node=node, controllers=controllers) for node in controllers]
        self.bootstrap = ",".join(node.bootstrap for node in self.nodes)

    def start(self) -> KafkaCluster:
        """Starts all of them; returns when each takes connections."""
        for node in self.nodes:
            node.launch()
        for node in self.nodes:
            node.wait_until_ready()
        return self

    def remove(self) -> None:
        """Ends them and forgets their data."""
        for node in self.nodes:
            node.remove()


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens on, each another."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def java_on_kafka(*, is_measured: bool = False) -> list[str]:
    """How a command line begins that runs a class of Kafka's jars; fetched once per version, with an image of what a broker loads.

    From that image, and compiled for a short life, a broker costs two seconds of CPU until it serves, not four. One that `is_measured` is
    compiled as anywhere else.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wameter-tests"
    jars = cache / f"kafka-{VERSION}"
    image = jars / "classes.jsa"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # runs side by side need both but once
        if not jars.exists():
            _fetch(jars)
        if not image.exists():
            _make_image(jars, image)
    return [*_java_on(jars), *([] if is_measured else ["-XX:TieredStopAtLevel=1"]), f"-XX:SharedArchiveFile={image}"]


def _java_on(jars: Path) -> list[str]:
    return ["java", "-Xms256m", "-Xmx1g", "-XX:+UseSerialGC", "-Xshare:auto", "-cp", f"{jars}/*"]


def _fetch(jars: Path) -> None:
    fetched = Path(tempfile.mkdtemp(prefix="kafka-", dir=jars.parent))
    goal = ["dependency:copy-dependencies", f"-Dkafka.version={VERSION}", f"-DoutputDirectory={fetched}"]
    subprocess.run(["mvn", "-q", "-B", "-f", str(Path(__file__).with_name("kafka.xml")), *goal], check=True)
    fetched.rename(jars)


def _make_image(jars: Path, image: Path) -> None:
    made = image.with_suffix(".new")
    broker = ApacheKafka(java=[*_java_on(jars), f"-XX:ArchiveClassesAtExit={made}"])
    broker.start().stop()
    broker.remove()
    made.rename(image)


def _filled_in(value: str, ports: Mapping[str, str]) -> str:
    for name, port in ports.items():
        value = value.replace(name, port)
    return value


def _addresses(node: int, port: int, proxied: tuple[int, int], controllers: Mapping[int, int]) -> dict[str, str]:
    """Listeners: for clients, for clients behind a proxy, for controllers."""
    listening, advertised = proxied
    return {
        "process.roles": "broker,controller",
        "node.id": str(node),
        "controller.quorum.voters": ",".join(f"{number}@127.0.0.1:{at}" for number, at in controllers.items()),
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},PROXIED://127.0.0.1:{listening},CONTROLLER://127.0.0.1:{controllers[node]}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port},PROXIED://127.0.0.1:{advertised}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
    }


def _replicated(nodes: int) -> dict[str, str]:
    """Internal topics on every node, acknowledged by all but one."""
    in_sync = str(max(1, nodes - 1))
    return {
        "offsets.topic.replication.factor": str(nodes),
        "transaction.state.log.replication.factor": str(nodes),
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.replication.factor": str(nodes),
        "share.coordinator.state.topic.min.isr": in_sync,
        "min.insync.replicas": in_sync,
    }


def _quick(data: Path) -> dict[str, str]:
    """A small start, and short waits for what died."""
    return {
        "log.dirs": str(data),
        "auto.create.topics.enable": "false",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.num.partitions": "4",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": "500",
        "broker.session.timeout.ms": "4000",
        "broker.heartbeat.interval.ms": "300",
        "log.index.size.max.bytes": "1048576",
        "log.cleaner.dedupe.buffer.size": "16777216",
        "log.cleaner.backoff.ms": "1000",
        "num.network.threads": "2",
        "num.io.threads": "4",
    }
