"""Tables of texts with classes as code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kpipe.data.preparation.frames import separator_of
from kpipe.data.preparation.text_files import read_columns, targets_in
from kpipe.data.text_table import TextTable
from kpipe.eject import rows, texts
from kpipe.eject.section import Section, cannot, require_defaults
from kpipe.eject.targets import written
from kpipe.eject.words import assigned, call, keywords, literal, path_of

if TYPE_CHECKING:
    from kpipe.data.splits import Splits

READ = '''
def read(path):
    """The texts of a table, and their classes."""
{reading}
    return table[{text}].tolist(), {labels}


'''

READ_PAIRS = READ.replace("and their classes", "and what is to be written for them")


def check(source: TextTable) -> None:
    """Raises: WrongInput: a setting cannot be written."""
    used = ("path", "files", "text", "target", "target_task", "tokenizer", "max_length", "split", "batch_size")
    require_defaults(source, "data", (*used, "columns", "separator", "quoted", "target_text", "target_tokenizer"))
    for name in ("group", "column"):
        if getattr(source.split, name) is not None:
            raise cannot(f"data.split.{name} of texts", "give each split a file of its own, or leave it out")
    if len(source.target) > 1 or any(len(files) > 1 for files in source.given.values()):
        raise cannot("data: several targets, or files of a column each", "what can: one target, in one file a split")
    for tokenizer in (source.tokenizer, source.target_tokenizer or source.tokenizer):
        texts.tokens_of(tokenizer)
    if source.target_text is not None and source.max_length is not None:
        raise cannot("data.max_length of pairs of texts", "leave it out")


def write(source: TextTable, splits: Splits) -> Section:
    """Lists ``x_train, x_validation, x_test`` of token numbers, and their classes ``y_...``. Raises: WrongInput."""
    if source.target_text is not None:
        return pairs(source, splits)
    target = splits.signature.target
    if target.task != "classes":
        raise cannot(f"data: texts with the task {target.task}", "what can: classes")
    rows.require_each_class(splits)
    train = source.given["train"][0]
    raw = targets_in(read_columns([train], source.form), source.target, str(train))
    labels = written(raw, target, f"table[{literal(source.target[0])}].to_numpy()")
    lines = [
        READ.format(reading=reading(source, train), text=literal(source.text), labels=labels).rstrip("\n") + "\n\n"
    ]
    constants = [assigned("CLASSES", target.names)]
    lacking = [name for name in rows.BOTH if name not in source.given]
    for name, (file,) in source.given.items():
        part = "texts, labels" if name == "train" and lacking else f"texts_{name}, y_{name}"
        lines.append(f"{part} = read({path_of(str(file))})")
    if lacking:
        cut = rows.cut(splits, source.split.stratified, "len(labels)", lacking)
        chosen = [
            f"texts_{name}, y_{name} = [texts[row] for row in {name}], labels[{name}]" for name in ("train", *lacking)
        ]
        lines += ["", cut.code, "", *chosen]
        constants += cut.constants
    known = texts.vocabulary(source.tokenizer, "texts_train", source.max_length)
    lines += [
        *("" for _ in lacking if "def " in known.code[:9]),
        known.code,
        "",
        *(f"x_{name} = [encode(text) for text in texts_{name}]" for name, _ in splits),
    ]
    return Section("\n".join(lines), ("import pandas as pd", *known.imports), (*constants, *known.constants))


def pairs(source: TextTable, splits: Splits) -> Section:
    """Lists ``x_...`` of the numbers of what is read, and ``y_...`` of what is written, with its end."""
    train = source.given["train"][0]
    labels = f"table[{literal(source.target_text)}].tolist()"
    read = READ_PAIRS.format(reading=reading(source, train), text=literal(source.text), labels=labels)
    lines = [read.rstrip("\n") + "\n\n"]
    constants: list[str] = []
    lacking = [name for name in rows.BOTH if name not in source.given]
    for name, (file,) in source.given.items():
        part = "texts, answers" if name == "train" and lacking else f"texts_{name}, answers_{name}"
        lines.append(f"{part} = read({path_of(str(file))})")
    if lacking:
        cut = rows.cut(splits, False, "len(texts)", lacking)
        lines += ["", cut.code, ""]
        for name in ("train", *lacking):
            lines.append(
                f"texts_{name}, answers_{name} = zip(*[(texts[row], answers[row]) for row in {name}], strict=True)"
            )
        constants += cut.constants
    known = texts.vocabulary(source.tokenizer, "texts_train")
    own = source.target_tokenizer or source.tokenizer
    other = texts.second(texts.vocabulary(own, "answers_train"), own == source.tokenizer)
    between = [] if other.code.startswith("\n") else [""]
    lines += ["", known.code, *between, other.code, ""]
    for part, _ in splits:
        lines.append(f"x_{part} = [encode(text) for text in texts_{part}]")
        lines.append(
            f"y_{part} = [np.append(encode_answer(text), np.int32(3)) for text in answers_{part}]  # 3 is the end"
        )
    imports = ("import pandas as pd", *known.imports, *other.imports)
    return Section("\n".join(lines), imports, tuple(dict.fromkeys([*constants, *known.constants, *other.constants])))


def reading(source: TextTable, file: Path) -> str:
    """The line that reads a table, its cells as they are written."""
    if file.suffix.lower() == ".parquet":
        return "    table = pd.read_parquet(path)"
    separator = source.separator or separator_of(file)
    options = {"dtype": "str", "keep_default_na": "False"}
    if separator != ",":
        options = {"sep": literal(separator), **options}
    if not source.quotes(separator):
        options["quoting"] = "3"
    if source.columns:
        options["names"] = literal([*source.columns])
    return call("table = pd.read_csv", ["path", *keywords(options)], indent=4)
