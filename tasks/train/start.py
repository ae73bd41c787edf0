"""What the first stage of a model begins from, which is also what evaluate calls `initial`."""

from typing import TYPE_CHECKING

from sar_models.settings import TIMM
from sar_models.weight_files import located
from tasks import paths
from tasks.params import Params

if TYPE_CHECKING:
    from sar_models.pretrained import Named


def begin(kind: str, *, params: Params) -> "Named":
    """The `kind` of model (`clip`, `coca`) that params.yaml describes, with the weights that its `start` names.

    Raises `ValueError` when the weights cannot be had, are not those of the digest, or do not fit.
    """
    from sar_models import pretrained

    settings = params.model(kind)
    return pretrained.begin(
        kind,
        architecture=settings.architecture,
        start=settings.start,
        seed=params.seed,
        roots=paths.weights(),
        context_length=settings.context_length,
    )


def check_files(params: Params) -> None:
    """Raise `ValueError` when a file of weights that a model starts from is not there: before the stages in front of
    its training have run for nothing."""
    for settings in (params.clip, params.coca):
        located(settings.start.weights.removeprefix(TIMM), paths.weights())
