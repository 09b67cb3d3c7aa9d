from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HEAVY = ("keras", "tensorflow", "jax", "torch", "mlflow", "matplotlib", "sklearn", "pandas", "numpy", "scipy", "PIL")

CHECK = """
import sys
from kpipe.listing import listing
from kpipe.pipeline import Pipeline
from kpipe.spec.check import checked
from kpipe.spec.document import read
from kpipe.errors import SpecError
checked(Pipeline, read(sys.argv[1]))
try:
    checked(Pipeline, read(sys.argv[1], ["model.filtres=[8]", "train.optimizer.Adm.lr=1"]))
except SpecError as error:
    assert len(error.mistakes) == 2
listing("optimizers")
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_checking_a_file_imports_nothing_heavy(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("name: x\ndata: {type: sklearn, dataset: digits}\nmodel: cnn\ntrain: fit\n", encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", CHECK, path], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()).isdisjoint(HEAVY)
