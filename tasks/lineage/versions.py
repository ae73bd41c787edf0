"""Model versions as the registry tells of them, through the client of tasks/tracking.py."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks import tracking

_PAGE = 1000
PROMOTED = "promoted."  # tags of a model, JSON: which version became champion, by whom and why
DECISIONS = ("gate.", PROMOTED, "withdrawn")  # tags that say who or what decided on a version, and why


@dataclass(frozen=True)
class Version:
    """A version of a registered model."""

    model: str
    number: str
    run_id: str
    created_s: float  # since 1970 UTC
    tags: Mapping[str, str]
    aliases: tuple[str, ...]
    promotions: Mapping[str, str] = field(default_factory=dict)  # tags of the model that tell of this version

    @property
    def name(self) -> str:
        return f"{self.model}/{self.number}"

    @property
    def weights(self) -> str:
        """DVC digest; empty where the version does not say."""
        return self.tags.get("dvc.weights", "")

    @property
    def commit(self) -> str:
        """Of the working tree that registered it; a `+` says that files in it were changed."""
        return self.tags.get("git.commit", "")

    def decisions(self) -> dict[str, str]:
        return {
            key: value for key, value in sorted({**self.promotions, **self.tags}.items()) if key.startswith(DECISIONS)
        }


def load_all() -> list[Version]:
    """Every version in the registry, by model and number."""
    client = tracking.client()
    aliases: dict[tuple[str, str], list[str]] = {}
    promotions: dict[str, dict[str, str]] = {}
    for model in _pages(client.search_registered_models):
        promotions[model.name] = {key: value for key, value in model.tags.items() if key.startswith(PROMOTED)}
        for alias, number in model.aliases.items():
            aliases.setdefault((model.name, str(number)), []).append(alias)
    found = [
        Version(
            model=version.name,
            number=str(version.version),
            run_id=str(version.run_id or ""),
            created_s=version.creation_timestamp / 1000,
            tags=dict(version.tags),
            aliases=tuple(sorted(aliases.get((version.name, str(version.version)), []))),
            promotions=_of(str(version.version), promotions[version.name]),
        )
        for version in _pages(client.search_model_versions)
    ]
    return sorted(found, key=lambda version: (version.model, int(version.number)))


def _of(number: str, promotions: Mapping[str, str]) -> dict[str, str]:
    return {key: text for key, text in promotions.items() if str(json.loads(text)["version"]) == number}


def pick(versions: list[Version], asked: str) -> Version:
    """The version that `MODEL@ALIAS` or `MODEL/VERSION` names. Raises `ValueError` with what there is instead."""
    model, at, alias = asked.partition("@")
    if at:
        found = [version for version in versions if version.model == model and alias in version.aliases]
    else:
        found = [version for version in versions if version.name == asked]
    if found:
        return found[0]
    there = ", ".join(version.name + "".join(f" @{alias}" for alias in version.aliases) for version in versions)
    raise ValueError(
        f"no version {asked} in {tracking.shown_uri()}; there "
        + (f"are {there}" if there else "is none: `sar-text register` makes the built models versions")
    )


def run_of(version: Version) -> Any:
    """The run that registered it; nothing where the store has no such run."""
    client = tracking.client()
    experiments = [experiment.experiment_id for experiment in _pages(client.search_experiments)]
    query = f"attributes.run_id = '{version.run_id}'"
    found = client.search_runs(experiments, filter_string=query) if version.run_id else []
    return found[0] if found else None


def runs_of(stage: str) -> list[Any]:
    """Runs of a DVC stage in every experiment, the newest first."""
    client = tracking.client()
    experiments = [experiment.experiment_id for experiment in _pages(client.search_experiments)]
    query = f"tags.`dvc.stage` = '{stage}'"
    return list(client.search_runs(experiments, filter_string=query, max_results=_PAGE, order_by=["start_time DESC"]))


def _pages(search: Any) -> list[Any]:
    found: list[Any] = []
    token = None
    while True:
        page = search(max_results=_PAGE, page_token=token)
        found += page
        token = page.token
        if not token:
            return found
