"""Text metrics as code: what was written beside what was to be written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from kpipe.eject.section import Section
from kpipe.eject.words import literal
from kpipe.tokenization.characters import Characters
from kpipe.tokenization.tokenizer import Tokenizer
from kpipe.tokenization.words import AFTER, BEFORE, Words

if TYPE_CHECKING:
    from kpipe.data.splits import Splits
    from kpipe.signature import Target

NAMES = (
    "bleu",
    "character_error_rate",
    "chrf",
    "exact_match",
    "token_accuracy",
)
"""Metrics of texts that are written from beginning to end."""

LOSSES = """
truth = np.concatenate(y_test)
losses = np.logaddexp.reduce(logits, axis=1) - logits[np.arange(len(truth)), truth]
"""

JOINED = '''
def text_of(numbers):
    """The text of tokens; a token that train does not have becomes a sign that nobody writes."""
    tokens = [known{own}[number - 4] if number > 3 else "\\ufffd" for number in numbers]
'''

SPACED = """
    text = ""
    for token in tokens:
        close = not text or token in BEFORE or text[-1] in AFTER
        text += token if close else f" {token}"
    return text
"""

SUBWORDS = '''
def text_of(numbers):
    """The text of tokens."""
    return tokenizer{own}.decode([number - 4 for number in numbers])
'''

MARKS = (
    ("BEFORE", BEFORE, "stand close to the word before them"),
    ("AFTER", AFTER, "and to the word after them"),
)
"""Marks that the script must know, where words are put together."""

WRITTEN = """
written = [text_of(tokens) for tokens in write(x_test)]
references = [text_of(answer[:-1]) for answer in y_test]  # without their end
"""

IN_PLACE = '''
def token_accuracy(texts, answers):
    """The share of tokens that stand where they belong; those that are too many are wrong."""
    right = total = 0
    for text, answer in zip(texts, answers, strict=True):
        tokens, true = encode{own}(text), answer[:-1]
        both = min(len(tokens), len(true))
        right += ((tokens[:both] == true[:both]) & (true[:both] != 1)).sum()
        total += max(len(tokens), len(true))
    return right / total
'''


def defined(metrics: Sequence[Any], splits: Splits) -> list[Any]:
    """Those of ``metrics`` that the texts to be written give a value: BLEU, say, needs one of four words."""
    if splits.signature.target.task != "text":
        return [*metrics]
    references = references_of(splits)
    found = SimpleNamespace(references=references, split_name="test")
    return [one for one in metrics if one.type not in NAMES or not one.left_out(found)]


def references_of(splits: Splits) -> tuple[str, ...]:
    """What kpipe compares the written texts of test with."""
    import numpy as np

    target = splits.signature.target
    assert target.vocabulary is not None
    answers = (splits.test.take(np.array([row]))[target.name][0] for row in range(len(splits.test)))
    return tuple(target.vocabulary.reference(answer[answer >= 0]) for answer in answers)


def write(by_name: Mapping[str, Any], of_tokens: Mapping[str, str], target: Target, logits: str, data: str) -> Section:
    """Lines up to ``metrics``; ``data`` is the code that read the examples, and named their vocabularies."""
    assert target.vocabulary is not None
    own = "_answer" if "def encode_answer" in data else ""
    found = [f"    {of_tokens.get(name) or value_of(metric)}," for name, metric in by_name.items()]
    functions, lines, imports, constants = [], [logits.strip("\n")], [], []
    if of_tokens.keys() & by_name.keys():
        lines.append(LOSSES.strip("\n"))
    if set(NAMES) & by_name.keys():
        tokenizer = target.vocabulary.tokenizer
        functions.append(text_of(tokenizer))
        lines.append(WRITTEN.strip("\n"))
        if isinstance(tokenizer, Words) and tokenizer.split_on == "words":
            constants += [f"{name} = set({literal(''.join(sorted(signs)))})  # {words}" for name, signs, words in MARKS]
    if "token_accuracy" in by_name:
        functions.append(IN_PLACE)
    if {"bleu", "chrf"} & by_name.keys():
        imports.append("import sacrebleu")
    if "character_error_rate" in by_name:
        imports.append("from rapidfuzz.distance import Levenshtein")
    before = "".join(f"{function.replace('{own}', own).strip()}\n\n\n" for function in functions)
    return Section(before + "\n".join([*lines, "metrics = {", *found, "}"]), tuple(imports), tuple(constants))


def text_of(tokenizer: Tokenizer) -> str:
    """How tokens become a text again."""
    if isinstance(tokenizer, Characters):
        return JOINED + '    return "".join(tokens)'
    if not isinstance(tokenizer, Words):
        return SUBWORDS
    return JOINED + '    return " ".join(tokens)' if tokenizer.split_on == "blanks" else JOINED + SPACED.lstrip("\n")


def value_of(metric: Any) -> str:
    """A line of ``metrics``."""
    fields = type(metric).model_fields
    arguments = [f"{name}={literal(value)}" for name, value in dict(metric).items() if value != fields[name].default]
    compared = ".corpus_score(written, [references]).score"
    codes = {
        "bleu": f"sacrebleu.BLEU({', '.join([*arguments, 'force=True'])}){compared}",
        "character_error_rate": "sum(map(Levenshtein.distance, written, references)) / sum(map(len, references))",
        "chrf": f"sacrebleu.CHRF({', '.join(arguments)}){compared}",
        "exact_match": "np.mean([one == other for one, other in zip(written, references, strict=True)])",
        "token_accuracy": "token_accuracy(written, y_test)",
    }
    return f'"{metric.type}": {codes[metric.type]}'
