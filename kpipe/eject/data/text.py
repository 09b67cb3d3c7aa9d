"""Running text, cut into windows, as code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kpipe.data.preparation import running_text
from kpipe.data.text import Text
from kpipe.eject.data.preparation import texts
from kpipe.eject.section import Section, require_defaults
from kpipe.eject.words import assigned, path_of, place_of

if TYPE_CHECKING:
    from kpipe.data.splits import Splits

ONE = """with {open}({path}{mode}, encoding="utf-8-sig") as file:
    text = file.read()"""

SEVERAL = '''
def read(path):
    """A text, ended by a line feed."""
    with {open}(path{mode}, encoding="utf-8-sig") as file:
        text = file.read()
    return text if text.endswith("\\n") else text + "\\n"


text = "".join(map(read, FILES))'''

CUT = """text_train, text_validation = text[:TRAIN], text[TRAIN : TRAIN + VALIDATION]
text_test = text[TRAIN + VALIDATION :]
"""

WINDOWS = '''
def windows(text, stride=CONTEXT):
    """The tokens of each window, and those that follow them; a window begins ``stride`` tokens after the last one."""
    numbers = encode(text)
    begins = range(0, max(len(numbers) - 1 - CONTEXT, 0) + stride, stride)
    given = [numbers[:-1][begin : begin + CONTEXT] for begin in begins]
    return given, [numbers[begin + 1 : begin + 1 + CONTEXT] for begin in begins]


'''


def check(source: Text) -> None:
    """Raises: WrongInput: a setting cannot be written."""
    require_defaults(source, "data", ("path", "tokenizer", "context", "stride", "split", "batch_size"))


def write(source: Text, splits: Splits) -> Section:  # noqa: ARG001  # the same for whatever they hold
    """Lists ``x_train, ...`` of the tokens of windows, and ``y_train, ...`` of those that follow them."""
    files = running_text.files_of(source.path)
    parts = running_text.divide(running_text.read(files), source.split)
    packed = all(file.suffix.lower() == ".gz" for file in files)
    opening = {"open": "gzip.open" if packed else "open", "mode": ', "rt"' if packed else ""}
    reading = ONE.format(path=path_of(str(files[0])), **opening) if len(files) == 1 else SEVERAL.format(**opening)
    sizes = f"TRAIN, VALIDATION = {len(parts['train'])}, {len(parts['validation'])}  # characters; the rest is for test"
    constants = [f"CONTEXT = {source.context}  # tokens of a window", sizes]
    if len(files) > 1:
        constants.append(assigned("FILES", [place_of(str(file)) for file in files]))
    known = texts.vocabulary(source.tokenizer, "text_train.splitlines(keepends=True)")
    between = "\n\n" if known.code.lstrip("\n").startswith("def ") else "\n"
    stride = "" if source.stride in (None, source.context) else ", STRIDE"
    constants += [f"STRIDE = {source.stride}  # from one window of train to the next"] * bool(stride)
    taken = [f"x_{name}, y_{name} = windows(text_{name}{stride * (name == 'train')})" for name in parts]
    code = f"{reading}\n{CUT}{between}{known.code.strip()}\n\n{WINDOWS}" + "\n".join(taken)
    imports = (*known.imports, *(["import gzip"] * packed))
    return Section(code, imports, (*constants, *known.constants))
