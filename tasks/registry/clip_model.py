"""SAR-RS-CLIP as MLflow runs it: images and texts to embeddings. Saved as code beside the weights, never pickled.

model = mlflow.pyfunc.load_model("models:/sar-rs-clip@challenger")
model.predict([{"image": "harbor.png"}, {"text": "two ships near a pier"}])  # two unit vectors
"""

from pathlib import Path

import mlflow
from mlflow.pyfunc import PythonModel, PythonModelContext

from sar_models import images, infer, model
from sar_models.settings import Hardware

BATCH_SIZE = 64


class SarRsClip(PythonModel):  # type: ignore[misc]  # mlflow ships no types
    """Embeds image files and texts into one space."""

    def load_context(self, context: PythonModelContext) -> None:
        self.model = model.load(Path(context.artifacts["weights"]))
        self.hardware = Hardware()

    def predict(self, model_input: list[dict[str, str]]) -> list[list[float]]:
        """One L2-normalised vector a row; each row is `{"image": path}` or `{"text": words}`.

        Raises `ValueError` naming the row that is neither, or the image that cannot be read.
        """
        for number, row in enumerate(model_input):
            if set(row) not in ({"image"}, {"text"}):
                raise ValueError(f'row {number} is {row}; give {{"image": path}} or {{"text": words}}')
        pictures = [images.open_picture(Path(row["image"])) for row in model_input if "image" in row]
        texts = [row["text"] for row in model_input if "text" in row]
        from_images = iter(
            infer.embed_images(self.model, pictures, hardware=self.hardware, batch_size=BATCH_SIZE) if pictures else ()
        )
        from_texts = iter(
            infer.embed_texts(self.model, texts, hardware=self.hardware, batch_size=BATCH_SIZE) if texts else ()
        )
        return [next(from_images if "image" in row else from_texts).tolist() for row in model_input]


mlflow.models.set_model(SarRsClip())
