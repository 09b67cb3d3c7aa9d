"""What a comparison says of runs as they lie on disk."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from scipy.stats import t

from kpipe import finding, runs
from kpipe.compare.page import file_name, render, write_page
from kpipe.compare.rows import Section, sections
from kpipe.compare.sides import chosen, named
from kpipe.compare.table import parts, print_comparison
from kpipe.errors import RunNotFound, WrongInput
from kpipe.groups import Group
from kpipe.runs import Run

Make = Callable[..., Run]
MakeGroup = Callable[..., Group]


def told(root: Path, *names: str) -> dict[str, Section]:
    return {section.title: section for section in sections(chosen(root, names))}


def cells(section: Section) -> dict[str, tuple[str, ...]]:
    return {row.name: row.cells for row in section.rows}


def test_two_runs(root: Path, make: Make) -> None:
    one, other = make(accuracy=0.91), make("model.dropout=0.2", accuracy=0.95, backend="torch")
    found = told(root, one.name, other.name)
    assert cells(found[""]) == {"status": ("finished", "finished")}
    assert cells(found["pipeline"]) == {"model.dropout": ("0.0", "0.2")}
    assert cells(found["environment"]) == {"backend": ("jax", "torch")}
    assert cells(found["test"]) == {
        "accuracy": ("0.9100", "0.9500"),
        "loss": ("0.0900", "0.0500"),
        "f1/7": ("0.9100", "0.9500"),
    }
    assert (found["data"].rows, found["data"].note) == ((), "the same")


def test_means_have_the_intervals_of_students_t(root: Path, make: Make, make_group: MakeGroup) -> None:
    group, single = make_group([0.90, 0.92, 0.94]), make(accuracy=0.95)
    found = told(root, group.name, single.name)
    half = t.ppf(0.975, 2) * 0.02 / 3**0.5
    assert cells(found["test"])["accuracy"] == (f"0.9200 +/- {half:.4f}", "0.9500")
    assert cells(found[""])["seeds"] == ("0 to 2", "0")
    assert found["pipeline"].note == "the same"
    assert found["test"].note == "", "one seed in common is too few to tell"


def test_groups_are_compared_seed_by_seed(root: Path, make_group: MakeGroup) -> None:
    first, second = make_group([0.90, 0.93, 0.91]), make_group([0.92, 0.95, 0.93], "model.dropout=0.1")
    note = told(root, first.name, second.name)["test"].note
    assert note.startswith(f"accuracy: {first.name} against {second.name} over 3 seeds: 0.9133 +/- ")
    assert note.endswith(f"{second.name} is better, by 0.0200 +/- 0.0000")
    third = make_group([0.95, 0.90, 0.92], "model.dropout=0.3")
    assert told(root, first.name, third.name)["test"].note.endswith("not distinguishable")


def test_a_seed_that_failed_is_counted_out(root: Path, make_group: MakeGroup) -> None:
    group = make_group([0.90, 0.92, 0.94])
    broken = group.runs[1]
    broken.journal.write_text(
        "".join(line for line in broken.journal.read_text().splitlines(True) if "test/" not in line)
    )
    assert cells(told(root, group.name)["test"])["accuracy"][0].endswith("(of 2)")


def test_other_data_are_told(root: Path, make: Make) -> None:
    same, other = make(), make(data="b" * 64)
    found = told(root, same.name, other.name)["data"]
    assert cells(found) == {"fingerprint, seed 0": ("a" * 12, "b" * 12)}
    assert found.note == "the data differ: the metrics are not of the same examples"
    seeded = make("seed=1")
    assert "cannot be told" in told(root, same.name, seeded.name)["data"].note


def test_expectations_are_told(root: Path, make: Make, make_group: MakeGroup) -> None:
    met, missed = make(expected="met"), make_group([0.8, 0.9], expected="1 of 1 not met: ...")
    assert cells(told(root, met.name, missed.name)[""])["expected"] == ("met", "not met with seed 0, 1")


def test_an_experiment_gathers_groups_and_single_runs(root: Path, make: Make, make_group: MakeGroup) -> None:
    single, group = make(), make_group([0.9, 0.91])
    assert [side.name for side in chosen(root, (), "digits")] == [single.name, group.name]
    with pytest.raises(RunNotFound, match="did you mean `digits`"):
        chosen(root, (), "digit")
    with pytest.raises(WrongInput, match="nothing to compare"):
        chosen(root, ())


def test_a_side_named_twice_is_one(root: Path, make: Make) -> None:
    run = make()
    assert len(chosen(root, (run.name, "last"))) == 1


def test_a_file_and_a_run_can_be_named(root: Path, make: Make, make_group: MakeGroup) -> None:
    run, group = make("model.dropout=0.2"), make_group([0.9, 0.9])
    name, whole = named(root, str(run.folder / "resolved.yaml"))
    assert named(root, run.name) == (run.name, whole)
    assert named(root, group.name)[1].whole["seed"] == 0
    assert name.endswith("resolved.yaml")
    with pytest.raises(RunNotFound, match="nobody: no such file, and no run `nobody`"):
        named(root, "nobody")


def test_the_terminal_shows_as_many_columns_as_find_room(root: Path, make: Make) -> None:
    names = [make(f"model.dropout=0.{digit}").name for digit in range(1, 6)]
    sides = chosen(root, names)
    shown = Console(file=StringIO(), width=70)
    print_comparison([side.name for side in sides], sections(sides), shown)
    assert isinstance(shown.file, StringIO)
    text = shown.file.getvalue()
    assert max(map(len, text.splitlines())) <= 70
    assert all(name in text for name in names)
    assert "f1/7" not in text, "single classes are for the page"
    assert list(parts([10, 10, 10], 25)) == [[0, 1], [2]]
    assert list(parts([100], 25)) == [[0]]


def test_the_page_needs_no_other_file(root: Path, make: Make, make_group: MakeGroup) -> None:
    group, single = make_group([0.90, 0.92]), make("model.dropout=0.2", "name=a-b")
    html = render(chosen(root, (group.name, single.name)))
    assert html.count("data:image/png;base64,") == 3, "two losses and the learning rate"
    assert 'src="http' not in html
    assert "href" not in html
    for text in ("model.dropout", "means with 95 % intervals", "seed by seed", "f1/7", group.name, single.name):
        assert text in html
    alone = render(chosen(root, (single.name,)))
    assert "What differs" not in alone


def test_what_runs_say_is_text_and_never_markup(root: Path, make: Make) -> None:
    html = render(chosen(root, (make(device="<script>alert(1)</script>").name, make().name)))
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_a_group_that_is_not_whole_says_so_and_a_misspelt_one_is_named(root: Path, make_group: MakeGroup) -> None:
    group = make_group([0.90, 0.92])
    group.write(group.plan.model_copy(update={"count": 5}))
    assert cells(told(root, group.name)[""])["seeds"] == ("0, 1 of 5",)
    with pytest.raises(RunNotFound) as error:
        chosen(root, (f"{group.name[:-1]}x",))
    assert error.value.hint == f"did you mean `{group.name}`?"


def test_a_page_takes_no_pipelines_place(root: Path, make: Make, tmp_path: Path) -> None:
    sides = chosen(root, (make().name,))
    file = tmp_path / "iris.yaml"
    file.write_text("name: iris", encoding="utf-8")
    with pytest.raises(WrongInput, match="exists already"):
        write_page(root, sides, file)
    assert file.read_text(encoding="utf-8") == "name: iris"
    for _ in range(2):
        assert write_page(root, sides, tmp_path / "page.html").stat().st_size > 1000


def test_pages_of_many_sides_have_short_names() -> None:
    assert file_name(["amber-ox-1", "calm-fox-9/07"]) == "amber-ox-1-calm-fox-9-07.html"
    assert file_name(["a", "b", "c", "d", "e"]) == "a-b-c-2-more.html"


def test_what_a_run_does_not_say_is_no_difference(root: Path, make: Make) -> None:
    """A trial says less of itself than a run; but a package that one lacks is not installed there."""
    whole, silent = make(), make()
    silent.journal.write_text(
        "".join(line for line in silent.journal.read_text().splitlines(True) if "tags" not in line)
    )
    (silent.artifacts / "environment.txt").write_text("# Python 3.11.2, Linux\nnumpy==2.0\n")
    found = told(root, whole.name, silent.name)["environment"]
    assert cells(found) == {"package zict": ("1.0", "–")}


def test_a_trial_has_the_environment_of_its_search(root: Path, make: Make) -> None:
    search = make(device="gpu x 1")
    search.update(kind="search")
    trial = runs.create_trial(search, "00")
    (trial.folder / "resolved.yaml").write_text((search.folder / "resolved.yaml").read_text())
    trial.journal.write_text("")
    (side,) = chosen(root, [f"{search.name}/00"])
    assert {"device": "gpu x 1", "machine": "Linux", "package zict": "1.0"}.items() <= side.runs[0].environment.items()


def test_a_group_is_not_a_run(root: Path, make_group: MakeGroup) -> None:
    group = make_group([0.9, 0.91])
    with pytest.raises(RunNotFound, match="is a group of runs\nname one of them: "):
        finding.find(root, group.name)
