"""Sub-words as code: what the library tokenizers learns of train, the same as kpipe has it learn."""

from __future__ import annotations

from kpipe.eject.section import Section
from kpipe.tokenization.special import SPECIAL
from kpipe.tokenization.subwords import RANKED, Subwords

LEARNED = '''
def learned(texts):
    """{words}"""
    parts = tokenizers.Tokenizer(tokenizers.models.{model}())
    parts.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    parts.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.{trainer}(
        vocab_size={size},  # and 4 that are no parts: padding, the unknown, start and end
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=[],
        show_progress=False,
    )
    parts.train_from_iterator({texts}, trainer)
{end}


tokenizer = learned({train})


def encode(text):
    """The numbers of a text's tokens."""
    return np.array(tokenizer.encode(text{small}).ids, "int32"){cut} + 4
'''

SETTLED = """    state = json.loads(parts.to_str())
    scores = dict(state["model"]["vocab"])
    lowest = min(scores.values())  # of bytes that train does not have, which chance puts in an order
    for part, score in scores.items():
        scores[part] = round(lowest if len(part) == 1 and score < lowest + {ranked} else score, 6)
    state["model"]["vocab"] = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    return tokenizers.Tokenizer.from_str(json.dumps(state, ensure_ascii=False))"""

BY_PAIRS = "Sub-words: from bytes on, the commonest pair of neighbours becomes a token, again and again."
BY_LOSS = "Sub-words: of many parts those are dropped that train needs least."


def vocabulary(tokenizer: Subwords, train: str, cut: int | None = None) -> Section:
    """``encode``, which knows the parts that the texts ``train`` teach."""
    pairs = tokenizer.algorithm == "bpe"
    small = ".lower()" if tokenizer.lowercase else ""
    code = LEARNED.format(
        words=BY_PAIRS if pairs else BY_LOSS,
        model="BPE" if pairs else "Unigram",
        trainer="BpeTrainer" if pairs else "UnigramTrainer",
        size=tokenizer.vocabulary_size - len(SPECIAL),
        texts="map(str.lower, texts)" if small else "texts",
        end="    return parts" if pairs else SETTLED.format(ranked=RANKED),
        train=train,
        small=small,
        cut="" if cut is None else f"[:{cut}]",
    )
    return Section(code.lstrip("\n"), ("import tokenizers",) if pairs else ("import json", "import tokenizers"))
