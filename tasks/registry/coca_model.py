"""SAR-RS-CoCa as MLflow runs it: images to captions. Saved as code beside the weights, never pickled.

model = mlflow.pyfunc.load_model("models:/sar-rs-coca@challenger")
model.predict(["harbor.png"])                                                  # ["Two ships lie in the …"]
"""

from pathlib import Path

import mlflow
from mlflow.pyfunc import PythonModel, PythonModelContext

from sar_models import images, infer, model
from sar_models.settings import Decoding, Hardware


class SarRsCoca(PythonModel):  # type: ignore[misc]  # mlflow ships no types
    """Captions image files."""

    def load_context(self, context: PythonModelContext) -> None:
        self.model = model.load(Path(context.artifacts["weights"]))
        self.hardware = Hardware()
        self.decoding = Decoding(**context.model_config)

    def predict(self, model_input: list[str]) -> list[str]:
        """One caption a path. Raises `ValueError` naming the image that cannot be read."""
        pictures = [images.open_picture(Path(path)) for path in model_input]
        return infer.caption(self.model, pictures, decoding=self.decoding, hardware=self.hardware)


mlflow.models.set_model(SarRsCoca())
