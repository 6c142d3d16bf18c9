"""An independent oracle: all events, the final set, sorted, priced. No increments and no code of the product.

Written from the public contract alone and meant to be read beside it. It is slow on purpose: every question (is a window open,
who took a place in the allowance) is answered by looking at every event again.

Reading order: `reading` -> `final_set` -> `windows`, `free_entry_points` -> `prices` -> `decision` -> `tiers` -> `totals` -> `rate`.
"""

from tests.oracle.decision import Line, Unrated
from tests.oracle.final_set import DeliveryKey
from tests.oracle.rate import Result, rate_all
from tests.oracle.totals import Total, TotalKey, totals_of

__all__ = ["DeliveryKey", "Line", "Result", "Total", "TotalKey", "Unrated", "rate_all", "totals_of"]
