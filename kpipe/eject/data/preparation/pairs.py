"""Pairs: what is read and what is written for it as the numbers of tokens."""

from __future__ import annotations

from kpipe.eject.data.preparation import texts
from kpipe.eject.section import Section
from kpipe.tokenization.tokenizer import Tokenizer


def encoded(tokenizer: Tokenizer, target_tokenizer: Tokenizer) -> Section:
    """Lists ``x_...`` of the numbers of ``texts_...``, and ``y_...`` of those of ``answers_...``, with their end."""
    read = texts.vocabulary(tokenizer, "texts_train")
    written = texts.second(texts.vocabulary(target_tokenizer, "answers_train"), target_tokenizer == tokenizer)
    lines = [read.code, *([] if written.code.startswith("\n") else [""]), written.code, ""]
    for part in ("train", "validation", "test"):
        lines.append(f"x_{part} = [encode(text) for text in texts_{part}]")
        lines.append(
            f"y_{part} = [np.append(encode_answer(text), np.int32(3)) for text in answers_{part}]  # 3 is the end"
        )
    constants = dict.fromkeys([*read.constants, *written.constants])
    return Section("\n".join(lines), (*read.imports, *written.imports), tuple(constants))
