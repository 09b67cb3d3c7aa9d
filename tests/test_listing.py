from __future__ import annotations

import pytest

from kpipe.errors import WrongInput
from kpipe.listing import listing, sections


def test_every_component_has_a_line() -> None:
    for title, entries in listing().items():
        assert entries, title
        for name, description in entries.items():
            assert description, (title, name)
            assert max(map(len, description.splitlines())) < 160, (title, name)


@pytest.mark.parametrize("section", sections())
def test_every_section_lists_something(section: str) -> None:
    for title, entries in listing(section).items():
        assert section in title
        assert entries


def test_what_is_known() -> None:
    assert "cnn" in listing("models")["models"]
    assert listing("optimizers")["Keras optimizers"]["AdamW"] == "Optimizer that implements the AdamW algorithm."
    assert listing("tuning")["tuning"].keys() == {"bayesian", "grid", "hyperband", "random"}
    assert set(listing("metrics")) == {"metrics", "Keras metrics"}


def test_an_unknown_section() -> None:
    with pytest.raises(WrongInput, match="no section `model`") as raised:
        listing("model")
    assert raised.value.hint.startswith("did you mean `models`? one of: data, models")
