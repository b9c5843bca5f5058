"""Amounts as shops print them; what could be two amounts is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from habitue_collector.wires.money import currency_in, read_amount
from habitue_collector.wires.values import number


@pytest.mark.parametrize(
    ("printed", "amount"),
    [
        ("1.189,90", 1189.9),
        ("€ 1 189,90", 1189.9),
        ("1\u202f189,90\u00a0€", 1189.9),  # no-break spaces, as French shops have them
        ("1,189.90", 1189.9),
        ("12,50 €", 12.5),
        ("1'189.90", 1189.9),
        ("1’189.90 CHF", 1189.9),
        ("¥1,189", 1189.0),
        ("1.189 €", 1189.0),
        ("1,189", 1189.0),
        ("1.234.567,89 zł", 1234567.89),
        ("1,18,990", 118990.0),  # India groups by two
        ("CHF 12.–", 12.0),
        ("12,- €", 12.0),
        ("ab 12,50 € *", 12.5),
        ("inkl. MwSt. 12,50 €", 12.5),
        ("-5,00 €", -5.0),
        ("−5,00", -5.0),
        ("KWD 1.250", 1.25),  # three decimals
        ("١٢٫٥٠", 12.5),
        ("89.90", 89.9),
        ("89.9000", 89.9),
        ("0,125", 0.125),
        ("1.189", 1.189),  # as machines write it: a point
        ("1e3", 1000.0),
        ("٩٩٫٥٠ ر.س", 99.5),
        ("12.500 د.ك", 12.5),
        ("\u200f1,189.90 د.إ.\u200f", 1189.9),  # with marks of the writing's direction
        ("1,189円（税込）", 1189.0),
        ("S/. 89.90", 89.9),
        ("R 1 189,90", 1189.9),
        ("GH₵1,189", 1189.0),
        ("89€90", 89.9),  # as French shops set it
        ("ab 12,99 €¹", 12.99),  # with a footnote
        ("£1,189.90 ex VAT", 1189.9),
        ("1.189,90&nbsp;&euro;", 1189.9),
    ],
)
def test_a_printed_amount_is_read(printed: str, amount: float) -> None:
    assert number(printed) == pytest.approx(amount)


@pytest.mark.parametrize(
    "printed",
    [
        "9,90 – 12,90",
        "12 x 3,00",
        "9 € 12 €",
        "12⁹⁹ €",
        "2 € 50 kg",
        "1 18,90",
        "12.5.2",
        "2027-12-31",
        "3er Pack",
        "SKU-12",
        "call us",
        "10%",
        "1_000",
        "",
        "nan",
        "inf",
        "9" * 65,
        "1e400",
    ],
)
def test_what_is_no_single_amount_is_none(printed: str) -> None:
    assert number(printed) is None


@pytest.mark.parametrize(
    ("printed", "currency"),
    [
        ("12,50 €", "EUR"),
        ("£5", "GBP"),
        ("US$ 5", "USD"),
        ("$5.00 USD", "USD"),
        ("99 Kč", "CZK"),
        ("99,00 zł", "PLN"),
        ("CHF 5", "CHF"),
        ("$5", None),  # of many countries
        ("99 kr", None),
        ("12.500 د.ك", "KWD"),
        ("NT$1,189", "TWD"),
        ("S/ 89.90", "PEN"),
        ("ſ/ 89.90", "PEN"),  # a long s is one, to who ignores case
        ("89€90", "EUR"),
        ("¥5", None),
        ("5 €/$", "EUR"),
        ("5 EUR 6", None),
        ("5", None),
        (5, None),
    ],
)
def test_a_price_names_its_currency_when_only_one_has_that_sign(
    printed: object, currency: str | None
) -> None:
    assert currency_in(printed) == currency


@given(st.text(max_size=80))
def test_any_text_is_read_or_not_and_never_raises(text: str) -> None:
    read = read_amount(text)
    assert read is None or isinstance(read[0], float)
    assert number(text) is None or isinstance(number(text), float)


@given(st.floats(0, 99_999_999, allow_nan=False).map(lambda value: round(value, 2)))
def test_every_locale_s_way_of_writing_means_the_same(value: float) -> None:
    english = f"{value:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    french = english.replace(",", " ").replace(".", ",")
    swiss = english.replace(",", "'")
    for printed in (english, german, french, swiss, f"{german} €", f"€{english}"):
        assert number(printed) == pytest.approx(value), printed
