"""The weights of a registered model, as a local folder."""

from pathlib import Path

from tasks import tracking


def fetch(uri: str) -> Path:
    """The folder with `model.safetensors` and `config.json` of `uri`, such as `models:/sar-rs-coca@champion`.

    Raises `ValueError` when the registry has no such model, or it was not registered by this project.
    """
    import mlflow
    from mlflow.exceptions import MlflowException

    tracking.client()  # the registry that the settings name
    try:
        place = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri))
    except (MlflowException, OSError) as error:
        raise ValueError(
            f"{uri} is not to be had from {tracking.shown_uri()} ({error}): `sar-text status` lists what is registered"
        ) from error
    found = sorted(path.parent for path in place.glob("artifacts/*/model.safetensors"))
    if len(found) != 1:
        raise ValueError(f"{uri} holds {len(found)} sets of weights where one is needed: was it registered here?")
    return found[0]
