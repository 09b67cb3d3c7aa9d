"""kpipe show: what would be built, in print, without training."""

from __future__ import annotations

import textwrap

from rich.console import Console
from rich.table import Table

from kpipe.layer_words import shape_words
from kpipe.plan import Plan, SplitPlan, plan
from kpipe.signature import Signature, Target

__all__ = ["Plan", "plan", "render"]

MOST_CLASSES = 12
"""Up to here each class is listed with its number of examples."""

ROOM_FOR_NAMES = 110
"""Columns from which the layers' names are shown beside what they are."""


def render(plan: Plan, console: Console, full: bool = False) -> None:
    """Prints a plan; with ``full``, the effective YAML with every default too."""
    target = plan.signature.target
    console.print(
        f"{plan.name}   task: {task_words(target)}   "
        f"backend: {plan.backend}, {plan.device}, {plan.precision}   seed: {plan.seed}\n"
    )
    print_data(plan, console)
    console.print(layer_table(plan, names=console.width >= ROOM_FOR_NAMES))
    print_totals(plan, console)
    for number, stage in enumerate(plan.stages, start=1):
        print_beside("train" if number == 1 else "", stage, console)
    for number, words in enumerate(plan.engine, start=1):
        print_beside("engine" if number == 1 else "", words, console)
    if full:
        console.print(f"\n# with every default\n{plan.yaml.rstrip()}", soft_wrap=True)


def print_data(plan: Plan, console: Console) -> None:
    counted = plan.signature.given or plan.signature.target
    print_beside("data", f"{plan.origin}   {signature_words(plan.signature)}", console)
    for split in plan.splits:
        words = f"{split.name:<10} {split.examples:>8,}   {balance_words(split, counted)}"
        print_beside("", words, console, indent=22)
    for fact in plan.facts:
        print_beside("", fact, console, indent=4)
    if plan.skipped:
        print_beside("", f"skipped: {len(plan.skipped):,} ({', '.join(plan.skipped[:3])} ...)", console)
    console.print()


def signature_words(signature: Signature) -> str:
    """``image (8, 8, 1) uint8 -> target: class 0..9``."""
    inputs = ", ".join(f"{feature.name} {shape_words(feature.shape)} {feature.dtype}" for feature in signature.inputs)
    return f"{inputs} -> {signature.target.name}: {target_words(signature.target)}"


def task_words(target: Target) -> str:
    """``classes (10)``, ``text (43 tokens)``, ``forecast (96 steps of 7)``."""
    if target.task == "forecast":
        return f"forecast ({target.horizon} steps of {target.size})"
    return f"{target.task} ({target.size:,}{' tokens' if target.vocabulary else ''})"


def target_words(target: Target) -> str:
    """``class 0..9``, ``values load, heat, 24 steps``, ``text of 43 tokens``, ``the input again``."""
    if target.vocabulary is not None:
        return f"{'text' if target.task == 'text' else 'the next token'}, one of {target.size:,} tokens each step"
    names = target.names
    few = ", ".join(names) if len(names) <= 3 else f"{names[0]}..{names[-1]}"
    values = "values" if len(names) > 1 else "value"
    if target.task == "reconstruction":
        return "the input again"
    if target.task == "forecast":
        return f"{values} {few}, the next {target.horizon} steps"
    return {"classes": "class", "labels": "labels", "values": values, "tags": "tags"}[target.task] + f" {few}"


def balance_words(split: SplitPlan, target: Target) -> str:
    """``0:125  1:128``; of many classes the rarest and the commonest; of values their means."""
    if target.task in ("values", "forecast"):
        return "   ".join(f"{name}: mean {mean:.4g}" for name, mean in split.balance[:MOST_CLASSES])
    if len(split.balance) <= MOST_CLASSES:
        return "  ".join(f"{name}:{number:,.0f}" for name, number in split.balance)
    least, most = (choose(split.balance, key=lambda item: item[1]) for choose in (min, max))
    return f"{least[1]:,.0f} ({least[0]}) to {most[1]:,.0f} ({most[0]}) of each"


def layer_table(plan: Plan, names: bool) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    if names:
        table.add_column("name", no_wrap=True)
    table.add_column("layer")
    table.add_column("output", no_wrap=True)
    slides = any(layer.arithmetic for layer in plan.layers)
    if slides:
        table.add_column("arithmetic")
    table.add_column("parameters", justify="right", no_wrap=True)
    for layer in plan.layers:
        row = [layer.name] if names else []
        row += [layer.words, shape_words(layer.output)] + [layer.arithmetic] * slides + [f"{layer.parameters:,}"]
        table.add_row(*row)
    return table


def print_totals(plan: Plan, console: Console) -> None:
    memory = plan.memory
    fixed = plan.parameters - plan.trainable_parameters
    console.print(
        f"total {plan.parameters:,} parameters ({megabytes(memory.weights)})"
        + (f", {fixed:,} of them not trained" if fixed else "")
    )
    print_beside(
        "memory",
        f"weights {megabytes(memory.weights)} + gradients {megabytes(memory.gradients)} "
        f"+ {plan.optimizer or 'optimizer'} {megabytes(memory.optimizer)} "
        f"+ activations at batch {plan.batch_size:,}: {megabytes(memory.activations)} = {megabytes(memory.total)}",
        console,
    )


def megabytes(count: int) -> str:
    """``0.4 MB``, ``1,234 MB``: a megabyte is 1,000,000 bytes."""
    size = count / 1e6
    return f"{size:,.0f} MB" if size >= 100 else f"{size:.2g} MB" if size < 1 else f"{size:.1f} MB"


def print_beside(word: str, text: str, console: Console, indent: int = 0) -> None:
    """A word in the margin, and text that wraps beside it, its further lines indented."""
    margin = f"{word:<6} "
    room = max(console.width - len(margin), 20)
    for line in textwrap.wrap(text, room, subsequent_indent=" " * indent, break_on_hyphens=False):
        console.print(margin + line)
        margin = " " * len(margin)
