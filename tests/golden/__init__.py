"""Golden streams: one folder each, readable by a person who knows WhatsApp's price list.

`README.md` says in words what happens, `events.jsonl` is to be read from top to bottom in the order of arrival, `accounts.json` holds the
profiles, and `expected.txt` what must come of it: the line of every message, the totals, their sum and, where the way matters, every line
in the order it was published.
"""
