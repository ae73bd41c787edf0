"""Our models as MLflow loads and serves them. Saved as code beside the weights, never pickled.

captioner = mlflow.pyfunc.load_model("models:/sar-rs-coca@challenger")
captioner.predict([{"image": Path("harbor.png").read_bytes()}])      # [{"caption": "two ships lie in the …"}]

`mlflow models serve` serves the same (docs/serving.md). What is wrong with a request is answered by status 400 with the
reason. This file runs where only `sar_models` lies beside it.
"""

import json
import os
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import PythonModel, PythonModelContext

from sar_models import gpt_model, model, served
from sar_models.reading import Reading
from sar_models.settings import Answering, Decoding

ROOT = "SAR_TEXT_SERVE_ROOT"


class ServedModel(PythonModel):  # type: ignore[misc]  # mlflow ships no types
    """A SAR-RS-CLIP, SAR-RS-CoCa or SAR-GPT, whichever its weights are."""

    def load_context(self, context: PythonModelContext) -> None:
        """Raises `ValueError` when the weights do not load, or `SAR_TEXT_SERVE_ROOT` is no folder."""
        folder = Path(context.artifacts["weights"])
        self.kind = json.loads((folder / model.CONFIG).read_text(encoding="utf-8"))["kind"]
        self.model: Any = gpt_model.load(folder) if self.kind == gpt_model.KIND else model.load(folder)
        self.settings: dict[str, Any] = dict(context.model_config or {})
        self.root = Path(os.environ[ROOT]) if os.environ.get(ROOT) else None
        if self.root is not None and not self.root.is_dir():
            raise ValueError(f"{ROOT} is {self.root}, which is no folder: name the one whose images may be read")

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """One record a row; see `sar_models.served`. Raises `MlflowException` with status 400 for a bad row."""
        rows: Any = model_input.to_dict("records")
        given = params or {}
        try:
            reading = Reading(given.get("low"), given.get("high"), tuple(given.get("bands") or ()))
            asking = served.Asking(reading, self.root)
            if self.kind == "clip":
                return served.embeddings(self.model, rows, asking)
            if self.kind == "coca":
                return served.captions(self.model, rows, asking, decoding=Decoding(**self.settings))
            return served.answers(self.model, rows, asking, answering=Answering(**self.settings))
        except ValueError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error


mlflow.models.set_model(ServedModel())
