"""Checkpoints of other people, named in `evaluate.external`, as further variants."""

from typing import TYPE_CHECKING

from sar_models.weight_files import located
from tasks import paths
from tasks.params import External, Params

if TYPE_CHECKING:
    from sar_models.model import Model


def check_files(params: Params) -> None:
    """Raise `ValueError` when a file of weights is not there: before the stages in front have run for nothing."""
    for external in params.evaluate.external:
        located(external.weights, paths.weights())


def open_external(external: External, *, params: Params) -> "Model":
    """The model with all its weights, or a `ValueError` that names the entry and says what does not fit."""
    from sar_models import pretrained

    try:
        return pretrained.begin(
            external.kind,
            architecture=external.architecture,
            start=external.start,
            seed=params.seed,
            roots=paths.weights(),
        ).model
    except ValueError as error:
        raise ValueError(f"evaluate.external: {external.name}: {error}") from error
