"""What the peers run in: a virtual environment each from its own lock, or jars. Made once, under `.cache/benchmarks`."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PEERS = Path(__file__).parent / "peers"
CACHE = ROOT / ".cache" / "benchmarks"


def python_of(peer: str) -> str:
    """The interpreter of a peer's environment, which is made from `requirements.lock` if that changed."""
    lock = PEERS / peer / "requirements.lock"
    place = CACHE / peer
    python = str(place / "bin" / "python")
    if _is_built(place, lock):
        return python
    print(f"installing {peer} (once) …", file=sys.stderr)
    shutil.rmtree(place, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", str(lock)]
    subprocess.run(pip, check=True)
    _built(place, lock)
    return python


def classpath_of(peer: str) -> str:
    """A Java peer's classes and jars, built by Maven if its `pom.xml` or its source changed."""
    folder = PEERS / peer
    sources = [folder / "pom.xml", *sorted(folder.rglob("*.java"))]
    place = CACHE / peer
    if not _is_built(place, *sources):
        print(f"building {peer} (once) …", file=sys.stderr)
        goals = ["package", "dependency:copy-dependencies", f"-DoutputDirectory={place / 'jars'}"]
        subprocess.run(["mvn", "-q", "-B", "-f", str(folder / "pom.xml"), f"-Dbuilt={place}", *goals], check=True)
        _built(place, *sources)
    return f"{place / 'classes'}:{place / 'jars'}/*"


def _is_built(place: Path, *sources: Path) -> bool:
    stamp = place / "built-from"
    return stamp.exists() and stamp.read_text() == _digest(*sources)


def _built(place: Path, *sources: Path) -> None:
    (place / "built-from").write_text(_digest(*sources))


def _digest(*sources: Path) -> str:
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
