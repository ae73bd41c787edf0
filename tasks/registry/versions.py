"""Versions and aliases of registered models, with errors that say what there is."""

from typing import Any, cast

from tasks import tracking
from tasks.models import Kind
from tasks.params import Params
from tasks.registry.register import NAMES

CHAMPION = "champion"


def registered_name(kind: str, *, params: Params) -> str:
    """What the model of `kind` is called in the registry."""
    return NAMES[kind] + params.tracking.registry_suffix


def kind_of(name: str, *, params: Params) -> Kind:
    """The kind of model that is registered as `name`. Raises `ValueError` naming those that there are."""
    kinds = {registered_name(kind, params=params): kind for kind in NAMES}
    if name not in kinds:
        raise ValueError(f"no model '{name}'; there are {', '.join(kinds)}")
    return cast(Kind, kinds[name])


def registered(name: str) -> Any:
    """The registered model `name`, with its aliases and tags. Raises `ValueError` when there is none."""
    found = tracking.client().search_registered_models(filter_string=f"name = '{name}'")
    if not found:
        raise ValueError(f"{name} is not registered in {tracking.shown_uri()}: `sar-text register` does it")
    return found[0]


def alias(name: str, wanted: str) -> str | None:
    """The number of the version that carries the alias `wanted`, if one does."""
    number = registered(name).aliases.get(wanted)
    return None if number is None else str(number)


def version(name: str, number: str) -> Any:
    """Version `number` of `name`, with its tags. Raises `ValueError` naming the versions that there are."""
    registered(name)
    versions = {str(found.version): found for found in tracking.client().search_model_versions(f"name = '{name}'")}
    if number not in versions:
        raise ValueError(f"{name} has no version {number}; it has {', '.join(sorted(versions, key=int)) or 'none'}")
    return versions[number]
