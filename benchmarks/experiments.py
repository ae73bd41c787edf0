"""The two-stage recipe on fresh worlds and training seeds: the same table for each, and what they agree on.

    python -m benchmarks.experiments --seeds 404 505 606            what `make experiments` runs
    python -m benchmarks.experiments --seeds 101 --params profiles/gpu.yaml --scale 20 --out runs/gpu

For each seed the simulated world is drawn anew (`simulate.seed` of every source) and everything is trained anew
(`seed`), into a folder of its own. Then SAR alone is trained once more for as many steps as both stages have together,
for two stages cost more than one. Stages run side by side as the machine allows (`--lanes`). Out come one JSON file a
seed, and `summary.json`: mean and spread of each variant and gain over all seeds whose files lie there.

Each stage is the function that its flow calls; Prefect, DVC and MLflow are left out: it runs where they are not.
"""

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import yaml

from benchmarks.experiment_tables import LONG, markdown, result, summary

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("clip", "coca", "gpt")
FINISHED = "finished"  # folder of a file for each finished stage, which holds its seconds
# What the folder of LONG shares with that of its seed.
SHARED = ("data/groups", "data/optical_text", "data/sar_text", "data/sources", "models/optical", "models/two_stage",
          "params.yaml", "reviews", "sources")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", required=True, help="of the world and of the training")
    parser.add_argument("--params", type=Path, default=ROOT / "params.yaml")
    parser.add_argument("--scale", type=float, default=1.0, help="scenes, as a multiple of what each source draws")
    parser.add_argument("--lanes", type=int, default=os.cpu_count() or 1, help="stages at a time")
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "experiments")
    parser.add_argument(
        "--work",
        type=Path,
        help="folder that is kept: a broken-off run goes on. Default: temporary",
    )
    parser.add_argument(
        "--only", nargs="+", help="stages whose names begin so, and no results; with --work, to go on later"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = arguments.work or Path(temporary)
        graph: dict[str, set[str]] = {}
        for seed in arguments.seeds:
            lay_out(work / str(seed), params=arguments.params, seed=seed, scale=arguments.scale)
            graph |= stages(work / str(seed), seed=seed)
        if arguments.only:
            chosen = {name for name in graph if name.partition("/")[2].startswith(tuple(arguments.only))}
            run_all({name: graph[name] & chosen for name in chosen}, work=work, lanes=arguments.lanes)
            return
        seconds = run_all(graph, work=work, lanes=arguments.lanes)
        arguments.out.mkdir(parents=True, exist_ok=True)
        for seed in arguments.seeds:
            own = {name.partition("/")[2]: spent for name, spent in seconds.items() if name.startswith(f"{seed}/")}
            _write(arguments.out / f"seed_{seed}.json", {"tables": result(work / str(seed)), "stage_s": own})
    seeds = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(arguments.out.glob("seed_*.json"))]
    agreed = summary([each["tables"] for each in seeds])
    _write(arguments.out / "summary.json", agreed)
    (arguments.out / "table.md").write_text(markdown(agreed), encoding="utf-8")
    print(f"results: {arguments.out}")


def lay_out(folder: Path, *, params: Path, seed: int, scale: float) -> None:
    """A project folder with the settings of one seed. An earlier one with the same settings stays, with what was
    finished there: delete it when code has changed. One with others is done anew."""
    settings = yaml.safe_load(params.read_text(encoding="utf-8"))
    settings["seed"] = seed
    files = {"params.yaml": yaml.safe_dump(settings, sort_keys=False)}
    for path in sorted((ROOT / "sources").glob("*.yaml")):
        source = yaml.safe_load(path.read_text(encoding="utf-8"))
        if "simulate" in source:
            source["simulate"]["seed"] = seed
            source["simulate"]["scenes"] = round(source["simulate"]["scenes"] * scale)
            source["simulate"]["first_scene"] = round(source["simulate"]["first_scene"] * max(1.0, scale))
        files[f"sources/{path.name}"] = yaml.safe_dump(source, sort_keys=False)
    if all((folder / name).is_file() and (folder / name).read_text() == text for name, text in files.items()):
        return
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("sources", "reviews", FINISHED):
        (folder / name).mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    for name in SHARED:
        link = folder / LONG / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(folder.resolve() / name)


def stages(folder: Path, *, seed: int) -> dict[str, set[str]]:
    """`<seed>/<stage>` → those that come first, as in dvc.yaml, and the longer training of SAR alone."""
    settings = yaml.safe_load((folder / "params.yaml").read_text(encoding="utf-8"))
    sources: Mapping[str, str] = settings["sources"]
    downloads = {f"download {name}" for name in sources}
    pairs = {f"pairs {name}" for name in settings["pairs"]["sources"]}
    graph = {name: set[str]() for name in downloads}
    graph |= {f"narrate {name}": {f"download {name}"} for name in sources}
    for text in ("optical", "sar"):
        own = {name for name in sources if sources[name] == text}
        graph[f"validate {text}"] = (
            downloads | {f"narrate {name}" for name in own} | (pairs if text == "sar" else set())
        )
    graph |= {key: {"train optical coca"} for key in pairs}
    for kind in KINDS:
        tower = {
            stage: {f"train {stage} clip"} if kind == "gpt" else set() for stage in ("optical", "sar", "two_stage")
        }
        graph[f"train optical {kind}"] = {"validate optical"} | tower["optical"]
        graph[f"train sar {kind}"] = {"validate sar"} | tower["sar"]
        graph[f"train two_stage {kind}"] = {"validate sar", f"train optical {kind}"} | tower["two_stage"]
        longer = {f"train {LONG} clip"} if kind == "gpt" else set()
        graph[f"train {LONG} {kind}"] = {"validate sar", f"train optical {kind}"} | longer
    graph["evaluate"] = {f"train {stage} {kind}" for stage in ("optical", "sar", "two_stage") for kind in KINDS}
    graph[f"evaluate {LONG}"] = {f"train {stage} {kind}" for stage in ("two_stage", LONG) for kind in KINDS}
    return {f"{seed}/{name}": {f"{seed}/{other}" for other in before} for name, before in graph.items()}


def run_all(graph: Mapping[str, set[str]], *, work: Path, lanes: int) -> dict[str, float]:
    """Run every stage in a process of its own, `lanes` at a time; returns the seconds of each."""
    sorter = TopologicalSorter(graph)
    sorter.prepare()
    running: dict[Future[float], str] = {}
    seconds: dict[str, float] = {}
    with ThreadPoolExecutor(lanes) as pool:
        while sorter.is_active():
            for name in sorter.get_ready():
                running[pool.submit(_run, name, work)] = name
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                name = running.pop(future)
                try:
                    seconds[name] = future.result()
                except subprocess.CalledProcessError as error:
                    pool.shutdown(cancel_futures=True)
                    sys.exit(f"{name} failed:\n{error.stdout[-4000:]}")
                print(f"{len(seconds)} of {len(graph)}: {name}, {seconds[name]} s", flush=True)
                sorter.done(name)
    return seconds


def _run(name: str, work: Path) -> float:
    seed, _, stage = name.partition("/")
    folder = work / seed
    code = f"from benchmarks.experiments import stage; stage({stage!r})"
    place = folder / LONG if LONG in stage.split() else folder
    modules = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "DVC_ROOT": str(place), "SAR_TEXT_TRACKING": "off", "PYTHONPATH": modules}
    environment.pop("SAR_TEXT_STATE", None)
    finished = folder / FINISHED / stage
    if finished.is_file():
        return float(finished.read_text())
    begin = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", code], cwd=place, env=environment, check=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    finished.write_text(f"{time.perf_counter() - begin:.1f}")
    return float(finished.read_text())


def stage(name: str) -> None:
    """Run one stage in the project of this process."""
    from tasks.params import load

    params = load()
    what, *names = name.split()
    if what == "train":
        stage_of, kind = names
        if stage_of == LONG:
            stage_of, params = "sar", longer(params, kind)
        _train(stage_of, kind, params)
        return
    _work()[what](params, *names)


def _work() -> dict[str, Callable[..., Any]]:
    from tasks.download.stage import download_source
    from tasks.narrate.stage import narrate_source

    def validate(params: Any, text: str) -> None:
        from tasks.validate.stage import validate_text

        validate_text(text, params=params)

    def pairs(params: Any, source: str) -> None:
        from tasks.narrate.pair_stage import narrate_pairs

        narrate_pairs(source, params=params)

    def evaluate(params: Any, _: str = "") -> None:
        from tasks.evaluate.stage import evaluate

        evaluate(params=params)

    return {
        "download": lambda _, source: download_source(source),
        "narrate": lambda params, source: narrate_source(source, params=params.narrate),
        "validate": validate,
        "pairs": pairs,
        "evaluate": evaluate,
    }


def _train(stage_of: Any, kind: str, params: Any) -> None:
    if kind == "gpt":
        from tasks.train.gpt_stage import train_gpt

        train_gpt(stage_of, params=params, log=_silent)
    else:
        from tasks.train.stage import train_model

        train_model(stage_of, kind, params=params, log=_silent)


def _silent(metrics: Mapping[str, float], step: int) -> None:
    """The curves are in training.json."""


def longer(params: Any, kind: str) -> Any:
    """`params` with as many epochs of SAR as make the steps of both stages, rounded up to whole epochs."""
    from tasks import paths

    own = getattr(params, kind)
    optical = json.loads((paths.model("optical", kind) / "training.json").read_text(encoding="utf-8"))
    spent = sum(_steps(settings, optical) for settings in _trainings(optical))
    recipe = own.finetune
    images = _images("sar", questions=kind == "gpt")
    spent += recipe.epochs * ((images + _replayed(recipe.replay, seed=params.seed)) // recipe.batch_size)
    epochs = math.ceil(spent / (images // recipe.batch_size))
    return replace(params, **{kind: replace(own, finetune=replace(recipe, epochs=epochs))})


def _trainings(training: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The settings of one training, or of each part of it."""
    settings = training["settings"]
    return [settings] if "epochs" in settings else list(settings.values())


def _steps(settings: Mapping[str, Any], training: Mapping[str, Any]) -> int:
    """Planned steps of one part: what patience saves is given to SAR alone all the same."""
    return int(settings["epochs"]) * (int(training["images"]) // int(settings["batch_size"]))


def _images(text: str, *, questions: bool) -> int:
    return len({row["record_id"] for row in _rows(text, questions=questions)})


def _replayed(share: float, *, seed: int) -> int:
    """Optical images that stage 2 goes on to see."""
    from tasks.train.replay import replayed

    return len({row["record_id"] for row in replayed(_rows("optical", questions=False), share=share, seed=seed)})


def _rows(text: str, *, questions: bool) -> list[dict[str, Any]]:
    from tasks import paths, records

    path = paths.text(text) / ("train_questions.parquet" if questions else "train.parquet")
    return records.read(path, columns=["record_id"])


def _write(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
