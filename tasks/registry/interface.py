"""What registered models take and give, as MLflow's signature says it, with an example."""

import base64
import io
from typing import Any

VERSION = "2"  # of columns, params and answers: another one makes a new version of the same weights
COLUMNS = {"clip": ("image", "path", "text"), "coca": ("image", "path"), "gpt": ("image", "path", "question")}


def signature(kind: str) -> Any:
    """The `ModelSignature` of a model of `kind`.

    Columns are of any type, because MLflow would make the text `None` of a missing question, and bytes of base64 that
    is none; `sar_models.served` judges the values as they were sent.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
    from mlflow.types.schema import AnyType, Array

    inputs = Schema([ColSpec(AnyType(), name, required=False) for name in COLUMNS[kind]])
    outputs = {
        "clip": [
            ColSpec(Array(DataType.double), "embedding", required=False),
            ColSpec(DataType.double, "similarity", required=False),
        ],
        "coca": [ColSpec(DataType.string, "caption")],
        "gpt": [ColSpec(DataType.string, "answer")],
    }
    params = ParamSchema(
        [
            ParamSpec("low", DataType.double, None),  # stored value shown black
            ParamSpec("high", DataType.double, None),  # stored value shown white
            ParamSpec("bands", DataType.long, [], shape=(-1,)),  # which bands of an image, from 0
        ]
    )
    return ModelSignature(inputs=inputs, outputs=Schema(outputs[kind]), params=params)


def example(kind: str) -> dict[str, list[str]]:
    """A request of one row that a model of `kind` answers: a grey ramp of 16 × 16 px."""
    import numpy as np
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(buffer, "PNG")
    row = {"image": [base64.b64encode(buffer.getvalue()).decode("ascii")]}
    return row | {"clip": {"text": ["two ships"]}, "coca": {}, "gpt": {"question": ["How many ships are there?"]}}[kind]
