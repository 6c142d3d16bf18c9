"""A hunt: `python -m tests.billing_laws --histories 20000 --seed 1000`. The first history that differs is made small and printed."""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter

from rating.billing.offline import bill
from tests.billing_laws.compare import differences, differences_to
from tests.billing_laws.histories import generate
from tests.billing_laws.shrink import shrunk, told
from tests.billing_laws.situations import SITUATIONS, of_history
from tests.billing_oracle import bill as by_oracle


def main() -> int:
    """Exit code 1 where a history differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1000, help="the first history's; the others follow it")
    arguments = parser.parse_args()
    met: Counter[str] = Counter()
    for seed in range(arguments.seed, arguments.seed + arguments.histories):
        history = generate(random.Random(seed))
        expected = by_oracle(history.commands, history.plans, history.totals, history.until)
        met.update(of_history(history, expected))
        met.update(events=len(expected.events), invoices=len(expected.invoices))
        if differences_to(expected, bill(history.commands, history.plans, history.totals, history.until)):
            small = shrunk(history, lambda each: bool(differences(each, bill)))
            print(f"history {seed} differs; made small:", told(small), *differences(small, bill), sep="\n")  # noqa: T201 - the hunt's answer
            return 1
    rows = [f"  {situation:<48} {met[situation]:>8}" for situation in ("events", "invoices", *SITUATIONS)]
    print(f"{arguments.histories} histories from seed {arguments.seed}: core and oracle agree", *rows, sep="\n")  # noqa: T201 - likewise
    return 0


if __name__ == "__main__":
    sys.exit(main())
