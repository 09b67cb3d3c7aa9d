"""Packaging: a run's data sets and saved model in MLflow's form, made from files, without Keras or an engine."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kpipe.version
from kpipe.tracking.limits import MAX_DIGEST
from kpipe.version import __version__

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput, LoggedModel
    from mlflow.models import ModelSignature
    from mlflow.types import Schema

PACKAGES = ("keras", "numpy", "pandas", "pillow", "pydantic", "pyyaml", "scikit-learn", "tokenizers")


def dataset_input(data: Mapping[str, Any]) -> DatasetInput:
    """A split as MLflow has it, from the journal's words for it (see Journal.dataset)."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    profile = data["profile"]
    # MLflow takes two data sets of one name and digest for the same one, so the split is part of the name
    dataset = Dataset(
        name=f"{data['name']} {data['context']}"[:500],
        digest=data["digest"][:MAX_DIGEST],
        source_type="code",
        source=json.dumps({"tags": {"mlflow.source.name": data["origin"]}}),
        schema=dataset_schema(profile),
        profile=json.dumps({"num_rows": profile["examples"], **profile, "names": profile["names"][:100]}),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", data["context"])])


def dataset_schema(profile: Mapping[str, Any]) -> str:
    """The schema of a data set in MLflow's words: features and targets as tensors, -1 for the number of examples."""
    features = [tensor(name, dtype, shape) for name, (shape, dtype) in profile["inputs"].items()]
    shape, dtype = profile["targets"]
    targets = [tensor("target", dtype, shape)]
    return json.dumps({"mlflow_tensorspec": {"features": json.dumps(features), "targets": json.dumps(targets)}})


def tensor(name: str, dtype: str, shape: list[int]) -> dict[str, Any]:
    return {"type": "tensor", "name": name, "tensor-spec": {"dtype": dtype, "shape": [-1, *shape]}}


@contextmanager
def packaged(model: Path, logged: LoggedModel, run_id: str) -> Iterator[Path]:
    """A folder, there for a while, that MLflow loads and serves: kpipe.serving rebuilds the model from its files.

    kpipe itself stands in it, so that a fresh environment of ``mlflow models serve`` has it.
    """
    import mlflow.pyfunc
    from mlflow.models import Model

    schema = json.loads((model / "schema.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="kpipe-") as place:
        folder = Path(place) / "model"
        mlflow.pyfunc.save_model(
            folder,
            loader_module="kpipe.serving",
            data_path=str(model),
            code_paths=[str(Path(kpipe.version.__file__).parent)],
            mlflow_model=Model(
                artifact_path=logged.artifact_location,
                model_uuid=logged.model_id,
                run_id=run_id,
                model_id=logged.model_id,
            ),
            signature=signature_of(schema),
            input_example=example_of(schema),
            pip_requirements=requirements(schema["backend"]),
            metadata={"kpipe": __version__, "backend": schema["backend"]},
        )
        yield folder


def requirements(backend: str) -> list[str]:
    """The packages that the model needs, at the versions here."""
    found = []
    for name in (*PACKAGES, backend):
        try:
            found.append(f"{name}=={version(name).split('+')[0]}")
        except PackageNotFoundError:
            continue
    return found


def signature_of(schema: Mapping[str, Any]) -> ModelSignature:
    """MLflow's signature: one tensor of raw examples, or a table's columns; out comes a table."""
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec

    def columns(described: list[dict[str, str]]) -> Schema:
        return Schema([ColSpec(column["type"], column["name"]) for column in described])

    given = schema["input"]
    if "columns" in given:
        inputs = columns(given["columns"])
    else:
        inputs = Schema([TensorSpec(np.dtype(given["dtype"]), (-1, *given["shape"]))])
    return ModelSignature(inputs=inputs, outputs=columns(schema["output"]))


def example_of(schema: Mapping[str, Any]) -> Any:
    """The raw input that stands beside the model as an example."""
    import numpy as np
    import pandas as pd

    given = schema["input"]
    if "columns" in given:
        return pd.DataFrame(given["example"], columns=[column["name"] for column in given["columns"]])
    return np.asarray(given["example"], given["dtype"])
