"""What a figure was measured on: without it, it means nothing."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from benchmarks import broker, environments

_OURS = ("faust-streaming", "aiokafka", "mode-streaming", "msgspec", "orjson", "uvloop", "wameter")


def described() -> dict[str, str]:
    """Machine, system and versions, by name."""
    return {
        "processor": _first("/proc/cpuinfo", "model name"),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": _first("/proc/meminfo", "MemTotal"),
        "system": platform.platform(),
        "python": platform.python_version(),
        "java": _java(),
        "Apache Kafka": broker.VERSION,
        "load before": f"{os.getloadavg()[0]:.2f}",
        "commit": _commit(),
        **{name: version(name) for name in _OURS},
        **_peers(),
    }


def _peers() -> dict[str, str]:
    """The peers' own packages, as their locks name them."""
    found = {}
    for name, package in (("faust", "faust-streaming"), ("quix", "quixstreams"), ("bytewax", "bytewax")):
        for line in (environments.PEERS / name / "requirements.lock").read_text().splitlines():
            if line.startswith(f"{package}=="):
                found[f"peer {package}"] = line.split("==")[1].split()[0]
    return found


def _first(path: str, name: str) -> str:
    for line in Path(path).read_text().splitlines():
        if line.startswith(name):
            return line.partition(":")[2].strip()
    return "unknown"


def _java() -> str:
    said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    return said.splitlines()[0] if said else "none"


def _commit() -> str:
    git = ["git", "-C", str(environments.ROOT)]
    commit = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    changed = subprocess.run([*git, "status", "--porcelain", "-uno"], capture_output=True, text=True, check=False).stdout.strip()
    return f"{commit or 'unknown'}{' and changes' if changed else ''}"
