"""From the columns of train, validation and test, sequences among them, to Splits."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np

from kpipe.data.preparation.learn import check_classes
from kpipe.data.preparation.preparation import Preparation
from kpipe.data.preparation.ragged import Ragged
from kpipe.data.split_rule import SplitName
from kpipe.data.splits import Bucket, Columns, Splits, buckets_of, split_of
from kpipe.errors import DataError
from kpipe.signature import Feature, Signature, Target
from kpipe.tokenization.special import UNKNOWN


def splits_of(
    parts: Mapping[SplitName, Columns],
    signature: Signature,
    preparation: Preparation,
    origin: str,
    skipped: tuple[str, ...] = (),
) -> Splits:
    """Splits of encoded columns, each named after an input or the target of ``signature``; padded alike in all three.

    Raises: DataError: an empty split, or a class without an example in train.
    """
    for name, part in parts.items():
        if not len(next(iter(part.values()))):
            raise DataError(f"{origin}: the split `{name}` is empty", "every split needs at least one example")
    target = signature.target
    if target.task == "classes":
        check_classes(np.asarray(parts["train"][target.name]), target, origin)
    ragged = any(isinstance(column, Ragged) for column in parts["train"].values())
    buckets = buckets_of(*parts.values()) if ragged else ()
    signature = with_lengths(signature, buckets)
    splits = {name: split_of(part, buckets) for name, part in parts.items()}
    return Splits(
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        signature=signature,
        preparation=preparation.fitted(signature),
        fingerprint=fingerprint(parts),
        origin=origin,
        skipped=skipped,
        facts=tuple(facts(parts, signature)),
    )


def with_lengths(signature: Signature, buckets: tuple[Bucket, ...]) -> Signature:
    """The signature with the greatest length that each sequence is padded to."""
    longest = dict(buckets[-1].lengths) if buckets else {}

    def known(place: Feature | Target) -> Feature | Target:
        return place.model_copy(update={"max_length": longest.get(place.name)}) if place.name in longest else place

    return signature.model_copy(
        update={"inputs": tuple(map(known, signature.inputs)), "target": known(signature.target)}
    )


def facts(parts: Mapping[SplitName, Columns], signature: Signature) -> list[str]:
    """For each column of sequences, how long they are, and of the tokens of test how many are unknown."""
    lines = []
    vocabularies = {feature.name: feature.vocabulary for feature in signature.inputs}
    vocabularies[signature.target.name] = signature.target.vocabulary
    for name, column in parts["train"].items():
        same = name == signature.target.name and signature.target.task in ("tags", "next_token")
        if not isinstance(column, Ragged) or name == "previous" or same:
            continue
        low, middle, high, most = np.quantile(column.lengths, [0, 0.5, 0.9, 1], method="higher")
        line = f"{name}: {low} to {most} steps, half up to {middle}, 9 of 10 up to {high}"
        vocabulary, test = vocabularies.get(name), parts["test"][name]
        if vocabulary is not None and isinstance(test, Ragged):
            unknown = float(np.mean(test.values == UNKNOWN)) if len(test.values) else 0.0
            line += f"; {vocabulary.tokenizer.type}, {vocabulary.size:,} tokens, {unknown:.2%} of test unknown"
        lines.append(line)
    return lines


def fingerprint(parts: Mapping[SplitName, Columns]) -> str:
    """SHA-256 over the names, lengths, shapes, dtypes and bytes of all splits."""
    digest = hashlib.sha256()
    for split_name in sorted(parts):
        for name, column in sorted(parts[split_name].items()):
            arrays = (column.values, column.offsets) if isinstance(column, Ragged) else (column,)
            for array in arrays:
                digest.update(repr((split_name, name, array.shape, array.dtype.str)).encode())
                digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
