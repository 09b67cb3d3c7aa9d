"""Tables of texts as code, with classes or with texts to be written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kpipe.data.preparation.text_files import read_columns, targets_in
from kpipe.data.text_table import TextTable
from kpipe.eject.data.preparation import rows, text_files, text_splits, texts
from kpipe.eject.data.preparation.targets import written
from kpipe.eject.section import Section, cannot, require_defaults
from kpipe.eject.words import assigned, literal

if TYPE_CHECKING:
    from kpipe.data.splits import Splits

USED = (
    *("path", "files", "columns", "separator", "quoted", "remove", "text", "target", "target_task", "target_text"),
    *("tokenizer", "target_tokenizer", "shared_vocabulary", "max_length", "split", "batch_size"),
)

WHOLE = """
x_train = [encode(text) for text in texts_train]
y_train = [np.append({encode}(text), np.int32(3)) for text in answers_train]  # 3 is the end
"""

SHORT = """
pairs = [(encode(text), {encode}(answer)) for text, answer in zip(texts_train, answers_train, strict=True)]
pairs = [(x, y) for x, y in pairs if max(len(x), len(y)) <= MAX_LENGTH]  # half a text is no answer to a whole one
x_train, y_train = [x for x, _ in pairs], [np.append(y, np.int32(3)) for _, y in pairs]  # 3 is the end
"""

OTHER = """
x_{part} = [encode(text){cut} for text in texts_{part}]
y_{part} = [np.append({encode}(text), np.int32(3)) for text in answers_{part}]
"""


def check(source: TextTable) -> None:
    """Raises: WrongInput: a setting cannot be written."""
    require_defaults(source, "data", USED)
    if len(source.target) > 1:
        raise cannot("data: several targets", "what can: one target")


def write(source: TextTable, splits: Splits) -> Section:
    """Lists ``x_train, x_validation, x_test`` of token numbers, and their classes ``y_...``. Raises: WrongInput."""
    if source.target_text is not None:
        return pairs(source, splits)
    target = splits.signature.target
    if target.task != "classes":
        raise cannot(f"data: texts with the task {target.task}", "what can: classes")
    rows.require_each_class(splits)
    train = source.given["train"]
    raw = targets_in(read_columns(train, source.form), source.target, str(train[0]))
    read = text_files.read(
        source, written(raw, target, f"table[{literal(source.target[0])}].to_numpy()"), "their classes"
    )
    known = texts.vocabulary(source.tokenizer, "texts_train", source.max_length)
    encoded = "\n".join(f"x_{name} = [encode(text) for text in texts_{name}]" for name, _ in splits)
    classes = Section("", (), (assigned("CLASSES", target.names),))
    return joined([classes, read, text_splits.write(source, splits, "labels", "y"), known, Section(encoded)])


def pairs(source: TextTable, splits: Splits) -> Section:
    """Lists ``x_...`` of the numbers of what is read, and ``y_...`` of what is written, with its end."""
    read = text_files.read(source, f"table[{literal(source.target_text)}].tolist()", "what is to be written for them")
    parts = [read, text_splits.write(source, splits, "answers", "answers")]
    if source.shared_vocabulary:
        encode = "encode"
        parts.append(texts.vocabulary(source.tokenizer, "[*texts_train, *answers_train]"))
    else:
        encode, own = "encode_answer", source.target_tokenizer or source.tokenizer
        parts.append(texts.vocabulary(source.tokenizer, "texts_train"))
        parts.append(texts.second(texts.vocabulary(own, "answers_train"), own == source.tokenizer))
    limited = source.max_length is not None
    code = (SHORT if limited else WHOLE).strip("\n").replace("{encode}", encode)
    for part in rows.BOTH:
        code += OTHER.rstrip("\n").format(part=part, cut="[:MAX_LENGTH]" if limited else "", encode=encode)
    constants = (f"MAX_LENGTH = {source.max_length}  # tokens",) if limited else ()
    return joined([*parts, Section(code, (), constants)])


def joined(parts: list[Section]) -> Section:
    """One after the other, functions two lines apart from all else."""
    code = ""
    for part in (one.code.strip("\n") for one in parts if one.code):
        apart = part.startswith("def ") or code.rpartition("\n\n\n")[2].startswith("def ")
        code += ("\n\n\n" if apart else "\n\n") * bool(code) + part
    imports = tuple(name for part in parts for name in part.imports)
    return Section(code, imports, tuple(dict.fromkeys(one for part in parts for one in part.constants)))
