"""A registered model: its weights as a local folder, and the digests that it was registered with."""

import re
from pathlib import Path

from tasks import tracking

MODEL = re.compile(r"models:/(?P<name>[^/@]+)(?:/(?P<version>\d+)|@(?P<alias>[\w.-]+))")


def fetch(uri: str) -> Path:
    """The folder with `model.safetensors` and `config.json` of `uri`, such as `models:/sar-rs-coca@champion`.

    Raises `ValueError` when the registry has no such model, or it was not registered by this project.
    """
    from mlflow.exceptions import MlflowException

    tracking.client()  # the registry that the settings name
    try:
        place = tracking.download(uri)
    except (MlflowException, OSError) as error:
        raise ValueError(
            f"{uri} is not to be had from {tracking.shown_uri()} ({error}): `sar-text status` lists what is registered"
        ) from error
    found = sorted(path.parent for path in place.glob("artifacts/*/model.safetensors"))
    if len(found) != 1:
        raise ValueError(f"{uri} holds {len(found)} sets of weights where one is needed: was it registered here?")
    return found[0]


def tags(uri: str) -> dict[str, str]:
    """The tags of `models:/NAME/3` or `models:/NAME@ALIAS`, as `register` wrote them.

    Raises `ValueError` when `uri` is no such name, or the registry does not know it.
    """
    from mlflow.exceptions import MlflowException

    match = MODEL.fullmatch(uri)
    if match is None:
        raise ValueError(f"'{uri}' is no model: write it as models:/sar-rs-clip/3 or models:/sar-rs-clip@champion")
    client = tracking.client()
    try:
        if match["version"]:
            found = client.get_model_version(match["name"], match["version"])
        else:
            found = client.get_model_version_by_alias(match["name"], match["alias"])
    except MlflowException as error:
        raise ValueError(
            f"{uri} is not in {tracking.shown_uri()} ({error}): `sar-text status` lists what is registered"
        ) from error
    return dict(found.tags)
