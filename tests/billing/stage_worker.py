"""A billing stage as the body of a worker process of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from rating.billing.invoice_stage import Invoicer
from rating.billing.plans_file import read_plans
from rating.billing.usage_stage import UsageRouter
from rating.stage import Stage
from streams import topics
from streams.errors import UserError
from streams.settings import load
from streams.worker import run_worker
from tests.billing.desk import PLANS

ALL = (topics.public_topic("usage.totals"), topics.public_topic("usage.rejected"), *topics.USAGE, *topics.INVOICE)


def main(name: str, environment: Mapping[str, str], log: Path, *, drain: bool) -> None:
    """Runs `usage` or `invoice` with settings from the environment; everything it writes goes to `log`."""
    os.environ.update(environment)
    with log.open("wb") as output:
        for descriptor in (1, 2):
            os.dup2(output.fileno(), descriptor)
    stage: Stage = UsageRouter() if name == "usage" else Invoicer(read_plans(PLANS))
    try:
        sys.exit(run_worker(load(), drain=drain, stages={name: stage}, stage_topics=ALL))
    except UserError as error:
        sys.stderr.write("\n".join(error.sentences))
        sys.exit(error.exit_code)
