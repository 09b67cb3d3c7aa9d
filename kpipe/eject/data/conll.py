"""Sentences of CoNLL files with tags as code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kpipe.data.conll import Conll
from kpipe.eject.data.preparation import rows, texts
from kpipe.eject.section import Section, require_defaults
from kpipe.eject.words import assigned, path_of

if TYPE_CHECKING:
    from kpipe.data.splits import Splits

READ = '''
def read(path):
    """The words of each sentence, and the numbers of their tags."""
    with open(path, encoding="utf-8-sig") as file:
        sentences = re.split(r"\\n\\s*\\n", file.read())
    found = [[cells for line in sentence.splitlines() if (cells := cells_of(line))] for sentence in sentences]
    words = [[cells[{token}] for cells in sentence] for sentence in found if sentence]
    return words, [[CLASSES.index(cells[{tag}]) for cells in sentence] for sentence in found if sentence]


def cells_of(line):
    """The columns of a line; none of comments, of ranges of words, and of words that are not written."""
    cells = line.split("\\t") if "\\t" in line else line.split()
    return [] if {left_out} else cells


'''


def check(source: Conll) -> None:
    """Raises: WrongInput: a setting cannot be written."""
    used = ("path", "files", "token_column", "tag_column", "lowercase", "min_count", "max_size", "max_length")
    require_defaults(source, "data", (*used, "split", "batch_size"))


def write(source: Conll, splits: Splits) -> Section:
    """Lists ``x_train, ...`` of the numbers of words, and ``y_train, ...`` of those of tags. Raises: WrongInput."""
    rows.require_each_class(splits)
    beginning = 'not cells or line.startswith("#") or cells[0] == "-DOCSTART-"'
    numbered = " or not cells[0].isdigit()" if source.token_column > 1 else ""
    read = READ.format(token=source.token_column - 1, tag=source.tag_column - 1, left_out=beginning + numbered)
    lines = [read.rstrip("\n") + "\n\n"]
    constants = [assigned("CLASSES", splits.signature.target.names)]
    lacking = [name for name in rows.BOTH if name not in source.given]
    cut_at = "" if source.max_length is None else f"[:{source.max_length}]"
    for name, file in source.given.items():
        part = "sentences, tags" if name == "train" and lacking else f"words_{name}, tags_{name}"
        lines.append(f"{part} = read({path_of(str(file))})")
    if lacking:
        cut = rows.cut(splits, False, "len(sentences)", lacking)
        lines += ["", cut.code, ""]
        for name in ("train", *lacking):
            lines.append(
                f"words_{name}, tags_{name} = [sentences[row] for row in {name}], [tags[row] for row in {name}]"
            )
        constants += cut.constants
    known = texts.vocabulary(source.words, "words_train", source.max_length, split=False)
    lines += ["", known.code, ""]
    for part, _ in splits:
        lines.append(f"x_{part} = [encode(sentence) for sentence in words_{part}]")
        lines.append(f'y_{part} = [np.array(sentence{cut_at}, "int32") for sentence in tags_{part}]')
    return Section("\n".join(lines), ("import re", *known.imports), (*constants, *known.constants))
