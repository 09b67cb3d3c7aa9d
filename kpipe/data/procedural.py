"""Procedural: examples made up from the pipeline's seed, without any file."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from kpipe.backend import derive
from kpipe.data.source import Source
from kpipe.data.split_rule import SplitName, SplitRule
from kpipe.signature import Kind, Signature, Target, Task
from kpipe.spec.mistake import Problem
from kpipe.spec.one_of import OneOf
from kpipe.spec.spec import Tuple, refuse
from kpipe.tokenization.characters import Characters
from kpipe.tokenization.tokenizer import Tokenizer

if TYPE_CHECKING:
    import numpy as np

    from kpipe.data.splits import Splits

Locale = Literal["en", "de", "fr", "es"]
Operator = Literal["+", "-", "*"]

SEQUENCES: Mapping[str, Task] = {"sine_mix": "forecast", "adding_problem": "values"}
"""What is learned from numbers; the others are text."""

USED_BY: Mapping[str, tuple[str, ...]] = {
    "locales": ("dates",),
    "digits": ("arithmetic",),
    "operators": ("arithmetic",),
    "max_letters": ("reverse",),
    "context": ("sine_mix",),
    "horizon": ("sine_mix",),
    "waves": ("sine_mix",),
    "noise": ("sine_mix",),
    "length": ("adding_problem",),
    "tokenizer": ("dates", "number_words", "arithmetic", "reverse"),
    "target_tokenizer": ("dates", "number_words", "arithmetic", "reverse"),
}
"""The data sets that a field says something of; elsewhere it keeps its default."""


class Procedural(Source):
    """Examples made up from the pipeline's seed: texts to rewrite, waves to forecast, numbers to add.

    dates: a date in 1900 to 2099, in one of some thirty written forms of several languages -> 2024-05-03.
    number_words: 4071 -> four thousand seventy-one, up to 999,999.
    arithmetic: 23+58= -> 81.
    reverse: abcd -> dcba.
    sine_mix: ``context`` steps of a noisy sum of a few sines -> the ``horizon`` steps that follow.
    adding_problem: numbers in [0, 1) of which two are marked -> the sum of the two.

    Every text is there once, and every date, in whatever form: what test asks for is nowhere in train. No text can
    be read as two dates (in numbers alone the day stands before the month, or the year before both).

    Shapes:
        dates, number_words, arithmetic, reverse: tokens (time,) -> text (time,)
        sine_mix: sequence (context, 1) -> forecast (horizon, 1)
        adding_problem: sequence (length, 2) -> values (1,)

    Raises:
        DataError: the fractions of ``split`` leave too few examples.

    Example:
        data:
          type: procedural
          dataset: dates
          examples: 10000
          locales: [en, fr]

    Reference:
        S. Hochreiter and J. Schmidhuber, 1997, Long short-term memory (the adding problem, here with numbers in [0, 1)
        and marks of 0 and 1).
        Q. Le, N. Jaitly and G. Hinton, 2015, A simple way to initialize recurrent networks of rectified linear units.
    """

    type: Literal["procedural"] = "procedural"
    example: ClassVar[dict[str, Any]] = {"dataset": "reverse"}

    dataset: Literal["dates", "number_words", "arithmetic", "reverse", "sine_mix", "adding_problem"] = Field(
        description="what is made up"
    )
    examples: int = Field(10_000, ge=10, le=10_000_000, description="of train, validation and test together")
    split: SplitRule = Field(SplitRule(), description="fractions cut off for validation and test")
    locales: Tuple[Locale] = Field(
        ("en", "de", "fr", "es"), min_length=1, description="of dates: the languages they are written in"
    )
    digits: int = Field(2, ge=1, le=9, description="of arithmetic: digits of a number, at most")
    operators: Tuple[Operator] = Field(("+", "-", "*"), min_length=1, description="of arithmetic: signs")
    max_letters: int = Field(12, ge=2, le=1000, description="of reverse: letters of the longest text")
    context: int = Field(48, ge=2, le=100_000, description="of sine_mix: steps that are seen")
    horizon: int = Field(12, ge=1, le=100_000, description="of sine_mix: steps that are forecast")
    waves: int = Field(3, ge=1, le=100, description="of sine_mix: sines that are added, each of amplitude 0.3 to 1")
    noise: float = Field(0.1, ge=0, le=100, description="of sine_mix: standard deviation of the noise on every step")
    length: int = Field(50, ge=2, le=100_000, description="of adding_problem: steps, of which two are marked")
    tokenizer: Annotated[Tokenizer, OneOf("kpipe.tokenization")] = Field(
        Characters(), description="of texts: how what goes in is cut into tokens"
    )
    target_tokenizer: Annotated[Tokenizer, OneOf("kpipe.tokenization")] = Field(
        Characters(), description="of texts: how what comes out is cut into tokens"
    )

    @property
    def kind(self) -> Kind:
        return "sequence" if self.dataset in SEQUENCES else "tokens"

    @property
    def task(self) -> Task:
        return SEQUENCES.get(self.dataset, "text")

    @model_validator(mode="after")
    def _fields_are_of_the_data_set(self) -> Procedural:
        problems = [
            Problem((name,), f"says nothing of `{self.dataset}`; it is of {' and '.join(used)}", "remove it")
            for name, used in USED_BY.items()
            if self.dataset not in used and getattr(self, name) != type(self).model_fields[name].default
        ]
        room = self._room()
        if room is not None and self.examples > room:
            message = f"{self.examples:,} examples, but there are only {room:,} different ones"
            problems.append(Problem(("examples",), message, f"at most {room}"))
        if problems:
            raise refuse(*problems)
        return self

    def _room(self) -> int | None:
        """How many different examples there are; None is no end of them."""
        from kpipe.data.preparation.generated import arithmetic, dates, number_words, reverse

        if self.dataset == "reverse":
            return reverse.room(self.max_letters)
        if self.dataset == "arithmetic":
            return arithmetic.room(self.operators, self.digits)
        return {"dates": dates.ROOM, "number_words": number_words.ROOM}.get(self.dataset)

    def load(self, seed: int) -> Splits:
        from kpipe.data.preparation.split import cut

        indices = cut(self.examples, self.split, seed)
        return self._load_numbers(seed, indices) if self.kind == "sequence" else self._load_texts(seed, indices)

    def _load_texts(self, seed: int, indices: Mapping[SplitName, np.ndarray]) -> Splits:
        from kpipe.data.preparation.text_pairs import splits_of_pairs

        pairs = self._pairs(random.Random(derive(seed, "procedural", self.dataset)))  # noqa: S311  # no secret
        parts = {name: [pairs[index] for index in chosen] for name, chosen in indices.items()}
        return splits_of_pairs(parts, self.tokenizer, self.target_tokenizer, f"procedural {self.dataset}")

    def _pairs(self, generator: random.Random) -> list[tuple[str, str]]:
        from kpipe.data.preparation.generated import arithmetic, dates, number_words, reverse

        if self.dataset == "dates":
            return dates.draw(self.examples, self.locales, generator)
        if self.dataset == "number_words":
            return number_words.draw(self.examples, generator)
        if self.dataset == "arithmetic":
            return arithmetic.draw(self.examples, self.operators, self.digits, generator)
        return reverse.draw(self.examples, self.max_letters, generator)

    def _load_numbers(self, seed: int, indices: Mapping[SplitName, np.ndarray]) -> Splits:
        from kpipe.data.preparation.learn import feature_of, moments
        from kpipe.data.preparation.sequence import Sequence
        from kpipe.data.preparation.sequences import splits_of

        inputs, targets = self._numbers(seed)
        train = indices["train"]
        columns = ("value",) if self.dataset == "sine_mix" else ("number", "mark")
        feature = feature_of(inputs[train], "sequence", columns)
        mean, variance = moments(targets[train])
        names, horizon = (("value",), self.horizon) if self.dataset == "sine_mix" else (("sum",), None)
        target = Target(task=self.task, names=names, mean=mean, variance=variance, horizon=horizon)
        return splits_of(
            {name: {"sequence": inputs[chosen], "target": targets[chosen]} for name, chosen in indices.items()},
            Signature(inputs=(feature,), target=target),
            Sequence(steps=inputs.shape[1], features=inputs.shape[2], columns=columns, target=target),
            f"procedural {self.dataset}",
        )

    def _numbers(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        import numpy as np

        from kpipe.data.preparation.generated import adding_problem, sine_mix

        generator = np.random.default_rng(derive(seed, "procedural", self.dataset))
        if self.dataset == "adding_problem":
            return adding_problem.draw(self.examples, self.length, generator)
        return sine_mix.draw(self.examples, self.context, self.horizon, self.waves, self.noise, generator)
