"""Generated: texts made up from the seed as code, and what shall be written for each; one data set a function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from kpipe.data.preparation.generated import arithmetic, dates, number_words
from kpipe.eject.section import Section
from kpipe.eject.words import assigned, literal

if TYPE_CHECKING:
    from kpipe.data.procedural import Procedural

DATES = '''
def ordinal(day, locale):
    """1st, 2nd, 3rd, 4th, 11th in English; 1er, 2, 3 in French."""
    if locale != "en":
        return "1er" if locale == "fr" and day == 1 else str(day)
    ending = "th" if 10 <= day <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"


def in_words(date, locale):
    """A date in one of a language's forms; one in eight is in numbers alone, some are in small or capital letters."""
    form = generator.choice(NUMBERS if generator.random() < 1 / 8 else FORMS[locale])
    text = form.format(
        day=date.day,
        ordinal=ordinal(date.day, locale),
        month=date.month,
        name=MONTHS[locale].split()[date.month - 1],
        short=SHORT_MONTHS[locale].split()[date.month - 1],
        year=date.year,
        weekday=DAYS[locale].split()[date.weekday()],
    )
    return generator.choice((str, str, str, str.lower, str.upper))(text)


generator = random.Random(seed_of("procedural", "dates"))
first, last = datetime.date(1900, 1, 1), datetime.date(2099, 12, 31)
days = generator.sample(range((last - first).days + 1), EXAMPLES)
dates = [first + datetime.timedelta(days=day) for day in days]
texts = [in_words(date, generator.choice(LOCALES)) for date in dates]
answers = [date.isoformat() for date in dates]
'''

NUMBERS = '''
def in_words(number):
    """The words of a number from 0 to 999,999."""
    if number < 20:
        return SMALL.split()[number]
    if number < 100:
        tens, rest = divmod(number, 10)
        return TENS.split()[tens] + (f"-{in_words(rest)}" if rest else "")
    unit, name = (1000, "thousand") if number >= 1000 else (100, "hundred")
    above, rest = divmod(number, unit)
    return f"{in_words(above)} {name}" + (f" {in_words(rest)}" if rest else "")


generator = random.Random(seed_of("procedural", "number_words"))
numbers = []
for digits in range(1, 7):  # as many short ones as there are
    these = range(10 ** (digits - 1) if digits > 1 else 0, 10**digits)
    wanted = math.ceil((EXAMPLES - len(numbers)) / (7 - digits))
    numbers += generator.sample(these, min(wanted, len(these)))
texts, answers = [str(number) for number in numbers], [in_words(number) for number in numbers]
'''

ARITHMETIC = """
generator = random.Random(seed_of("procedural", "arithmetic"))
texts, answers = [], []
for place in generator.sample(range(len(OPERATORS) * 10 ** (2 * DIGITS)), EXAMPLES):
    numbers, sign = divmod(place, len(OPERATORS))
    left, right = divmod(numbers, 10**DIGITS)
    sign, result = OPERATORS[sign]
    texts.append(f"{left}{sign}{right}=")
    answers.append(str(result(left, right)))
"""

REVERSE = """
generator = random.Random(seed_of("procedural", "reverse"))
found = {}  # in the order in which they are drawn
while len(found) < EXAMPLES:
    length = generator.randint(2, MAX_LETTERS)
    found["".join(generator.choices(string.ascii_lowercase, k=length))] = None
texts, answers = list(found), [text[::-1] for text in found]
"""


class Piece:
    """A piece of a date that is not there yet: what is asked of it is written down, ``{month:02}``."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __format__(self, form: str) -> str:
        return f"{{{self.name}:{form}}}" if form else f"{{{self.name}}}"

    def __getitem__(self, some: slice) -> str:
        return self.__format__(f".{some.stop}")


def form_of(form: dates.Form) -> str:
    """A form of dates as Python's ``format`` takes it."""
    return form(dates.Written(*map(Piece, dates.Written._fields)))  # type: ignore[arg-type]


def of_dates(source: Procedural) -> Section:
    locales = list(dict.fromkeys(source.locales))
    tables = {"MONTHS": "months", "SHORT_MONTHS": "short_months", "DAYS": "days"}
    constants = [assigned("LOCALES", source.locales)]
    for name, field in tables.items():
        rows = [f"    {literal(locale)}: {joined(getattr(dates.WORDS[locale], field))}," for locale in locales]
        constants.append("\n".join([f"{name} = {{", *rows, "}"]))
    constants.append(assigned("NUMBERS", [form_of(form) for form in dates.NUMBERS]))
    constants.append("FORMS = {")
    for locale in locales:
        rows = [f"        {literal(form_of(form))}," for form in dates.FORMS[locale]]
        constants += [f"    {literal(locale)}: [", *rows, "    ],"]
    constants.append("}")
    return Section(DATES, ("import datetime",), tuple(constants))


def of_number_words(_: Procedural) -> Section:
    below, teens = number_words.SMALL[:13], number_words.SMALL[13:]
    small = f"SMALL = (\n    {joined([*below, ''])}\n    {joined(teens)}\n)"
    return Section(NUMBERS, ("import math",), (small, f"TENS = {joined(number_words.TENS)}"))


def of_arithmetic(source: Procedural) -> Section:
    signs = ", ".join(f"({literal(sign)}, operator.{arithmetic.MEANING[sign].__name__})" for sign in source.operators)
    return Section(ARITHMETIC, ("import operator",), (f"OPERATORS = [{signs}]", f"DIGITS = {source.digits}"))


def of_reverse(source: Procedural) -> Section:
    return Section(REVERSE, ("import string",), (f"MAX_LETTERS = {source.max_letters}",))


def joined(words: Iterable[str]) -> str:
    return literal(" ".join(words))


WRITTEN: Mapping[str, Callable[[Procedural], Section]] = {
    "arithmetic": of_arithmetic,
    "dates": of_dates,
    "number_words": of_number_words,
    "reverse": of_reverse,
}
"""What makes ``texts`` and ``answers``, by the name of the data set."""
