"""SAR-GPT as MLflow runs it: questions about images to answers. Saved as code beside the weights, never pickled.

model = mlflow.pyfunc.load_model("models:/sar-gpt@challenger")
model.predict([{"image": "harbor.png", "question": "How many ships are in this SAR image?"}])  # ["3"]
"""

from pathlib import Path

import mlflow
from mlflow.pyfunc import PythonModel, PythonModelContext

from sar_models import answer, gpt_model, images
from sar_models.settings import Answering, Hardware


class SarGpt(PythonModel):  # type: ignore[misc]  # mlflow ships no types
    """Answers questions about image files."""

    def load_context(self, context: PythonModelContext) -> None:
        self.model = gpt_model.load(Path(context.artifacts["weights"]))
        self.hardware = Hardware()
        self.answering = Answering(**context.model_config)

    def predict(self, model_input: list[dict[str, str]]) -> list[str]:
        """One answer a row; each row is `{"image": path, "question": words}`, and each is asked alone.

        Raises `ValueError` naming the row that is something else, or the image that cannot be read.
        """
        for number, row in enumerate(model_input):
            if set(row) != {"image", "question"}:
                raise ValueError(f'row {number} is {row}; give {{"image": path, "question": words}}')
        found = answer.answers(
            self.model,
            [images.open_picture(Path(row["image"])) for row in model_input],
            [[row["question"]] for row in model_input],
            answering=self.answering,
            hardware=self.hardware,
        )
        return [said for (said,) in found]


mlflow.models.set_model(SarGpt())
