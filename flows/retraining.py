"""`sar-text watch` and `retrain`: what is new at the addresses of watched sources, and new models from it."""

import argparse
import json
import os
from collections.abc import Callable
from dataclasses import asdict

DEPLOYMENT = "retrain/retrain"
Add = Callable[[str, Callable[[argparse.Namespace], None], str], argparse.ArgumentParser]


def add_commands(add: Add) -> None:
    """Add both to the `sar-text` command."""
    watch = add("watch", _watch, "take new, changed and removed files of watched sources into their descriptions")
    watch.add_argument("--json", action="store_true", help="print the changes as JSON, a source an entry")
    retrain = add("retrain", _retrain, "take new data of watched sources, train on it, judge the models and promote")
    retrain.add_argument("--revision", help="commit, branch or tag; default: the last retrain's, else HEAD")
    retrain.add_argument("--dry-run", action="store_true", help="say what is new and what would run, and do nothing")


def retrain_from(commit: str) -> str:
    """Have the deployment `retrain` run from `commit`, where a Prefect server is named that has it; says so, or else
    which command does it. Raises `ValueError` when the server does not answer."""
    command = f"`sar-text retrain --revision {commit}` trains without it"
    api_url = os.environ.get("PREFECT_API_URL")
    if not api_url:
        return command
    import httpx
    from prefect.exceptions import ObjectNotFound

    from flows import deploy

    try:
        with deploy.client(api_url) as prefect:
            deployment = prefect.read_deployment_by_name(DEPLOYMENT)
            run = prefect.create_flow_run_from_deployment(deployment.id, parameters={"revision": commit})
    except ObjectNotFound:
        return f"{command}; {api_url} has no deployment {DEPLOYMENT} that could"
    except httpx.HTTPError as error:
        raise ValueError(
            f"Prefect at {api_url} does not answer ({error}), no retrain is scheduled: {command}"
        ) from error
    return f"scheduled: a retrain without it, flow run {run.name} of {DEPLOYMENT} from commit {commit}"


def _watch(arguments: argparse.Namespace) -> None:
    from tasks.retrain.update import update_all

    found = update_all()
    if arguments.json:
        print(json.dumps([asdict(changes) for changes in found], ensure_ascii=False))
        return
    for changes in found:
        print(changes.text())
    if not found:
        print("no source is watched: docs/retraining.md tells how")


def _retrain(arguments: argparse.Namespace) -> None:
    from flows.retrain import retrain
    from flows.stage import run

    run(retrain, arguments.revision, arguments.dry_run)
