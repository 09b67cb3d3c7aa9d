"""How long the quick commands take: whole processes, medians, beside `python -c pass` measured in the same run.

    python benchmarks/startup.py [--times 15]

Aims on an idle machine: `kpipe --help` under 0.3 s, `kpipe check` under 0.5 s.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KPIPE = [sys.executable, "-c", "from kpipe.cli import main; main()"]
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "kpipe --help": [*KPIPE, "--help"],
    "kpipe check": [*KPIPE, "check", "pipelines/cnn_gap.yaml"],
    "kpipe list": [*KPIPE, "list"],
}


def seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--times", type=int, default=15)
    times = parser.parse_args().times
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(times):
        for name, command in COMMANDS.items():
            taken[name].append(seconds(command))
    for name, values in taken.items():
        print(f"{name:<16} {statistics.median(values):.2f} s   (best {min(values):.2f}, worst {max(values):.2f})")


if __name__ == "__main__":
    main()
