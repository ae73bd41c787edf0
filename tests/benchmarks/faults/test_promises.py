"""The harness sees a promise that is broken: each of them, broken here on purpose."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.faults import promises
from benchmarks.faults.registry import Registry, Version, read
from tasks import lock

TAGS = dict.fromkeys(promises.IDENTITY, "x") | {"dvc.weights": "abc.dir"}
FIRST = Version("sar-gpt", "1", "READY", TAGS | {"gate.decision": "passed"}, "abc.dir")
SECOND = Version("sar-gpt", "2", "READY", TAGS | {"gate.decision": "refused", "dvc.weights": "def.dir"}, "def.dir")
CHANGE = {"number": 1, "version": "1", "forced": False, "done": True}
CHANGES = {"sar-gpt": {"promoted.0001": json.dumps(CHANGE)}}
WHOLE = Registry((FIRST, SECOND), {"sar-gpt": {"challenger": "2", "champion": "1"}}, CHANGES, ())


def test_what_is_whole_is_not_complained_of() -> None:
    assert promises.registered(WHOLE) == []
    assert promises.finished(WHOLE) == []
    assert promises.outputs({"data/a": "1"}, {"data/a": "1"}) == []


def test_another_digest_a_missing_and_an_extra_output() -> None:
    broken = promises.outputs({"data/a": "2", "data/c": "3"}, {"data/a": "1", "data/b": "1"})
    assert broken == [
        "data/a is 2, in an undisturbed run 1",
        "data/b is missing, in an undisturbed run 1",
        "data/c is 3, in an undisturbed run not there",
    ]


@pytest.mark.parametrize("decision", ["refused", "judging", None])
def test_a_champion_that_did_not_pass(decision: str | None) -> None:
    tags = TAGS | ({"gate.decision": decision} if decision else {})
    broken = promises.registered(replace(WHOLE, versions=(replace(FIRST, tags=tags), SECOND)))
    assert broken == [f"sar-gpt@champion is on version 1, whose gate.decision is {decision or 'not set'}"]


def test_a_champion_by_a_persons_word_is_none_of_the_gates() -> None:
    forced = {"sar-gpt": {"promoted.0001": json.dumps(CHANGE | {"version": "2", "forced": True})}}
    aliases = {"sar-gpt": {"champion": "2"}}
    assert promises.registered(replace(WHOLE, aliases=aliases, changes=forced)) == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"status": "PENDING_REGISTRATION"}, "sar-gpt version 1 is PENDING_REGISTRATION"),
        ({"weights": "0 sets of weights"}, "sar-gpt version 1 keeps 0 sets of weights, its tag says abc.dir"),
        ({"tags": {"gate.decision": "passed", "dvc.weights": "abc.dir"}}, "sar-gpt version 1 lacks dvc.metrics, "),
    ],
)
def test_a_version_that_is_half_registered(change: dict[str, Any], complaint: str) -> None:
    (broken,) = promises.registered(replace(WHOLE, versions=(replace(FIRST, **change), SECOND)))
    assert broken.startswith(complaint)


def test_the_same_weights_twice_and_an_alias_on_nothing() -> None:
    twice = replace(WHOLE, versions=(FIRST, replace(FIRST, number="2")))
    assert promises.registered(twice) == ["sar-gpt version 2 is registered a second time"]
    gone = replace(WHOLE, versions=(FIRST,))
    assert promises.registered(gone) == ["sar-gpt@challenger is on version 2, which there is not"]


def test_an_open_run_and_a_change_left_undone() -> None:
    undone = {"sar-gpt": {"promoted.0001": json.dumps(CHANGE | {"done": False})}}
    assert promises.finished(replace(WHOLE, changes=undone, open_runs=("evaluate",))) == [
        "the run evaluate is left open",
        "promoted.0001 of sar-gpt is left undone",
    ]


def test_a_flipped_bit_in_cache_and_remote(tmp_path: Path) -> None:
    name = hashlib.md5(b"right").hexdigest()
    place = tmp_path / "files" / "md5" / name[:2] / name[2:]
    place.parent.mkdir(parents=True)
    key = f"dvc/files/md5/{name[:2]}/{name[2:]}"
    place.write_bytes(b"right")
    assert promises.cache(tmp_path) == promises.remote({key: b"right"}) == []
    place.write_bytes(b"wrong")
    assert promises.cache(tmp_path) == [f"the cache keeps other bytes under {name}"]
    assert promises.remote({key: b"wrong"}) == [f"the remote keeps other bytes under {key}"]


def test_a_real_registry_is_read_with_the_digest_of_its_weights(tmp_path: Path) -> None:
    import mlflow

    state = tmp_path / "state"
    state.mkdir()
    store = f"sqlite:///{state / 'mlflow.db'}"
    mlflow.set_tracking_uri(store)
    mlflow.set_registry_uri(store)
    client = mlflow.MlflowClient()
    experiment = client.create_experiment("faults", artifact_location=(state / "mlartifacts").as_uri())
    run = client.create_run(experiment, run_name="evaluate")
    model = client.create_logged_model(experiment, name="sar-gpt")
    weights = Path(model.artifact_location.removeprefix("file://")) / "artifacts" / "gpt" / "model.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"weights")
    client.create_registered_model("sar-gpt")
    client.create_model_version("sar-gpt", source=f"models:/{model.model_id}", tags=TAGS, model_id=model.model_id)
    client.set_registered_model_alias("sar-gpt", "champion", "1")

    found = read(state)
    digest = lock.digest_of(weights.parent)
    assert found.versions == (Version("sar-gpt", "1", "READY", TAGS, digest),)
    assert (found.aliases, found.open_runs) == ({"sar-gpt": {"champion": "1"}}, ("evaluate",))
    assert len(promises.registered(found)) == 2, "the digest is not that of the tag, and it never passed"
    client.set_terminated(run.info.run_id)
    assert read(state).open_runs == ()
