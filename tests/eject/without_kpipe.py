"""Runs a script where kpipe cannot be imported, and writes down what it came to: SCRIPT, then RESULT."""

import json
import runpy
import sys
from pathlib import Path

sys.modules["kpipe"] = None  # Python's own way to make an import fail
found = runpy.run_path(sys.argv[1])
numbers = {name: [float(one) for one in values] for name, values in found["history"].history.items()}
record = {"history": numbers, "metrics": {name: float(value) for name, value in found["metrics"].items()}}
Path(sys.argv[2]).write_text(json.dumps(record), encoding="utf-8")
