"""An installation with passwords, on PostgreSQL, does real work with secrets all around it, and writes none of them
down; then it is restored from its backup on another PostgreSQL, with other passwords."""

import base64
import io
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import numpy as np
import psutil
import pytest
import yaml
from clones import edit, run, small_clone
from moto.server import ThreadedMotoServer
from PIL import Image
from postgres import PASSWORD, postgres

from tasks.download.digests import of_file

pytestmark = pytest.mark.e2e
USERS = {
    "PREFECT_SERVER_API_AUTH_STRING": "admin:prefect-s3cret", "MLFLOW_TRACKING_USERNAME": "admin",
    "MLFLOW_TRACKING_PASSWORD": "mlflow-s3cret-99%", "MLFLOW_FLASK_SERVER_SECRET_KEY": "flask-s3cret-long-random",
}  # fmt: skip
AWS = {"AWS_ACCESS_KEY_ID": "AKIAS3CRET", "AWS_SECRET_ACCESS_KEY": "aws-s3cret-key"}
WEBHOOK = "http://127.0.0.1:9/hooks/webhook-s3cret"
ORIGIN = "https://oauth2:origin-s3cret@git.example/sar-text.git"
MARKS = ("s3cret", "AKIAS3CRET", PASSWORD, "p%40ss%3Aw0rd", *(
    base64.b64encode(text.encode()).decode() for text in
    ("admin:prefect-s3cret", f"admin:{USERS['MLFLOW_TRACKING_PASSWORD']}")
))  # fmt: skip
SETTINGS = ".state/mlflow/users.ini"  # MLflow's own, with the password of its administrator
WORK = """
from flows.download import download
from flows.stage import run
from tasks.retrain.webhook import notify
try:
    run(download, "chips")
finally:
    print(notify("a report"))
"""


def store(address: str) -> Any:
    named = {"aws_access_key_id": AWS["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": AWS["AWS_SECRET_ACCESS_KEY"]}
    return boto3.resource("s3", endpoint_url=address, region_name="us-east-1", **named)


@pytest.fixture
def keys() -> Iterator[dict[str, str]]:
    """The environment of a source on an S3-protocol server that has eight images."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    bucket = store(address).create_bucket(Bucket="images")
    rng = np.random.default_rng(7)
    for number in range(8):
        image = io.BytesIO()
        Image.fromarray(rng.integers(0, 255, (64, 64), dtype=np.uint8)).save(image, "PNG")
        bucket.put_object(Key=f"chips/T72/{number}.png", Body=image.getvalue())
    yield {**AWS, "AWS_ENDPOINT_URL": address}
    server.stop()


@pytest.fixture
def clone(tmp_path: Path, keys: dict[str, str]) -> Iterator[Path]:
    folder = tmp_path / "clone"
    small_clone(folder)
    subprocess.run(["git", "remote", "set-url", "origin", ORIGIN], cwd=folder, check=True)
    edit(folder / "params.yaml", {"sources.chips": "sar"})
    yield folder
    run(folder, "-m", "flows.cli", "down")


def describe(folder: Path, keys: dict[str, str]) -> None:
    """The source `chips`, pinned by what lies at its address."""
    named = {"aws_access_key_id": AWS["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": AWS["AWS_SECRET_ACCESS_KEY"]}
    bucket = boto3.resource("s3", endpoint_url=keys["AWS_ENDPOINT_URL"], region_name="us-east-1", **named).Bucket(
        "images"
    )
    listed = []
    for entry in sorted(bucket.objects.all(), key=lambda entry: entry.key):
        (file := folder.parent / "image.png").write_bytes(entry.get()["Body"].read())
        listed.append(f"{of_file(file).sha256}  {entry.key.removeprefix('chips/')}\n")
    (folder / "sources/chips.sha256").write_text("".join(listed))
    described = {
        "title": "Chips", "format": "chips", "modality": "sar", "role": "train", "licence": "CC0-1.0",
        "citation": "none", "radiometry": {"unit": "amplitude"}, "classes": {"T72": "t72"},
        "reader": {"image": r"(?P<class>\w+)/\d+\.png"}, "address": "s3://images/chips/",
        "files_list": "chips.sha256", "files_list_sha256": of_file(folder / "sources/chips.sha256").sha256,
    }  # fmt: skip
    (folder / "sources/chips.yaml").write_text(yaml.safe_dump(described, sort_keys=False))


def addresses(folder: Path) -> dict[str, str]:
    files = {name: folder / f".state/{name}/server.json" for name in ("prefect", "mlflow")}
    return {name: json.loads(file.read_text())["address"] for name, file in files.items()}


def statuses(folder: Path, *, prefect: str, mlflow: str) -> tuple[int, int]:
    """What both servers answer to administrators with these passwords."""
    at = addresses(folder)
    with httpx.Client(trust_env=False, timeout=60.0) as client:
        search = f"{at['mlflow']}/api/2.0/mlflow/experiments/search?max_results=1"
        asked = client.post(f"{at['prefect']}/flows/filter", json={}, auth=("admin", prefect))
        return asked.status_code, client.get(search, auth=("admin", mlflow)).status_code


def test_no_secret_is_written_down_and_a_restored_installation_has_new_passwords(
    clone: Path, keys: dict[str, str], tmp_path: Path
) -> None:
    describe(clone, keys)
    with postgres() as url:
        try:
            around = {**USERS, **keys, "DATABASE_URL": url, "SAR_TEXT_WEBHOOK_URL": WEBHOOK}
            said = run(clone, "-m", "flows.cli", "up", **around)
            assert said.returncode == 0, said.stdout + said.stderr
            assert statuses(clone, prefect="wrong", mlflow="wrong") == (401, 401)
            assert statuses(clone, prefect="prefect-s3cret", mlflow=USERS["MLFLOW_TRACKING_PASSWORD"]) == (200, 200)
            assert not list((clone / ".state").rglob("prefect.db*")), "the data is in PostgreSQL"
            assert not (clone / ".state/mlflow.db").exists()

            at = addresses(clone)
            named = {
                "PREFECT_API_URL": at["prefect"], "MLFLOW_TRACKING_URI": at["mlflow"],
                "PREFECT_API_AUTH_STRING": USERS["PREFECT_SERVER_API_AUTH_STRING"],
            }  # fmt: skip
            worked = run(clone, "-c", WORK, **around, **named)
            assert worked.returncode == 0, worked.stdout[-3000:] + worked.stderr[-3000:]
            assert "the service at SAR_TEXT_WEBHOOK_URL cannot be told" in worked.stdout
            assert (clone / "data/sources/sar/chips/records.parquet").is_file()
            asked = run(clone, "-m", "prefect", "deployment", "run", "audit/audit", "--watch", **around, **named)
            assert "nothing to audit" in (clone / ".state/workers/cpu.log").read_text(), "a worker did it"
            edit(clone / "sources/chips.yaml", {"address": "s3://key:source-s3cret@images/chips/"})
            refused = run(clone, "-m", "flows.download", "chips", **around, **named)
            assert "must not stand in a file that goes into git" in refused.stderr
            (clone / "sources/chips.yaml").unlink()

            folder = tmp_path / "backup"
            backed = run(clone, "-m", "flows.cli", "backup", str(folder), **around)
            assert backed.returncode == 0, backed.stderr
            assert sorted(file.name for file in (folder / "databases").iterdir()) == [
                "mlflow.pgdump", "prefect.pgdump", "users.sqlite",
            ]  # fmt: skip
            dumps = [plain(folder / f"databases/{name}.pgdump") for name in ("prefect", "mlflow")]
            assert "download@chips" in dumps[0]
            assert "dvc.stage" in dumps[1]
            printed = [text for each in (said, worked, asked, refused, backed) for text in (each.stdout, each.stderr)]
            assert found_in([*printed, *dumps]) == []
            for code in ("tests", "benchmarks"):  # where the secrets of this test stand
                shutil.rmtree(clone / code)
            files = [file for file in (*clone.rglob("*"), *folder.rglob("*")) if file.is_file()]
            leaks = {str(file.relative_to(tmp_path)) for file in files if found_in([file.read_text("latin-1")])}
            assert leaks == {"clone/.git/config", f"clone/{SETTINGS}"}, "git's own note of `origin`, and MLflow's"
            seen = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
            assert found_in(seen) == []
            assert (clone / SETTINGS).stat().st_mode & 0o077 == 0

            assert run(clone, "-m", "flows.cli", "down").returncode == 0
        finally:
            run(clone, "-m", "flows.cli", "down")

    shutil.rmtree(clone)
    subprocess.run(["git", "clone", "--quiet", str(folder / "repository.bundle"), str(clone)], check=True)
    with postgres() as url:
        changed = {
            **around, "DATABASE_URL": url, "PREFECT_SERVER_API_AUTH_STRING": "admin:prefect-changed",
            "MLFLOW_TRACKING_PASSWORD": "mlflow-changed-99",
        }  # fmt: skip
        back = run(clone, "-m", "flows.cli", "restore", str(folder), **changed)
        assert back.returncode == 0, back.stderr
        twice = run(clone, "-m", "flows.cli", "restore", str(folder), **changed)
        assert "nothing is written over" in twice.stderr
        try:
            again = run(clone, "-m", "flows.cli", "up", **changed)
            assert again.returncode == 0, again.stdout + again.stderr
            assert statuses(clone, prefect="prefect-changed", mlflow="mlflow-changed-99") == (200, 200)
            assert statuses(clone, prefect="prefect-s3cret", mlflow=USERS["MLFLOW_TRACKING_PASSWORD"]) == (401, 401)
            assert {"download@chips", "audit"} <= flow_runs(clone, password="prefect-changed")
        finally:
            run(clone, "-m", "flows.cli", "down")


def flow_runs(folder: Path, *, password: str) -> set[str]:
    """Names of all flow runs that the Prefect server knows, or of their deployments' flows."""
    with httpx.Client(trust_env=False, timeout=60.0, auth=("admin", password)) as client:
        at = addresses(folder)["prefect"]
        flows = {each["id"]: each["name"] for each in client.post(f"{at}/flows/filter", json={}).json()}
        return {
            name for each in client.post(f"{at}/flow_runs/filter", json={}).json()
            for name in (each["name"], flows[each["flow_id"]])
        }  # fmt: skip


def found_in(texts: list[str]) -> list[str]:
    """Where a secret stands, a few letters around it."""
    return [text[max(0, at - 60) : at + 60] for text in texts for mark in MARKS if (at := text.find(mark)) >= 0]


def plain(dumped: Path) -> str:
    """A dump of PostgreSQL as text; as it lies there it is compressed."""
    program = shutil.which("pg_restore")
    assert program is not None
    return subprocess.run([program, "--file=-", str(dumped)], check=True, capture_output=True, text=True).stdout
