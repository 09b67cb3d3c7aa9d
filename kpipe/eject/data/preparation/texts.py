"""Texts as code: how they are cut into tokens, and the numbers of these, as train teaches them."""

from __future__ import annotations

import itertools
import re

from kpipe.eject.data.preparation import subwords
from kpipe.eject.section import Section, cannot, require_defaults
from kpipe.tokenization.characters import Characters
from kpipe.tokenization.subwords import Subwords
from kpipe.tokenization.tokenizer import Tokenizer
from kpipe.tokenization.words import Words

SPLIT = """
def tokens_of(text):
    return {tokens}


"""

VOCABULARY = """
counts = collections.Counter(token for text in {train} for token in {tokens})
known = sorted({kept}
number_of = {{token: number for number, token in enumerate(known, start=4)}}  # 0 is padding, 1 any other
"""

ENCODE = '''

def encode(text):
    """The numbers of a text's tokens."""
    return np.array([number_of.get(token, 1) for token in {tokens}], "int32"){cut}
'''

COMPOSED = 'unicodedata.normalize("NFC", text)'

WORD = r'''r"\w+(?:[’'-]\w+)*|[^\w\s]"'''


def tokens_of(tokenizer: Tokenizer) -> str:
    """The tokens of ``text`` as an expression. Raises: WrongInput: it is another tokenizer."""
    small = ".lower()" if getattr(tokenizer, "lowercase", False) else ""
    if isinstance(tokenizer, Characters):
        return f"text{small}"
    if not isinstance(tokenizer, Words):
        raise cannot(f"data.tokenizer: `{tokenizer.type}`", "what can: characters, words, subwords")
    composed = f"{COMPOSED}{small}"
    return f"{composed}.split()" if tokenizer.split_on == "blanks" else f"re.findall(WORD, {composed})"


def kept(tokenizer: Tokenizer) -> str:
    """The arguments of ``sorted`` that make the vocabulary of ``counts``, and what of it is kept."""
    if isinstance(tokenizer, Characters):
        return "counts)"
    assert isinstance(tokenizer, Words)
    seen = "counts" if tokenizer.min_count == 1 else f"(one for one in counts if counts[one] >= {tokenizer.min_count})"
    return f"{seen}, key=lambda token: (-counts[token], token))" + f"[:{tokenizer.max_size}]" * (
        tokenizer.max_size is not None
    )


def vocabulary(tokenizer: Tokenizer, train: str, cut: int | None = None, split: bool = True) -> Section:
    """``encode``, which knows the tokens of the texts ``train``; without ``split`` these are lists of words."""
    if isinstance(tokenizer, Subwords):
        return subwords.vocabulary(tokenizer, train, cut)
    require_defaults(tokenizer, "data.tokenizer", ("lowercase", "min_count", "max_size", "split_on"))
    imports, constants, before = ["import collections"], [], ""
    tokens = tokens_of(tokenizer)
    if isinstance(tokenizer, Words):
        imports.append("import unicodedata")
        if not split:
            folded = (
                f"[{COMPOSED.replace('text', 'token')}{'.lower()' if tokenizer.lowercase else ''} for token in text]"
            )
            tokens = folded
        before = SPLIT.replace("{tokens}", tokens)
        if "WORD" in tokens:
            imports.append("import re")
            constants.append(f"WORD = {WORD}  # or a mark by itself")
        tokens = "tokens_of(text)"
    learned = VOCABULARY.format(train=train, tokens=tokens, kept=kept(tokenizer))
    encode = ENCODE.format(tokens=tokens, cut="" if cut is None else f"[:{cut}]")
    return Section(before + learned.strip("\n") + "\n" + encode, tuple(imports), tuple(constants))


LEARNED = ("counts = ", "tokenizer = ")
"""How the lines begin that learn a vocabulary; what is before them is of no one text."""


def second(other: Section, alike: bool) -> Section:
    """The same of the texts to be written, under names of its own; cut as the first where they are ``alike``."""
    code = other.code
    if alike:
        code = "\n".join(itertools.dropwhile(lambda line: not line.startswith(LEARNED), code.split("\n")))
    names = "counts|known|number_of|encode|tokenizer" + ("" if alike else "|tokens_of|learned")
    return Section(re.sub(rf"(?<!\.)\b({names})\b", r"\1_answer", code), other.imports, other.constants)
