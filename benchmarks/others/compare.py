"""The same network, data and epochs with kpipe and other tools: what is written, waited for, and read after a typo.

    python benchmarks/others/compare.py [TOOL ...] [--environments FOLDER] [--times 3]

Each tool gets a virtual environment of its own, with the versions of its requirements.txt, and one thread. Every
measured command is a fresh process; of several, the shortest counts. Seconds are the processor's, of the process and
all that it waited for, and in brackets the clock's, which other programs on the machine make longer. Prints a Markdown
table, and under it what each tool answers to a typo. A tool that cannot be installed, or breaks, has its error in its
row.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tools import TOOLS, Tool

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
HEAD = (
    "| | lines to write | start-up, s | whole work, s | test accuracy | a typo: lines of answer, s | start-up, work |",
    "|---|---|---|---|---|---|---|",
)
LIMIT = 900


class Broken(Exception):
    """A tool cannot be installed, or its command fails: the last line that it printed."""


@dataclass(frozen=True)
class Taken:
    """One process: its seconds by the clock and of the processor, its exit code, what it printed."""

    clock: float
    processor: float
    code: int
    printed: str


def taken(command: str, folder: Path, environment: Path) -> Taken:
    """Runs a command in a folder, in a virtual environment."""
    variables = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "KERAS_BACKEND")}
    variables |= dict.fromkeys(THREADS, "1") | {
        "PATH": f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "80",
    }
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            ["timeout", str(LIMIT), "bash", "-c", command],
            cwd=folder,
            env=variables,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        clock = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        return Taken(clock, usage.ru_utime + usage.ru_stime, process.returncode, output.read())


def shortest(command: str, folder: Path, environment: Path, times: int) -> tuple[str, str]:
    """Seconds of the processor and, in brackets, of the clock, each the shortest; and what the last process printed."""
    runs = [taken(command, folder, environment) for _ in range(times)]
    for run in runs:
        if run.code:
            raise Broken(f"{command}: {last_line(run.printed)}")
    return f"{min(run.processor for run in runs):.1f} ({min(run.clock for run in runs):.1f})", runs[-1].printed


def last_line(printed: str) -> str:
    return next((line.strip() for line in reversed(printed.splitlines()) if line.strip()), "nothing was printed")


def lines_to_write(files: list[Path]) -> int:
    """Lines that are neither empty nor a comment."""
    lines = [line.strip() for file in files for line in file.read_text().splitlines()]
    return sum(bool(line) and not line.startswith("#") for line in lines)


def installed(tool: Tool, folder: Path, environment: Path) -> str:
    """Sets the environment up where it is not yet, and says the tool's version."""
    python = environment / "bin" / "python"
    done = environment / "installed"
    requirements = folder / "requirements.txt"
    if not done.is_file() or done.read_text() != requirements.read_text():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(environment)], check=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--requirement", str(requirements)]
        answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if answer.returncode:
            errors = [line for line in answer.stderr.splitlines() if line.startswith("ERROR")]
            raise Broken(f"cannot be installed: {errors[0] if errors else last_line(answer.stderr)}")
        if tool.unwanted:
            for place in environment.glob(f"lib/python*/site-packages/{tool.unwanted}"):
                shutil.rmtree(place)
        shutil.copy(requirements, done)
    say = f"import importlib.metadata as m; print(m.version({tool.package!r}))"
    return subprocess.run([python, "-c", say], capture_output=True, text=True, check=True).stdout.strip()


def misspelt(tool: Tool, folder: Path, environment: Path) -> tuple[str, str]:
    """What a field's name without its last letter costs, and the line that tells of it."""
    for name in tool.written:
        file = folder / Path(name).name
        text = file.read_text()
        changed = re.sub(rf"\b{tool.typo}\b(?= ?[:=])", tool.typo[:-1], text, count=1)
        if changed != text:
            break
    else:
        raise ValueError(f"{tool.name}: no field {tool.typo} in {tool.written}")
    file.write_text(changed)
    try:
        answer = taken(tool.work, folder, environment)
    finally:
        file.write_text(text)
    if not answer.code:
        return f"none: it trains ({answer.processor:.1f})", "exit code 0"
    lines = [line.strip() for line in answer.printed.splitlines() if line.strip()]
    named = [line for line in lines if re.search(rf"(\b|_){tool.typo[:-1]}\b", line) and "rror" in line]
    told = named[0] if named else f"the field is not named; last line: {lines[-1]}"
    return f"{len(lines):,} ({answer.processor:.1f})", told


def row(tool: Tool, environments: Path, key: str, times: int) -> tuple[str, str]:
    """The tool's row of the table, and what it says of a typo."""
    source = HERE / key
    written = [(source / name).resolve() for name in tool.written]
    begin = f"| {tool.name}"
    try:
        environment = environments / key
        begin += f" {installed(tool, source, environment)} | {lines_to_write(written)} |"
        folder = environments / "work" / key
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(environments / "data", folder)
        for file in (*written, *(source / name for name in tool.others)):
            shutil.copy(file, folder)
        start, _ = shortest(tool.help, folder, environment, times)
        work, printed = shortest(tool.work, folder, environment, times)
        accuracies = re.findall(tool.accuracy, printed, re.MULTILINE)
        if not accuracies:
            raise Broken(f"{tool.work}: no accuracy in what it printed")
        typo, told = misspelt(tool, folder, environment)
    except Broken as error:
        return f"{begin} {error} |", "-"
    return f"{begin} {start} | {work} | {float(accuracies[-1]):.4f} | {typo} | `{tool.help}`, `{tool.work}` |", told


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("tools", nargs="*", metavar="TOOL", help=", ".join(TOOLS))
    parser.add_argument("--environments", type=Path, default=ROOT / "build" / "others")
    parser.add_argument("--times", type=int, default=3)
    arguments = parser.parse_args()
    if unknown := set(arguments.tools) - set(TOOLS):
        parser.error(f"no such tool: {', '.join(sorted(unknown))}; there are {', '.join(TOOLS)}")
    environments = arguments.environments.resolve()
    subprocess.run([sys.executable, str(HERE / "data.py"), str(environments / "data")], check=True)
    print(*HEAD, sep="\n", flush=True)
    answers = {}
    for key in arguments.tools or TOOLS:
        line, answers[TOOLS[key].name] = row(TOOLS[key], environments, key, arguments.times)
        print(line, flush=True)
    print()
    for name, told in answers.items():
        print(f"- {name}: `{told}`")


if __name__ == "__main__":
    main()
