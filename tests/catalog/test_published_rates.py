"""Meta's rate cards, oddity by oddity: each is read as it is meant, or refused with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from rating.catalog.cells import CURRENCIES
from rating.catalog.published.words import SPELLINGS
from tests.catalog.published import HEADER, card, imported, problems, rates

FRANCE = "France,$US,0.0859,0.0300,0.0300,n/a,0.0300"
CODES = ", ".join(CURRENCIES)


def france(**cells: str) -> str:
    row = {"market": "France", "currency": "$US", "marketing": "0.0859", "utility": "0.0300", "authentication": "0.0300"}
    row |= {"international": "n/a", "service": "0.0300"}
    return ",".join((row | cells).values())


def rate_of(folder: Path, category: str, *rows: str, **arguments: str) -> str | None:
    [rate] = [one.rate for one in card(folder, rates(*rows), **arguments).rates if one.key.category == category]
    return rate


def test_a_card_is_read_with_its_currency_day_and_every_rate(tmp_path: Path) -> None:
    made = card(tmp_path, rates(FRANCE))
    assert (made.currency, made.effective_from, made.name) == ("USD", "2026-10-01", "meta-usd-2026-10-01")
    assert [(one.key.category, one.rate) for one in made.rates] == [
        ("marketing", "0.0859"),
        ("utility", "0.0300"),
        ("authentication", "0.0300"),
        ("authentication_international", None),
        ("service", "0.0300"),
    ]
    assert {(one.tier_from, one.tier_to) for one in made.rates} == {(1, None)}


def test_five_rows_of_preface_are_none_of_the_prices(tmp_path: Path) -> None:
    title = '"Cost per message in USD, effective October 1, 2026",,,,,,'
    preface = "\n".join([title, '"See, for more, our documentation",,,,,,', "Note: 1,,,,,,", ",,,,,,", ",,,,,,"])
    made = card(tmp_path, rates(FRANCE, title=preface))
    assert [one.place.line for one in made.rates] == [8] * 5
    assert made.rates[0].source == "Meta, 0.csv line 8"


def test_the_source_of_the_figures_can_be_named(tmp_path: Path) -> None:
    assert {one.source for one in card(tmp_path, rates(FRANCE), source="Meta, downloaded 2026-09-02").rates} == {
        "Meta, downloaded 2026-09-02"
    }


@pytest.mark.parametrize(("spelled", "code"), [*SPELLINGS.items(), *((code, code) for code in CURRENCIES), ("Rp", "IDR"), ("eur", "EUR")])
def test_a_currency_is_read_however_the_card_writes_it(tmp_path: Path, spelled: str, code: str) -> None:
    title = "Rates effective October 1, 2026"
    made = imported(tmp_path, rates(france(currency=spelled), france(market="Italy", currency=spelled), title=title))
    assert [one.currency for one in made.cards] == [code]
    assert [remark.partition(": ")[2] for remark in made.remarks] == (
        [] if spelled == code else [f"the currency {spelled!r} is read as {code}"]
    )


def test_between_them_the_spellings_reach_no_currency_that_whatsapp_does_not_bill_in() -> None:
    assert set(SPELLINGS.values()) < set(CURRENCIES)


@pytest.mark.parametrize(
    ("printed", "rate"),
    [
        pytest.param("0.0859", "0.0859", id="plain"),
        pytest.param("0.0300", "0.0300", id="with its zeros"),
        pytest.param(" 0.03 ", "0.03", id="blanks around it"),
        pytest.param('"1,940.13"', "1940.13", id="thousands commas"),
        pytest.param('"1,234,567.5"', "1234567.5", id="two of them"),
        pytest.param("12", "12", id="no decimals"),
        pytest.param("0", "0", id="zero is a rate"),
        pytest.param("n/a", None, id="n/a is none"),
        pytest.param("N/A", None, id="in capitals"),
        pytest.param('"1,940"', "1940", id="thousands without decimals, beside rates with a decimal point"),
    ],
)
def test_a_rate_is_taken_as_printed(tmp_path: Path, printed: str, rate: str | None) -> None:
    assert rate_of(tmp_path, "marketing", france(marketing=printed)) == rate


@pytest.mark.parametrize(
    ("printed", "what"),
    [
        pytest.param("", "the rate is empty; write it, or n/a for no rate", id="empty is not n/a"),
        pytest.param("--", "'--' is no rate", id="no end is no rate"),
        pytest.param('"0,0859"', "'0,0859' is no rate", id="a decimal comma"),
        pytest.param('"0,085"', "'0,085' is no rate", id="a decimal comma with three decimals"),
        pytest.param("$0.0859", "'$0.0859' is no rate", id="a currency before it"),
        pytest.param("0.0859 USD", "'0.0859 USD' is no rate", id="a currency after it"),
        pytest.param("-0.0859", "'-0.0859' is no rate", id="negative"),
        pytest.param("8.59e-2", "'8.59e-2' is no rate", id="an exponent"),
        pytest.param(".0859", "'.0859' is no rate", id="nothing before the point"),
        pytest.param('"1,94.0"', "'1,94.0' is no rate", id="commas that part no thousands"),
        pytest.param("0.0859000000", "the rate '0.0859000000' has 10 decimals; write at most 9", id="ten decimals"),
        pytest.param("٠.٠٨", "'٠.٠٨' is no rate", id="other digits"),
        pytest.param("free", "'free' is no rate", id="a word"),
    ],
)
def test_what_is_no_rate_is_refused_at_its_place(tmp_path: Path, printed: str, what: str) -> None:
    [problem] = problems(tmp_path, rates(france(marketing=printed)))
    assert problem.startswith(f"0.csv line 4, column Marketing: {what}")


def test_a_lone_thousands_comma_could_be_a_decimal_comma_and_is_refused(tmp_path: Path) -> None:
    row = 'Indonesia,Rp,"1,940","1,940",12,n/a,n/a'
    found = problems(tmp_path, rates(row, title="effective October 1, 2026"))
    assert found == [
        f"0.csv line 4, column {name}: '1,940' may be 1940 or 1.940; write it with a decimal point" for name in ("Marketing", "Utility")
    ]


@pytest.mark.parametrize(
    ("header", "known"),
    [
        pytest.param(HEADER, True, id="a line break in quotes"),
        pytest.param(HEADER.replace("\n", "\r\n"), True, id="of another system"),
        pytest.param("Market,Currency,Marketing,Utility,Authentication,Authentication-International,Service", True, id="none"),
        pytest.param("MARKET, currency ,marketing,utility,authentication,authentication international,service", True, id="other letters"),
        pytest.param(
            "Market (per rate card),Currency,Marketing,Utility,Authentication,Authentication-International,Service", True, id="more said"
        ),
        pytest.param("Market,Currency,Marketing,Utility,Authentication,International,Service", False, id="an unknown category"),
    ],
)
def test_a_header_is_known_by_its_words(tmp_path: Path, header: str, known: bool) -> None:
    found = problems(tmp_path, rates(FRANCE, header=header))
    expected = "0.csv line 2, column International: the column 'International' is no category; delete it, or call it one of "
    assert found == ([] if known else [f"{expected}marketing, utility, authentication, authentication_international, service"])


def test_columns_may_stand_in_any_order_and_the_later_two_may_lack(tmp_path: Path) -> None:
    made = card(tmp_path, rates("0.03,0.0859,$US,0.02,France", header="Utility,Marketing,Currency,Authentication,Market"))
    assert [(one.key.category, one.rate) for one in made.rates] == [
        ("marketing", "0.0859"),
        ("utility", "0.03"),
        ("authentication", "0.02"),
    ]


@pytest.mark.parametrize(
    ("header", "what"),
    [
        ("Market,Currency,Marketing,Utility", "line 2: the column authentication is missing; name the whole list"),
        (
            "Market,Currency,Marketing,Utility,Authentication,Utility",
            "line 2, column Utility: the column stands twice; delete one of the two",
        ),
    ],
)
def test_a_header_that_lacks_or_repeats_a_column_is_refused(tmp_path: Path, header: str, what: str) -> None:
    assert problems(tmp_path, rates("France,$US,0.1,0.1", header=header)) == [f"0.csv {what}"]


@pytest.mark.parametrize(
    ("title", "day"),
    [
        ("Cost per message in USD, effective October 1, 2026", "2026-10-01"),
        ("Rates effective Oct 1 2026", "2026-10-01"),
        ("Rates (effective as of October 1st, 2026)", "2026-10-01"),
        ("Effective: 1 October 2026", "2026-10-01"),
        ("effective 2026-10-01", "2026-10-01"),
    ],
)
@pytest.mark.parametrize("quote", ['"', ""], ids=["quoted", "parted at its commas"])
def test_the_day_of_effect_is_read_from_the_title(tmp_path: Path, title: str, day: str, quote: str) -> None:
    assert card(tmp_path, rates(FRANCE, title=f"{quote}{title}{quote}")).effective_from == day


@pytest.mark.parametrize(
    ("title", "given", "what"),
    [
        pytest.param(
            "Rates", None, " names no day of effect above its header; say from which day on it holds with --effective-from DATE", id="none"
        ),
        pytest.param(
            "effective July 1, 2026\neffective October 1, 2026",
            None,
            " line 2: the list names several days of effect: 2026-07-01, 2026-10-01; say which counts with --effective-from DATE",
            id="two",
        ),
        pytest.param(
            "effective October 1, 2026",
            "2026-07-01",
            " line 1: the list is effective 2026-10-01, and --effective-from says 2026-07-01; leave the flag out, or name the right list",
            id="another one than given",
        ),
        pytest.param(
            "effective June 31, 2026", None, " line 1: 'effective June 31, 2026' is no day of the calendar; write one that is", id="no day"
        ),
        pytest.param(
            "effective Octobre 1, 2026",
            None,
            " line 1: 'effective Octobre 1, 2026' is no day of the calendar; write one that is",
            id="no month",
        ),
    ],
)
def test_without_one_day_of_effect_nothing_is_guessed(tmp_path: Path, title: str, given: str | None, what: str) -> None:
    text = rates(FRANCE, title="\n".join(f'"{line}"' for line in title.split("\n")))
    found = problems(tmp_path, text, **({} if given is None else {"effective_from": given}))
    assert [problem.replace("0.csv:", "0.csv") for problem in found] == [f"0.csv{what}"]


@pytest.mark.parametrize("title", ["Rates", "effective October 1, 2026", '"effective July 1, 2026, and effective October 1, 2026"'])
def test_the_day_of_effect_can_be_given_where_the_list_does_not_say_otherwise(tmp_path: Path, title: str) -> None:
    assert card(tmp_path, rates(FRANCE, title=title), effective_from="2026-10-01").effective_from == "2026-10-01"


@pytest.mark.parametrize("given", ["2026-10", "tomorrow", "2026-02-30"])
def test_a_given_day_is_one_of_the_calendar(tmp_path: Path, given: str) -> None:
    [problem] = problems(tmp_path, rates(FRANCE), effective_from=given)
    assert problem.startswith("--effective-from: ")


def test_a_market_that_nobody_knows_is_a_sentence_that_names_a_close_one(tmp_path: Path) -> None:
    text = rates(france(market="Türkiye"), france(market="Atlantis"))
    assert problems(tmp_path, text) == [
        "0.csv line 4, column Market: 'Türkiye' is no market that the market table names; say which it is with --market 'Türkiye=Turkey'",
        "0.csv line 5, column Market: 'Atlantis' is no market that the market table names; say which it is with --market 'Atlantis=NAME'",
    ]


def test_a_market_can_be_said_to_be_another_name_for_one(tmp_path: Path) -> None:
    made = card(tmp_path, rates(france(market="Türkiye")), renamed={"Türkiye": "Turkey"})  # type: ignore[arg-type]  # no text
    assert {one.key.market for one in made.rates} == {"Turkey"}


def test_a_market_of_a_later_day_is_refused(tmp_path: Path) -> None:
    found = problems(tmp_path, rates(france(market="Poland"), title='"effective January 1, 2026"'))
    assert [problem.partition(";")[0] for problem in found] == ["0.csv line 4, column Market: Poland is no market on 2026-01-01"]


@pytest.mark.parametrize("printed", ["Rest of  Africa", "Rest of\u00a0Africa", '"Rest of\nAfrica"', " Rest of Africa "])
def test_blanks_make_no_other_market(tmp_path: Path, printed: str) -> None:
    assert {one.key.market for one in card(tmp_path, rates(france(market=printed))).rates} == {"Rest of Africa"}


def test_a_currency_that_could_be_several_is_refused(tmp_path: Path) -> None:
    found = problems(tmp_path, rates(france(currency="$"), france(market="Italy", currency="")))
    assert found == [
        f"0.csv line 4, column Currency: '$' names no currency in which WhatsApp bills, or more than one; write one of {CODES}",
        f"0.csv line 5, column Currency: the currency is empty; write one of {CODES}",
    ]


def test_a_list_in_two_currencies_is_refused(tmp_path: Path) -> None:
    found = problems(tmp_path, rates(france(), france(market="Italy", currency="EUR")))
    assert found == ["0.csv line 5, column Currency: the currency is EUR, and $US in line 4; keep the rates of one currency in a file"]


def test_a_title_that_names_another_currency_than_the_rows_is_refused(tmp_path: Path) -> None:
    found = problems(tmp_path, rates(france(currency="EUR")))
    assert found == [
        "0.csv line 1: the list says that it is in USD, and its rows are in EUR; name the right list, or mend the one that is wrong",
    ]


def test_a_note_may_speak_of_other_currencies(tmp_path: Path) -> None:
    title = '"Cost per message in USD, effective October 1, 2026"\n"Businesses in India pay in INR, and were once charged per conversation"'
    assert card(tmp_path, rates(FRANCE, title=title)).currency == "USD"


def test_a_list_of_prices_per_conversation_is_refused(tmp_path: Path) -> None:
    title = '"Cost per conversation in USD, effective June 1, 2023"'
    assert problems(tmp_path, rates(FRANCE, title=title)) == [
        "0.csv line 1: the list prices conversations, as WhatsApp did until 2025-06-30; name one that prices messages"
    ]


def test_a_market_that_stands_twice_is_refused_once(tmp_path: Path) -> None:
    assert problems(tmp_path, rates(FRANCE, FRANCE)) == [
        "0.csv line 5, column Market: France already stands in line 4; delete one of the two lines"
    ]


def test_a_footnote_is_left_out_and_named_but_a_market_without_rates_is_refused(tmp_path: Path) -> None:
    made = imported(tmp_path, rates(FRANCE, ",,,,,,", "Rates exclude tax.,,,,,,"))
    assert made.remarks[1:] == (f"{tmp_path}/0.csv line 6: left out as a note: Rates exclude tax.",)
    found = problems(tmp_path, rates(FRANCE, "Italy,,,,,,"))
    assert [problem.partition(":")[0] for problem in found][:2] == ["0.csv line 5, column Currency", "0.csv line 5, column Marketing"]


@pytest.mark.parametrize(
    ("row", "places"),
    [
        pytest.param("France,$US,0.0859,0.0300", ["Authentication", "Authentication-International", "Service"], id="cut"),
        pytest.param(f"{FRANCE},0.01", [""], id="one cell too many"),
        pytest.param(f"{FRANCE},,", [], id="empty cells too many"),
    ],
)
def test_a_row_of_another_length_is_refused_where_it_matters(tmp_path: Path, row: str, places: list[str]) -> None:
    found = [problem.partition(": ")[0] for problem in problems(tmp_path, rates(row))]
    assert found == [f"0.csv line 4{f', column {place}' if place else ''}" for place in places]


def test_a_header_without_rates_is_refused(tmp_path: Path) -> None:
    assert problems(tmp_path, rates()) == ["0.csv line 2: no rates stand under the header; name the whole list"]


def test_every_mistake_of_every_file_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    first = rates(france(utility="?"), france(market="Atlantis", currency="$", service="x"))
    second = rates(FRANCE, title="none")
    assert [problem.partition(": ")[0] for problem in problems(tmp_path, first, second)] == [
        "0.csv line 4, column Utility",
        "0.csv line 5, column Currency",
        "0.csv line 5, column Market",
        "0.csv line 5, column Service",
        "1.csv",
    ]


def test_a_byte_order_mark_and_windows_line_ends_are_no_matter(tmp_path: Path) -> None:
    plain = rates(FRANCE)
    assert [one.rate for one in card(tmp_path, b"\xef\xbb\xbf" + plain.replace("\n", "\r\n").encode()).rates] == [
        one.rate for one in card(tmp_path, plain).rates
    ]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        pytest.param(b"", " is empty; name a rate card or a table of volume tiers of Meta's", id="nothing"),
        pytest.param(b"\n,,\n", " is empty; name a rate card or a table of volume tiers of Meta's", id="blank lines"),
        pytest.param(b"a,b\n1,2\n", " has no header of Meta's price lists; name a rate card", id="another table"),
        pytest.param(b"Market;Currency;Utility\nFrance;EUR;1\n", " line 1: the cells are not parted by commas", id="semicolons"),
        pytest.param("Market\n".encode("utf-16"), " is UTF-16; save it as CSV in UTF-8", id="UTF-16"),
        pytest.param("Market\nTürkiye".encode("latin-1"), " line 2: a byte there is no UTF-8; save the file as CSV in UTF-8", id="Latin 1"),
        pytest.param(b'Market\n"France\n', " line 2: the line is no CSV", id="an open quote"),
        pytest.param(b"\xd0\xcf\x11\xe0\xa1\xb1", " is a workbook of Excel 97; save it as .xlsx or as CSV in UTF-8", id="an old workbook"),
        pytest.param(b"PK\x03\x04 and then nothing", " begins like a workbook and cannot be read as one", id="a broken workbook"),
        pytest.param(b"x" * (32 * 2**20 + 1), " has more than 32 MiB; name a price list of Meta's", id="too much"),
    ],
)
def test_a_file_that_is_no_price_list_is_told_apart(tmp_path: Path, data: bytes, what: str) -> None:
    [problem] = problems(tmp_path, data)
    assert problem.replace("0.csv:", "0.csv").startswith(f"0.csv{what}")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    from rating.catalog import CatalogProblems
    from streams.cards.importing import import_files

    with pytest.raises(CatalogProblems, match=r"nowhere: cannot be read \(no such file or directory\); name a readable file"):
        import_files([tmp_path / "nowhere"])
