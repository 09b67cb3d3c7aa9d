from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
from kpipe.spec.one_of import components
assert len(components("kpipe.data")) >= 5
heavy = {"numpy", "pandas", "PIL", "sklearn", "tensorflow", "tensorflow_datasets", "keras", "jax", "torch", "pyarrow"}
print(sorted(heavy & set(sys.modules)))
"""


def test_finding_the_sources_imports_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
