"""Hunting planted mistakes: `python -m tests.laws.hunt` tries every mutation in a process of its own and prints one JSON line for each.

The parent loads everything but `rating`; each child lays a mutated copy of `rating/` before the real one and lets the laws loose on it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import phonenumbers  # noqa: F401 - loaded once, before the children

import schemas.decode
import schemas.profiles  # noqa: F401 - likewise
import tests.oracle
from tests.laws.mutations import MUTATIONS, UNCHANGED, Mutation
from tests.streams_generator import generate

RATING = Path(__file__).parents[2] / "rating"


def main() -> None:
    """Tries all mutations, or those whose mistake contains `--only`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    for mutation in (UNCHANGED, *MUTATIONS):
        if arguments.only in mutation.mistake:
            print(json.dumps({"mistake": mutation.mistake, **_try(mutation, arguments.streams, arguments.seed)}), flush=True)  # noqa: T201 - a report for a person


def _try(mutation: Mutation, streams: int, seed: int) -> dict[str, object]:
    source = (RATING / mutation.module).read_text(encoding="utf-8")
    if mutation != UNCHANGED and source.count(mutation.text) != 1:
        return {"found_by": None, "problem": f"its text stands {source.count(mutation.text)} times in rating/{mutation.module}, not once"}
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(RATING, Path(folder) / "rating", ignore=shutil.ignore_patterns("__pycache__"))
        if mutation != UNCHANGED:
            (Path(folder) / "rating" / mutation.module).write_text(source.replace(mutation.text, mutation.instead), encoding="utf-8")
        return _in_a_child(folder, streams, seed)


def _in_a_child(folder: str, streams: int, seed: int) -> dict[str, object]:
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(receiver)
        try:
            answer = _hunt(folder, streams, seed)
        except BaseException as error:
            answer = {"found_by": None, "problem": f"the mutated code does not even load: {error!r}"}
        os.write(sender, json.dumps(answer).encode()[:60_000])
        os._exit(0)
    os.close(sender)
    with os.fdopen(receiver, "rb") as answers:
        text = answers.read()
    os.waitpid(child, 0)
    found: dict[str, object] = json.loads(text)
    return found


def _hunt(folder: str, streams: int, seed: int) -> dict[str, object]:
    """The law that found the mistake, and after how many streams."""
    sys.path.insert(0, folder)
    import rating
    from tests.laws.check import BrokenRunError, check

    if not str(rating.__file__).startswith(folder):
        raise AssertionError("the mutated copy must be the one that is tried")
    for number in range(streams):
        try:
            check(generate(seed + number), thorough=True)
        except BrokenRunError as broken:
            return {"found_by": broken.law[:200], "streams": number + 1, "problem": None}
    return {"found_by": None, "streams": streams, "problem": "no law was broken"}


if __name__ == "__main__":
    if tests.oracle.__name__ in sys.modules and "rating" in sys.modules:
        raise SystemExit("the oracle must not know rating")
    main()
