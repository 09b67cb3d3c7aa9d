"""Runs the scripts of a folder where kpipe cannot be imported, and writes down beside each what it came to."""

import json
import runpy
import sys
from pathlib import Path

import keras

sys.modules["kpipe"] = None  # Python's own way to make an import fail
for script in sorted(Path(sys.argv[1]).glob("*.py")):
    keras.backend.clear_session()  # layers without a name are numbered as in a new process
    found = runpy.run_path(str(script))
    numbers = {name: [float(one) for one in values] for name, values in found["history"].history.items()}
    record = {"history": numbers, "metrics": {name: float(value) for name, value in found["metrics"].items()}}
    record["written"] = found.get("written")
    script.with_suffix(".json").write_text(json.dumps(record), encoding="utf-8")
