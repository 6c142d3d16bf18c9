"""A catalog for tests: few markets, and in them every kind of row: dated, empty, zero, missing, of nine decimals, moved, in small bands."""

from __future__ import annotations

MARKETS = """prefix,iso2,market,valid_from,valid_to,source,note
1,US,North America,2025-07-01,,test,shared
1,CA,North America,2025-07-01,,test,shared
1242,BS,Other,2025-07-01,,test,
1658,JM,Rest of Latin America,2025-07-01,,test,
1876,JM,Rest of Latin America,2025-07-01,,test,
33,FR,France,2025-07-01,,test,
44,GB,United Kingdom,2025-07-01,,test,
447911,GG,United Kingdom,2025-07-01,,test,an island
48,PL,Rest of Central & Eastern Europe,2025-07-01,2026-09-30,test,moved
48,PL,Poland,2026-10-01,,test,moved
49,DE,Germany,2025-07-01,,test,
55,BR,Brazil,2025-07-01,,test,
7,RU,Russia,2025-07-01,,test,
76,KZ,Other,2025-07-01,2026-09-30,test,moved
76,KZ,Kazakhstan,2026-10-01,,test,moved
77,KZ,Other,2025-07-01,2026-09-30,test,moved
77,KZ,Kazakhstan,2026-10-01,,test,moved
91,IN,India,2025-07-01,,test,
99,TM,Turkmenistan,2026-10-01,,test,listed only since
"""

_USD_2025 = """
France,marketing,0.1432
France,utility,0.0300
France,authentication,0.0250
North America,marketing,0.0250
North America,utility,0.0040
North America,authentication,0.0040
Rest of Latin America,marketing,0.0740
Rest of Latin America,utility,0.0113
Rest of Latin America,authentication,0.0113
United Kingdom,marketing,0.0529
United Kingdom,utility,0.0220
United Kingdom,authentication,0.0358
Rest of Central & Eastern Europe,marketing,0.0860
Rest of Central & Eastern Europe,utility,0.0212
Germany,marketing,0
Germany,utility,0.0550
Brazil,marketing,
Brazil,utility,0.0068
Brazil,authentication,0.0068
Other,marketing,0.0604
Other,utility,0.0077
Other,authentication,0.0077
Russia,marketing,0.0802
Russia,utility,0.0400
India,marketing,0.0107
India,utility,0.0014
India,authentication,0.0014
India,authentication_international,0.0280
"""
_USD_2026_01 = """
France,marketing,0.0859
North America,utility,0.0034
India,authentication_international,0.0304
"""
_USD_2026_10 = """
France,marketing,0.0859
France,utility,0.0300
France,service,0.0290
North America,utility,0.0034
North America,service,0.0034
Rest of Latin America,service,
Germany,service,0
Poland,marketing,0.0901
Poland,utility,0.0205
Poland,authentication,0.0205
Poland,authentication_international,0.0500
Kazakhstan,marketing,0.0604
Kazakhstan,utility,0.0180
Kazakhstan,service,0.0180
India,service,0.0014
Brazil,marketing,0.0625
Other,utility,0.0081
Turkmenistan,utility,0.0500
"""
_EUR_2025 = """
France,marketing,0.0712
France,utility,0.024800001
France,authentication,0.0248
North America,marketing,0.0207
North America,utility,0.0028
Rest of Latin America,utility,0.0094
Rest of Latin America,marketing,0.0612
United Kingdom,utility,0.0182
United Kingdom,marketing,0.0526
Other,utility,0.0064
Other,marketing,0.0500
India,utility,0.0012
India,authentication,0.0012
India,authentication_international,0.0252
Kazakhstan,utility,0.0065
Poland,utility,0.0170
Rest of Central & Eastern Europe,utility,0.0171
Turkmenistan,utility,0.0123
"""
_INR_2025 = """
France,marketing,10.4984
France,utility,2.1994
North America,utility,0.2930
North America,marketing,1.8313
India,marketing,0.7846
India,utility,0.1150
India,authentication,0.1150
India,authentication_international,2.3
United Kingdom,utility,1.6122
Other,utility,0.5641
Other,marketing,4.4248
Kazakhstan,utility,1.3
Turkmenistan,utility,1.9
"""


_BANDS = {
    ("USD", "France", "utility"): "3:0.0285 8:0.0270 20:0.0255",  # of 3, 5 and 12 messages, and an open one
    ("USD", "India", "utility"): "3:0.0013 8:0.0012 20:0.0011",
    ("USD", "India", "authentication"): "3:0.0013 5:0.0012",
    ("USD", "India", "authentication_international"): "5:0.0266",  # other edges in the same counter
    ("USD", "North America", "utility"): "1:0.0033 2:0.0031",
    ("USD", "Poland", "utility"): "3:0.0205 5:0.0195",  # two bands at one price
    ("EUR", "France", "utility"): "5:0.0231 12:0.021",
    ("EUR", "Other", "utility"): "3:0.006",  # where dollars have one band
    ("EUR", "India", "authentication"): "3:0.0011",
}
"""By currency, market and category, whenever that is priced: after which message another rate holds. INR has no bands, and is counted."""

_ONE_BAND_FROM = "2026-10-15"
"""A card amid a month: utility to France has one rate in USD from this day on."""


def _card(effective_from: str, currency: str, rows: str) -> str:
    lines = ["effective_from,currency,market,category,tier_from,tier_to,rate,source"]
    for row in rows.strip().splitlines():
        market, category, rate = row.rsplit(",", 2)
        bands = _BANDS.get((currency, market, category), "") if effective_from != _ONE_BAND_FROM else ""
        start = 1
        for last, next_rate in (band.split(":") for band in bands.split()):
            lines.append(f"{effective_from},{currency},{market},{category},{start},{last},{rate},test")
            start, rate = int(last) + 1, next_rate
        lines.append(f"{effective_from},{currency},{market},{category},{start},,{rate},test")
    return "\n".join(lines) + "\n"


CATALOG = {
    "markets.csv": MARKETS,
    "cards/meta-usd-2025-07-01.csv": _card("2025-07-01", "USD", _USD_2025),
    "cards/meta-usd-2026-01-01.csv": _card("2026-01-01", "USD", _USD_2026_01),
    "cards/meta-usd-2026-10-01.csv": _card("2026-10-01", "USD", _USD_2026_10),
    "cards/meta-usd-2026-10-15.csv": _card(_ONE_BAND_FROM, "USD", "France,utility,0.0290"),
    "cards/meta-eur-2025-07-01.csv": _card("2025-07-01", "EUR", _EUR_2025),
    "cards/meta-inr-2025-10-01.csv": _card("2025-10-01", "INR", _INR_2025),
}

KNOWN_LATER = "2026-10-03"
"""When the corrections below became known."""

_CORRECTIONS = """
2025-07-01,USD,France,utility,0.0310
2025-07-01,USD,Brazil,marketing,0.0625
2025-07-01,USD,Germany,utility,
2026-01-01,USD,North America,utility,0
2026-04-01,USD,United Kingdom,marketing,0.0530
2026-10-01,USD,France,service,0.0291
2026-10-01,USD,Germany,service,
2026-10-01,USD,Rest of Latin America,service,0.0113
2025-07-01,EUR,France,marketing,0.071200001
2025-07-01,EUR,France,authentication,0.0248
2025-10-01,INR,India,utility,0.1160
2026-01-01,INR,India,utility,0.1170
"""


def _corrections() -> str:
    """With the bands that their rates have, so that the same messages are counted before and after."""
    lines = ["effective_from,currency,market,category,tier_from,tier_to,rate,source,known_from"]
    for row in _CORRECTIONS.strip().splitlines():
        effective_from, currency, market, category, rate = row.split(",")
        card = _card(effective_from, currency, f"{market},{category},{rate}")
        lines += [f"{line},{KNOWN_LATER}" for line in card.splitlines()[1:]]
    return "\n".join(lines) + "\n"


CORRECTIONS = _corrections()
"""Prices that change, one that appears, two that go, one that begins amid a period, one that stays the same."""

LEARNED = {**CATALOG, "cards/corrections.csv": CORRECTIONS}
"""The same catalog after it has learned the corrections."""
