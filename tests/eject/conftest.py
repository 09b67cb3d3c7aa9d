"""Small files that pipelines read their data from, and these pipelines."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

MLP = {"model": {"type": "mlp", "units": [8]}, "train": {"type": "fit", "epochs": 2}}
CNN = {"model": {"type": "cnn", "filters": [4], "normalization": "none"}, "train": {"type": "fit", "epochs": 1}}


def npz_of_words(folder: Path, generator: np.random.Generator) -> dict[str, Any]:
    """Vectors with classes as words, and splits of their own but validation."""
    sizes = {"train": 60, "test": 20}
    arrays = {f"x_{name}": generator.normal(size=(size, 5)) for name, size in sizes.items()}
    words = {f"y_{name}": np.array(["wren", "owl", "tit"])[np.arange(size) % 3] for name, size in sizes.items()}
    np.savez(folder / "birds.npz", **arrays, **words)
    return {"data": {"type": "npz", "path": str(folder / "birds.npz")}, **MLP}


def npz_of_images(folder: Path, generator: np.random.Generator) -> dict[str, Any]:
    """Grey images in one array, their classes as whole numbers."""
    images = generator.integers(0, 256, (60, 8, 8), dtype=np.int64)
    np.savez(folder / "images.npz", x=images, y=np.arange(60) % 2)
    return {"data": {"type": "npz", "path": str(folder / "images.npz"), "classes": ["even", "odd"]}, **CNN}


def table_of_birds(folder: Path, generator: np.random.Generator) -> dict[str, Any]:
    """Numbers, some of them missing, words and categories of numbers; a column says what test is."""
    table = pd.DataFrame(
        {
            "mass": generator.normal(20, 5, 80).round(2),
            "island": np.array(["Bear", "Rum", "Eigg", None])[generator.integers(0, 4, 80)],
            "year": generator.integers(2008, 2012, 80),
            "species": np.array(["wren", "owl"])[np.arange(80) % 2],
            "part": np.where(np.arange(80) < 60, "train", "test"),
        }
    )
    table.loc[::7, "mass"] = None
    table.to_csv(folder / "birds.csv", index=False)
    data = {"type": "table", "path": str(folder / "birds.csv"), "target": "species", "missing": "median"}
    return {"data": {**data, "categorical": "year", "split": {"column": "part"}}, **MLP}


def table_of_values(folder: Path, generator: np.random.Generator) -> dict[str, Any]:
    """Numbers alone, in Parquet; rows that lack one are left out."""
    table = pd.DataFrame(generator.normal(size=(70, 3)), columns=["a", "b", "y"])
    table.loc[::9, "b"] = None
    table.to_parquet(folder / "values.parquet")
    data = {"type": "table", "path": str(folder / "values.parquet"), "target": "y", "missing": "drop"}
    return {"data": data, **MLP}


def table_of_several_values(folder: Path, generator: np.random.Generator) -> dict[str, Any]:
    """Two columns to be foretold from the others."""
    table = pd.DataFrame(generator.normal(size=(70, 4)), columns=["a", "b", "y", "z/1"])
    table.to_csv(folder / "several.csv", index=False)
    data = {"type": "table", "path": str(folder / "several.csv"), "target": ["y", "z/1"]}
    return {"data": data, **MLP}


def table_of_labels(folder: Path, generator: np.random.Generator) -> dict[str, Any]:
    """Answers of yes and no, learned as less sure ones."""
    table = pd.DataFrame(generator.normal(size=(80, 2)), columns=["a", "b"])
    table["sunny"], table["windy"] = generator.integers(0, 2, 80), generator.integers(0, 2, 80)
    table.to_csv(folder / "labels.csv", index=False)
    data = {"type": "table", "path": str(folder / "labels.csv"), "target": ["sunny", "windy"], "target_task": "labels"}
    return {"data": data, **MLP, "train": {**MLP["train"], "label_smoothing": 0.2}}


def folder_of_pictures(folder: Path, generator: np.random.Generator) -> dict[str, Any]:
    """Coloured pictures of two classes, of several sizes, and files that are none."""
    for index in range(50):
        file = folder / "pictures" / ("cat", "dog")[index % 2] / f"{index}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (9 + index % 3, 12, 3), dtype=np.uint8)).save(file)
    for name in ("half.jpg", "notes.txt"):
        (folder / "pictures" / "cat" / name).write_text("no picture", encoding="utf-8")
    data = {"type": "image_folder", "path": str(folder / "pictures"), "image_size": [8, 8], "on_error": "skip"}
    return {"data": data, **CNN}


WORDS = ("a", "bad", "good", "film", "plot", "the", "was", "so", "dull", "great", "and", "of", "long", "I'd")


def reviews(folder: Path, generator: np.random.Generator) -> dict[str, Any]:
    """Texts of words with classes, of several lengths; test has a file of its own."""
    for name, size in (("train", 150), ("test", 40)):
        texts = [" ".join(generator.choice(WORDS, generator.integers(9, 13))).capitalize() for _ in range(size)]
        labels = np.arange(size) % 2
        lines = [f"{text}.\t{label}" for text, label in zip(texts, labels, strict=True)]
        (folder / f"reviews_{name}.tsv").write_text("\n".join(lines), encoding="utf-8")
    files = {name: str(folder / f"reviews_{name}.tsv") for name in ("train", "test")}
    tokenizer = {"type": "words", "min_count": 2}
    data = {"type": "text_table", "files": files, "columns": ["text", "label"], "text": "text", "target": "label"}
    model = {"type": "rnn", "cell": "simple", "embedding": 6, "units": [5], "bidirectional": True, "dropout": 0.2}
    train = {"type": "fit", "epochs": 2, "optimizer": {"AdamW": {"learning_rate": 2e-3, "global_clipnorm": 1.0}}}
    return {"data": {**data, "tokenizer": tokenizer, "max_length": 8}, "model": model, "train": train}


def reviews_attended(folder: Path, generator: np.random.Generator) -> dict[str, Any]:
    """The same for a Transformer's encoder."""
    made = reviews(folder, generator)
    model = {"type": "transformer", "layers": 1, "width": 8, "num_heads": 2, "feed_forward": 8, "dropout": 0.1}
    return {**made, "model": {**model, "positions": "rotary", "norm": "post"}}


def translations(folder: Path, generator: np.random.Generator) -> dict[str, Any]:
    """Words to be written in capitals, from the last on."""
    texts = [list(generator.choice(["owl", "wren"], generator.choice([1, 3]))) for _ in range(96)]
    table = pd.DataFrame({"read": [" ".join(text) for text in texts]})
    table["written"] = [" ".join(text[::-1]).upper() for text in texts]
    table.to_csv(folder / "translations.csv", index=False)
    data = {
        "type": "text_table",
        "path": str(folder / "translations.csv"),
        "text": "read",
        "target_text": "written",
        "batch_size": 8,
    }
    tokenizers = {"tokenizer": {"type": "words"}, "target_tokenizer": {"type": "words", "lowercase": False}}
    model = {"type": "transformer", "layers": 1, "width": 8, "num_heads": 2, "feed_forward": 8, "dropout": 0.1}
    train = {"type": "fit", "epochs": 3, "optimizer": {"Adam": {"learning_rate": 0.02}}}
    return {"data": {**data, **tokenizers}, "model": model, "train": train}


def sentences(folder: Path, generator: np.random.Generator) -> dict[str, Any]:
    """Words with a tag each."""
    kinds = {"NOUN": ["owl", "wren", "tit"], "VERB": ["Sings", "flies"], "DET": ["the", "a"]}
    lines = []
    for _ in range(120):
        lines.append("# text")
        for place in range(1, generator.integers(3, 7)):
            tag = generator.choice(list(kinds))
            lines.append(f"{place}\t{generator.choice(kinds[tag])}\t_\t{tag}")
        lines.append("")
    (folder / "sentences.conllu").write_text("\n".join(lines), encoding="utf-8")
    model = {"type": "rnn", "cell": "gru", "embedding": 6, "units": [5], "dropout": 0.2}
    data = {"type": "conll", "path": str(folder / "sentences.conllu")}
    return {"data": data, "model": model, "train": {"type": "fit", "epochs": 2}}


def series(folder: Path, generator: np.random.Generator) -> dict[str, Any]:
    """Two of three columns to be forecast, from all in another order; some numbers are missing."""
    steps = np.arange(260)
    table = pd.DataFrame({name: np.sin(steps / place) for place, name in enumerate(["load", "wind", "sun"], start=2)})
    table += generator.normal(0, 0.1, table.shape)
    table.loc[5::17, "wind"] = None
    table.insert(0, "hour", steps)
    table.to_csv(folder / "series.csv", index=False)
    data = {"type": "time_series", "path": str(folder / "series.csv"), "time": "hour", "missing": "last"}
    data |= {"target": ["sun", "load"], "features": ["load", "wind", "sun"], "context": 8, "horizon": 3, "stride": 2}
    model = {"type": "rnn", "cell": "gru", "units": [5], "forecast": "changes", "pooling": "attention", "dropout": 0.2}
    return {"data": data, "model": model, "train": {"type": "fit", "epochs": 2}}


def entities(folder: Path, generator: np.random.Generator) -> dict[str, Any]:
    """Words that tags put together into entities."""
    told = [["owl B-bird", "bird E-bird"], ["tit S-bird"], ["Rum B-isle", "isle I-isle"], ["flies O"], ["sings O"]]
    lines = []
    for _ in range(100):
        for place in generator.integers(0, len(told), generator.integers(2, 5)):
            lines += told[place]
        lines.append("")
    (folder / "entities.conll").write_text("\n".join(lines), encoding="utf-8")
    model = {"type": "rnn", "cell": "gru", "embedding": 4, "units": [4]}
    train = {"type": "fit", "epochs": 2, "optimizer": {"Adam": {"learning_rate": 0.05}}}
    data = {"type": "conll", "path": str(folder / "entities.conll"), "token_column": 1, "tag_column": 2}
    return {"data": {**data, "batch_size": 8}, "model": model, "train": train}


def book_of(folder: Path, generator: np.random.Generator) -> list[str]:
    """Two files of running text."""
    files = [folder / "one.txt", folder / "two.txt"]
    for file in files:
        lines = [" ".join(generator.choice(["To", "be", "or", "not", "to", "be"], 5)) for _ in range(70)]
        file.write_text(".\n".join(lines), encoding="utf-8")
    return [str(file) for file in files]


def book(folder: Path, generator: np.random.Generator) -> dict[str, Any]:
    """Letters, of which the next one is learned; windows of train overlap."""
    data = {"type": "text", "path": book_of(folder, generator), "context": 12, "stride": 9}
    model = {"type": "rnn", "cell": "gru", "embedding": 6, "units": [8], "dropout": 0.1}
    decode = {"type": "sampling", "temperature": 0.9, "top_k": 9, "top_p": 0.95, "max_length": 9}
    return {"data": data, "model": model, "train": {"type": "fit", "epochs": 2}, "decode": decode}


def book_of_words(folder: Path, generator: np.random.Generator) -> dict[str, Any]:
    """Words, of which the next one is learned by a Transformer's decoder alone."""
    data = {"type": "text", "path": book_of(folder, generator), "context": 8, "tokenizer": "words", "batch_size": 16}
    model = {"type": "transformer", "layers": 1, "width": 8, "num_heads": 2, "feed_forward": 8, "dropout": 0.1}
    return {"data": data, "model": model, "train": {"type": "fit", "epochs": 2}}


def spellings(folder: Path, generator: np.random.Generator) -> dict[str, Any]:
    """Words and how they are said: variants of a word stay in one split, and a remark is taken out."""
    sounds = {"o": "OW0", "w": "W", "l": "L", "t": "T"}
    words = ["".join(generator.choice(list(sounds), generator.integers(1, 7))) for _ in range(150)]
    lines = [f"{word} {' '.join(sounds[letter] for letter in word)}" for word in words]
    lines += [f"{words[0]}(2) W L # a remark", f"{words[1]}(2) T"]
    (folder / "spellings.dict").write_text("\n".join(lines), encoding="utf-8")
    remove = {"word": r"\(\d+\)$", "sounds": "[012]| #.*"}
    file = {"path": str(folder / "spellings.dict"), "columns": ["word", "sounds"], "separator": " ", "remove": remove}
    written = {"target_text": "sounds", "target_tokenizer": {"type": "words", "split_on": "blanks", "lowercase": False}}
    data = {"type": "text_table", **file, "text": "word", **written, "tokenizer": "characters", "max_length": 5}
    model = {"type": "transformer", "layers": 1, "width": 8, "num_heads": 2, "feed_forward": 8, "positions": "rotary"}
    train = {"type": "fit", "epochs": 2, "steps_per_epoch": 14, "optimizer": {"Adam": {"learning_rate": 0.02}}}
    data |= {"batch_size": 16, "split": {"group": "word"}}
    return {"data": data, "model": model, "train": {**train, "label_smoothing": 0.1}}


def captions(folder: Path, generator: np.random.Generator) -> dict[str, Any]:
    """Texts in sub-words of two languages together, a packed file of each for each split."""
    of = {"the": "die", "owl": "Eule", "sees": "sieht", "eats": "isst", "an": "eine", "old": "alte"}
    files = {}
    for name, size in (("train", 90), ("test", 16)):
        texts = [" ".join(generator.choice(list(of), 4)) for _ in range(size)]
        sides = {"en": texts, "de": [" ".join(of[word] for word in text.split()) for text in texts]}
        files[name] = [str(folder / f"{name}.{side}.gz") for side in sides]
        for file, side in zip(files[name], sides.values(), strict=True):
            Path(file).write_bytes(gzip.compress("\n".join(side).encode()))
    data = {"type": "text_table", "files": files, "columns": ["en", "de"], "text": "en", "target_text": "de"}
    data |= {"tokenizer": {"type": "subwords", "vocabulary_size": 300}, "shared_vocabulary": True, "batch_size": 16}
    model = {"type": "transformer", "layers": 1, "width": 8, "num_heads": 2, "feed_forward": 8, "dropout": 0.1}
    schedule = {"type": "inverse_square_root", "warmup": 0.1}
    train = {"type": "fit", "epochs": 2, "optimizer": {"Adam": {"learning_rate": 0.05}}, "schedule": schedule}
    return {"data": data, "model": model, "train": train}


def weighed(folder: Path, generator: np.random.Generator) -> dict[str, Any]:
    """Texts whose classes count as often as each other; a column of a packed file names the splits."""
    rows = [{"text": " ".join(generator.choice(WORDS, 3)), "mark": "yn"[row % 5 // 3]} for row in range(90)]
    lines = [json.dumps({**row, "part": ["learn", "learn", "try"][place % 3]}) for place, row in enumerate(rows)]
    (folder / "marks.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    split = {"column": "part", "names": {"train": "learn", "test": "try"}}
    data = {"type": "text_table", "path": str(folder / "marks.jsonl.gz"), "target": "mark", "split": split}
    data |= {"tokenizer": {"type": "subwords", "vocabulary_size": 280, "algorithm": "unigram", "lowercase": True}}
    train = {"type": "fit", "epochs": 2, "class_weight": "balanced", "label_smoothing": 0.1, "steps_per_epoch": 5}
    train["optimizer"] = {"AdamW": {"learning_rate": 0.02, "use_ema": True, "ema_momentum": 0.8}}
    return {"data": data, "model": {"type": "rnn", "cell": "simple", "embedding": 4, "units": [4]}, "train": train}


MADE: Sequence[Callable[[Path, np.random.Generator], dict[str, Any]]] = (
    npz_of_words,
    npz_of_images,
    table_of_birds,
    table_of_values,
    table_of_several_values,
    table_of_labels,
    folder_of_pictures,
    reviews,
    reviews_attended,
    sentences,
    translations,
    series,
    entities,
    book,
    book_of_words,
    spellings,
    captions,
    weighed,
)


@pytest.fixture(scope="session")
def from_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The pipelines by name, their files written."""
    folder = tmp_path_factory.mktemp("files")
    return {made.__name__: {"name": made.__name__, **made(folder, np.random.default_rng(0))} for made in MADE}
