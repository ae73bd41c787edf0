"""The gate on real models in a real registry, with data sets in a real DVC cache."""

import dataclasses
import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from gate_world import data_set_with_test_images, keep, register_what_lies_there, spoil, write_project

from flows.promote import settle
from tasks import paths, tracking
from tasks.gate import Decision, judge
from tasks.models import Kind
from tasks.params import Params
from tasks.registry import interface, promote, versions
from tasks.train.gpt_stage import train_gpt
from tasks.train.stage import train_model

pytestmark = pytest.mark.e2e
NAME = "sar-rs-clip"


@pytest.fixture(scope="module")
def params(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Params]:
    """A project whose models are registered, none of them trained; the tests below go on from each other."""
    root = tmp_path_factory.mktemp("gate")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_ROOT", str(root))
        patch.setenv("SAR_TEXT_STATE", str(root / ".state"))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        settings = write_project(root)
        register_what_lies_there(settings)
        yield settings


def failed(decision: Decision) -> dict[str, str]:
    """Rule → sentence of those that did not pass."""
    assert decision.outcome == "refused"
    return {reason.rule: reason.text for reason in decision.reasons if not reason.passed}


def tags(version: str) -> dict[str, str]:
    found: dict[str, str] = versions.version(NAME, version).tags
    return found


def test_what_learned_nothing_is_no_first_champion(params: Params) -> None:
    for kind, complaint in (
        ("clip", "not surely better on SAR than before training in any of mean_recall +0"),
        ("coca", "not surely better on SAR than before training in any of cider +0"),
        ("gpt", "not surely better on SAR than the commonest answers in any of vqa_exact_match -"),
    ):
        decision = judge(kind, params=params)  # type: ignore[arg-type]
        assert complaint in failed(decision)["better"]
        assert settle(decision) is None
        assert versions.alias(decision.name, "champion") is None
    assert tags("1")["gate.decision"] == "refused"


def test_better_passes_worse_and_equal_are_refused(params: Params, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = paths.model("two_stage", "clip")
    train_model("sar", "clip", params=params, log=lambda _metrics, _step: None)
    shutil.rmtree(weights)
    shutil.copytree(paths.model("sar", "clip"), weights)
    assert register_what_lies_there(params)[NAME].version == "2"
    first = judge("clip", params=params)
    assert (first.outcome, first.against) == ("passed", None), first.text()
    settle(first)
    assert versions.alias(NAME, "champion") == "2"
    assert json.loads(tags("2")["gate.metrics"])[0]["difference"]["low"] > 0
    assert judge("clip", params=params).outcome == "standing"

    spoil(weights, seed=5)
    assert register_what_lies_there(params)[NAME].version == "3"
    worse = judge("clip", params=params)
    assert {"no worse", "better"} <= set(failed(worse))
    settle(worse)
    assert (versions.alias(NAME, "champion"), tags("3")["gate.against"]) == ("2", "2")

    shutil.rmtree(weights)
    shutil.copytree(paths.model("sar", "clip"), weights)
    monkeypatch.setattr(interface, "VERSION", "later")  # the same weights as another version
    assert register_what_lies_there(params)[NAME].version == "4"
    same = judge("clip", params=params)
    assert failed(same) == {"better": same.reasons[-2].text}
    assert all(row.difference.value == 0 for row in same.metrics)

    promote.promote(NAME, "3", by="Ada", reason="to see a better one pass", force=True)
    better = judge("clip", params=params)
    assert (better.outcome, better.against) == ("passed", "3"), better.text()
    settle(better)
    assert versions.alias(NAME, "champion") == "4"
    assert promote.rollback(NAME, by="Ada", reason="too slow").version == "3"
    assert "rolled back by Ada" in failed(judge("clip", params=params))["rolled back"]
    promote.promote(NAME, "1", by="Ada", reason="so that 4 may be judged against it", force=True)


def challenged(version: str) -> None:
    tracking.client().set_registered_model_alias(NAME, "challenger", version)


def test_images_that_either_learned_from_are_left_out(params: Params) -> None:
    """Also under another name: here their bytes tell. The champion is version 1, as the last test left it."""
    challenged("2")
    images = [reason.text for reason in judge("clip", params=params).reasons if reason.rule == "test images"]
    assert images[1] == "40 of 40 sar test images are new to every model judged here"
    before = tags("1")["dvc.data.sar"]
    for count in (15, 25):
        digest = data_set_with_test_images(paths.root() / f"data/older_{count}", images=count)
        tracking.client().set_model_version_tag(NAME, "1", "dvc.data.sar", digest)
        decision = judge("clip", params=params)
        texts = [reason.text for reason in decision.reasons if reason.rule == "test images"]
        assert texts[1].startswith(f"{40 - count} of 40 sar test images are new")
        if count == 15:
            assert {row.difference.n for row in decision.metrics if row.test_set == "sar"} == {25}
        else:
            assert failed(decision)["test images"].endswith("gate.least_images is 20")
    tracking.client().set_model_version_tag(NAME, "1", "dvc.data.sar", before)


def test_what_cannot_be_resolved_is_refused(params: Params) -> None:
    challenged("2")
    before: Any = tags("1")["dvc.data.sar"]
    for digest, complaint in (
        ("0" * 32 + ".dir", "neither in the DVC cache nor in a remote"),
        ("", "no tag dvc.data.sar"),
    ):
        tracking.client().set_model_version_tag(NAME, "1", "dvc.data.sar", digest)
        assert complaint in failed(judge("clip", params=params))["lineage"]
    digest = data_set_with_test_images(paths.root() / "data/damaged", images=1)
    tracking.client().set_model_version_tag(NAME, "1", "dvc.data.sar", digest)
    listing = paths.root() / ".dvc/cache/files/md5" / digest[:2] / digest[2:]
    train = next(entry["md5"] for entry in json.loads(listing.read_text()) if entry["relpath"] == "train.parquet")
    kept = listing.parents[1] / train[:2] / train[2:]
    kept.chmod(0o644)
    data = bytearray(kept.read_bytes())
    data[len(data) // 2] ^= 1
    kept.write_bytes(data)
    assert "is damaged" in failed(judge("clip", params=params))["lineage"]
    tracking.client().set_model_version_tag(NAME, "1", "dvc.data.sar", before)

    weights = tags("2")["dvc.weights"]
    tracking.client().set_model_version_tag(NAME, "2", "dvc.weights", "1" * 32 + ".dir")
    assert "but its tag says 1111" in failed(judge("clip", params=params))["weights"]
    tracking.client().set_model_version_tag(NAME, "2", "dvc.weights", weights)


def test_withdrawn_forbidden_and_unchecked_are_refused(params: Params) -> None:
    challenged("2")
    folder = paths.root() / "sources" / "withdrawn"
    folder.mkdir()
    told = {"reason": "a complaint", "by": "Ada", "on": "2026-11-28"}
    for content, what in (
        ({"source": told}, "sar_fake"),
        ({"records": {"sar_fake/train/003.png": told}}, "sar_fake/train/003.png"),
    ):
        (folder / "sar_fake.yaml").write_text(json.dumps(content))
        assert f"{what} (a complaint, by Ada)" in failed(judge("clip", params=params))["withdrawal"]
    (folder / "sar_fake.yaml").write_text(json.dumps({"records": {"sar_fake/test/999.png": told}}))
    (folder / "another.yaml").write_text(json.dumps({"source": told}))
    assert judge("clip", params=params).outcome == "passed"
    (folder / "another.yaml").write_text("sauce: fake\n")
    with pytest.raises(ValueError, match="must have `source` or `records`, and has sauce"):
        judge("clip", params=params)
    shutil.rmtree(folder)

    sold = dataclasses.replace(params, validate=dataclasses.replace(params.validate, licence_use="commercial"))
    assert "not known to allow commercial use: CC-BY-NC-4.0" in failed(judge("clip", params=sold))["licences"]

    report = paths.metrics("validate_sar")
    before = report.read_text()
    report.write_text(before.replace("176", "175"))
    assert "is not what dvc.lock says was checked" in failed(judge("clip", params=params))["data checks"]
    report.write_text(before)
    digest = keep(shutil.copytree(paths.text("optical"), paths.root() / "data/another"))
    own = tags("2")["dvc.data.sar"]
    tracking.client().set_model_version_tag(NAME, "2", "dvc.data.sar", digest)
    assert "learned from another sar text" in failed(judge("clip", params=params))["data checks"]
    tracking.client().set_model_version_tag(NAME, "2", "dvc.data.sar", own)


def test_captions_and_answers_that_are_better_pass_too(params: Params) -> None:
    """SAR-RS-CoCa and SAR-GPT; SAR-GPT sees by the CLIP that the tests above trained."""
    long = dataclasses.replace(params.clip.finetune, epochs=12)
    longer = dataclasses.replace(
        params,
        coca=dataclasses.replace(params.coca, finetune=long),
        gpt=dataclasses.replace(params.gpt, align=long, finetune=long),
    )
    train_model("sar", "coca", params=longer, log=lambda _metrics, _step: None)
    train_gpt("sar", params=longer, log=lambda _metrics, _step: None)
    kinds: tuple[Kind, ...] = ("coca", "gpt")
    for kind in kinds:
        shutil.rmtree(paths.model("two_stage", kind))
        shutil.copytree(paths.model("sar", kind), paths.model("two_stage", kind))
    register_what_lies_there(params)
    for kind in kinds:
        better = judge(kind, params=params)
        assert (better.outcome, better.against) == ("passed", None), better.text()
        settle(better)
        assert versions.alias(better.name, "champion") == better.version
        spoil(paths.model("two_stage", kind), seed=5, times=10.0)
    register_what_lies_there(params)
    for kind in kinds:
        worse = judge(kind, params=params)
        assert {"no worse", "better"} <= set(failed(worse)), worse.text()
        settle(worse)
        assert versions.alias(worse.name, "champion") == worse.against != worse.version
