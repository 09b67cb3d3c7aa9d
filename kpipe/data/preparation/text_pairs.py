"""From pairs of texts, what goes in and what shall come out, to Splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kpipe.data.preparation import encoded
from kpipe.data.preparation.sequences import splits_of
from kpipe.data.preparation.text import Text
from kpipe.data.split_rule import SplitName
from kpipe.data.splits import Columns, Splits
from kpipe.signature import Signature, Target
from kpipe.tokenization.tokenizer import Tokenizer
from kpipe.tokenization.vocabulary import Vocabulary

Pairs = Sequence[tuple[str, str]]


def splits_of_pairs(
    parts: Mapping[SplitName, Pairs], tokenizer: Tokenizer, target_tokenizer: Tokenizer, origin: str
) -> Splits:
    """Splits with the features `source` and `previous` and the text that is to come out; vocabularies of train alone.

    Raises: DataError: an empty split.
    """
    source = Vocabulary.learn(tokenizer, (text for text, _ in parts["train"]))
    target = Vocabulary.learn(target_tokenizer, (text for _, text in parts["train"]))
    signature = Signature(
        inputs=(encoded.feature_of("source", source), encoded.feature_of("previous", target)),
        target=Target(task="text", vocabulary=target),
    )
    columns = {name: columns_of(pairs, source, target) for name, pairs in parts.items()}
    return splits_of(columns, signature, Text(vocabulary=source, target=signature.target), origin)


def columns_of(pairs: Pairs, source: Vocabulary, target: Vocabulary) -> Columns:
    read = encoded.encode([text for text, _ in pairs], source)
    return {"source": encoded.given(read), **encoded.written(encoded.encode([text for _, text in pairs], target))}
