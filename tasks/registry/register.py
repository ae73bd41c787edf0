"""Register what `dvc.lock` says was built: idempotent, from weights and metrics alone, without training.

DVC runs nothing when a stage is cached, so registration is no stage: it runs after the graph, and a deleted registry
comes back from what DVC keeps.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tasks import lock, paths, tracking
from tasks.download import catalog
from tasks.params import Params
from tasks.registry import artifact, interface
from tasks.registry.learned import learned_from

NAMES = {"clip": "sar-rs-clip", "coca": "sar-rs-coca", "gpt": "sar-gpt"}
ALIAS = "challenger"  # a champion is made by a person or by the retraining flow, never by a plain run


@dataclass(frozen=True)
class Registered:
    """A version in the registry."""

    name: str
    version: str
    weights: str  # DVC digest
    new: bool


def register(params: Params) -> list[Registered]:
    """Register the two-stage weights of every model; the same weights (and, of CoCa and SAR-GPT, settings
    of the decoder) give the same version, as long as models are asked in the same way.

    Raises `ValueError` when nothing was built, or when weights or metrics are not in the working tree.
    """
    digests = lock.output_digests()
    return [_register(kind, digests=digests, params=params) for kind in NAMES]


def _register(kind: str, *, digests: Mapping[str, str], params: Params) -> Registered:
    name = NAMES[kind] + params.tracking.registry_suffix
    weights = f"models/two_stage/{kind}"
    for output in (weights, "metrics/evaluate.json"):
        if output not in digests:
            raise ValueError(f"{output} is not in dvc.lock: run `dvc repro` first")
        _check(output, digests[output])
    texts = learned_from(weights)
    identity = {
        "dvc.weights": digests[weights],
        "dvc.metrics": digests["metrics/evaluate.json"],
        "dvc.data.optical": texts["data/optical_text"],
        "dvc.data.sar": texts["data/sar_text"],
        "decoding": json.dumps(_decoding(kind, params), sort_keys=True) if kind != "clip" else "none",
        "interface": interface.VERSION,
        "licences": _licences(params),
    }
    client = tracking.client()
    if not client.search_registered_models(filter_string=f"name = '{name}'"):
        client.create_registered_model(name, description=f"{NAMES[kind].upper()}, optical first, SAR second")
    same = client.search_model_versions(f"name = '{name}' and tags.`dvc.weights` = '{digests[weights]}'")
    known = [found for found in same if all(found.tags.get(key) == identity[key] for key in ("decoding", "interface"))]
    if known:
        version = max(known, key=lambda found: int(found.version))
        for key, value in identity.items():  # the same weights may have been evaluated anew
            client.set_model_version_tag(name, version.version, key, value)
    else:
        version = _log(kind, name=name, tags={**identity, "git.commit": tracking.git_commit()}, params=params)
    client.set_registered_model_alias(name, ALIAS, version.version)
    return Registered(name=name, version=str(version.version), weights=digests[weights], new=not known)


def _check(output: str, digest: str) -> None:
    """Refuse to register bytes under a digest that is not theirs, as after `git checkout` without `dvc checkout`."""
    place = paths.root() / output
    if not place.exists():
        raise ValueError(f"{place} is missing: `dvc checkout` or `dvc pull` brings it back")
    if lock.digest_of(place) != digest:
        raise ValueError(f"{place} is not what dvc.lock says: `dvc checkout` brings that back, `dvc repro` builds anew")


def _licences(params: Params) -> str:
    """Each source with its licence, as JSON."""
    licences = {source: catalog.load(source).licence for source in sorted(params.sources)}
    return json.dumps(licences, ensure_ascii=False, sort_keys=True)


def _log(kind: str, *, name: str, tags: Mapping[str, str], params: Params) -> Any:
    """Log the model in a run of its own, with its metrics, and make it a version."""
    import mlflow
    import pandas as pd

    folder = paths.model("two_stage", kind)
    client = tracking.client()
    experiment = tracking.experiment_id(params.tracking.experiment)
    run_name = f"register@{kind}"
    tracking.end_left_open(run_name, experiment=experiment)
    process = {tracking.PROCESS: tracking.this_process()}
    with mlflow.start_run(experiment_id=experiment, run_name=run_name, tags={**tags, **process}) as run:
        mlflow.log_metrics(_metrics(kind))
        model = mlflow.pyfunc.log_model(
            name=name,
            python_model=str(Path(__file__).parent / "served_model.py"),
            artifacts={"weights": str(folder)},
            signature=interface.signature(kind),
            input_example=pd.DataFrame(interface.example(kind)),
            code_paths=[str(Path(__file__).parents[2] / "sar_models")],
            model_config=_decoding(kind, params),
            pip_requirements=_requirements(kind),
            metadata=dict(tags),
        )
    kept = tracking.download(model.model_uri)
    listed = json.dumps(artifact.digests(kept), sort_keys=True)
    return client.create_model_version(
        name, source=model.model_uri, run_id=run.info.run_id, tags={**tags, artifact.TAG: listed},
        model_id=model.model_id,
    )  # fmt: skip


def _decoding(kind: str, params: Params) -> dict[str, Any] | None:
    """How the model's text is decoded, as the served model takes it; CLIP writes none."""
    if kind == "clip":
        return None
    return asdict(params.evaluate.decoding if kind == "coca" else params.evaluate.answering)


def _metrics(kind: str) -> dict[str, float]:
    """The two-stage numbers of this model, named as MLflow allows."""
    table = json.loads(paths.metrics("evaluate").read_text(encoding="utf-8"))
    return {
        f"{test_set}/{metric}": entry["value"]
        for test_set, variants in table.items()
        for metric, entry in variants["two_stage"].items()
        if entry["value"] is not None and _of(metric) == kind
    }


def _of(metric: str) -> str:
    """The kind of model that `metric` measures."""
    if metric.startswith("vqa_"):
        return "gpt"
    return "clip" if metric.startswith(("i2t_", "t2i_", "mean_recall", "strict_")) else "coca"


def _requirements(kind: str) -> list[str]:
    """What a registered model needs to run, at the versions it was made with."""
    from importlib.metadata import version

    packages = ["mlflow", "torch", "torchvision", "open_clip_torch", "safetensors", "numpy", "pillow", "tifffile"]
    packages += ["transformers", "peft"] if kind == "gpt" else []
    return [f"{package}=={version(package)}" for package in packages]
