"""An independent oracle for billing: every question is answered by replaying an account's history from the beginning.

Written from the public contract alone ("billing contract §…" quotes it) and meant to be read beside it. No increments, no state machine,
no code of
the product: "the invoices due at boundary k" are computed from the list of accepted commands, each time anew. It is slow on purpose.

Reading order: `reading` -> `dates` -> `history` -> `refusals` -> `prices` -> `fixed` -> `usage` -> `invoices` -> `bill`.
"""

from tests.billing_oracle.bill import Billed, bill

__all__ = ["Billed", "bill"]
