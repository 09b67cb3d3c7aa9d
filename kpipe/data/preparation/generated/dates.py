"""Dates as people write them in several languages, and as 2024-05-03."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Literal, NamedTuple

Locale = Literal["en", "de", "fr", "es"]

FIRST, LAST = date(1900, 1, 1), date(2099, 12, 31)
ROOM = (LAST - FIRST).days + 1
"""How many different dates there are."""


class Words(NamedTuple):
    """The names of a language's months and days (Monday first), long and short."""

    months: Sequence[str]
    short_months: Sequence[str]
    days: Sequence[str]


def names(blanked: str) -> tuple[str, ...]:
    return tuple(blanked.split())


ENGLISH = Words(
    names("January February March April May June July August September October November December"),
    names("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"),
    names("Monday Tuesday Wednesday Thursday Friday Saturday Sunday"),
)
GERMAN = Words(
    names("Januar Februar März April Mai Juni Juli August September Oktober November Dezember"),
    names("Jan. Feb. März Apr. Mai Juni Juli Aug. Sept. Okt. Nov. Dez."),
    names("Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag"),
)
FRENCH = Words(
    names("janvier février mars avril mai juin juillet août septembre octobre novembre décembre"),
    names("janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc."),
    names("lundi mardi mercredi jeudi vendredi samedi dimanche"),
)
SPANISH = Words(
    names("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"),
    names("ene. feb. mar. abr. may. jun. jul. ago. sept. oct. nov. dic."),
    names("lunes martes miércoles jueves viernes sábado domingo"),
)


class Written(NamedTuple):
    """The pieces that a date is written with in one language."""

    day: int
    ordinal: str
    month: int
    name: str
    short: str
    year: int
    weekday: str


Form = Callable[[Written], str]

# Of forms in numbers alone, day and month never change places: with dots, slashes and hyphens the day comes first,
# and where the year is first the month follows. So no text can be read as two dates.
NUMBERS: Sequence[Form] = (
    lambda of: f"{of.year}/{of.month:02}/{of.day:02}",
    lambda of: f"{of.year}.{of.month:02}.{of.day:02}",
    lambda of: f"{of.year:04}{of.month:02}{of.day:02}",
    lambda of: f"{of.day:02}-{of.month:02}-{of.year}",
)
FORMS: Mapping[Locale, Sequence[Form]] = {
    "en": (
        lambda of: f"{of.ordinal} of {of.name} {of.year}",
        lambda of: f"the {of.ordinal} of {of.name}, {of.year}",
        lambda of: f"{of.name} {of.day}, {of.year}",
        lambda of: f"{of.name} {of.ordinal}, {of.year}",
        lambda of: f"{of.weekday} {of.day} {of.name} {of.year}",
        lambda of: f"{of.weekday}, {of.name} {of.day}, {of.year}",
        lambda of: f"{of.day} {of.short} {of.year}",
        lambda of: f"{of.short} {of.day} {of.year}",
        lambda of: f"{of.weekday[:3]}, {of.day} {of.short} {of.year}",
        lambda of: f"{of.day}-{of.short}-{of.year}",
        lambda of: f"{of.year} {of.name} {of.day}",
    ),
    "de": (
        lambda of: f"{of.day}. {of.name} {of.year}",
        lambda of: f"den {of.day}. {of.name} {of.year}",
        lambda of: f"{of.weekday}, {of.day}. {of.name} {of.year}",
        lambda of: f"{of.weekday}, der {of.day}. {of.name} {of.year}",
        lambda of: f"{of.day}. {of.short} {of.year}",
        lambda of: f"{of.day:02}.{of.month:02}.{of.year}",
        lambda of: f"{of.day}.{of.month}.{of.year}",
    ),
    "fr": (
        lambda of: f"{of.ordinal} {of.name} {of.year}",
        lambda of: f"le {of.ordinal} {of.name} {of.year}",
        lambda of: f"{of.weekday} {of.ordinal} {of.name} {of.year}",
        lambda of: f"{of.day} {of.short} {of.year}",
        lambda of: f"{of.day:02}/{of.month:02}/{of.year}",
    ),
    "es": (
        lambda of: f"{of.day} de {of.name} de {of.year}",
        lambda of: f"el {of.day} de {of.name} del {of.year}",
        lambda of: f"{of.weekday}, {of.day} de {of.name} de {of.year}",
        lambda of: f"{of.day} {of.short} {of.year}",
        lambda of: f"{of.day}/{of.month}/{of.year}",
    ),
}
WORDS: Mapping[Locale, Words] = {"en": ENGLISH, "de": GERMAN, "fr": FRENCH, "es": SPANISH}


def draw(count: int, locales: Sequence[Locale], generator: random.Random) -> list[tuple[str, str]]:
    """``count`` different dates, each as someone wrote it and as 2024-05-03."""
    days = generator.sample(range(ROOM), count)
    dates = (FIRST + timedelta(days=day) for day in days)
    return [(write(day, generator.choice(locales), generator), day.isoformat()) for day in dates]


def write(day: date, locale: Locale, generator: random.Random) -> str:
    """A date in one of a language's forms; one in eight is in numbers alone, some are in small or capital letters."""
    form = generator.choice(NUMBERS if generator.random() < 1 / 8 else FORMS[locale])
    text = form(pieces(day, locale))
    change = generator.choice((str, str, str, str.lower, str.upper))
    return change(text)


def pieces(day: date, locale: Locale) -> Written:
    words, month = WORDS[locale], day.month - 1
    return Written(
        day=day.day,
        ordinal=ordinal(day.day, locale),
        month=day.month,
        name=words.months[month],
        short=words.short_months[month],
        year=day.year,
        weekday=words.days[day.weekday()],
    )


def ordinal(day: int, locale: Locale) -> str:
    """1st, 2nd, 3rd, 4th, 11th in English; 1er, 2, 3 in French."""
    if locale != "en":
        return "1er" if locale == "fr" and day == 1 else str(day)
    ending = "th" if 10 <= day % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"
