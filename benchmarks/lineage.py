"""Lineage on a made history: 1,000 revisions, 200 versions, 136,584 records with five captions each.

    python -m benchmarks.run lineage

Every revision's lock differs; every fifth builds text and weights anew and becomes a version. Each question is asked
five times, from git and MLflow anew; the peer figure is the limit that was set.
`--verify` hashes by MD5, which is what DVC keeps; the bare MD5 and the bare sha256 beside it are `hashlib.file_digest`
by threads on all processors over the same files.
"""

import hashlib
import os
import resource
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tasks import records, tracking
from tasks.lineage import versions
from tasks.lineage.audit import audit
from tasks.lineage.cache import Cache
from tasks.lineage.collect import Lineage
from tasks.lineage.copies import hash_all, of_file
from tasks.lineage.history import History
from tasks.lineage.impact import impact, of_record, of_source
from tests.fakes.history import MadeHistory, Run, lock

REVISIONS, VERSIONS, RECORDS, CAPTIONS = 1000, 200, 136_584, 5
SOURCES = 6
CODE = {f"tasks/part_{number:02}.py": f"{number}\n".encode() for number in range(60)}


def run() -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "repository"
        made = _Made(root)
        made.build()
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
        os.environ["SAR_TEXT_STATE"] = f"{folder}/state"
        made.register()
        last = f"sar-rs-clip/{VERSIONS}"
        measured = [
            _timed("audit of one version", 5.0, lambda: _audit(made, last)),
            _timed("impact of a source", 5.0, lambda: _impact(made, source="source_0")),
            _timed("impact of a record", 2.0, lambda: _impact(made, record=f"source_0/{7:06}.png")),
        ]
        peak_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        memory = {"name": "lineage: peak memory, history made included", "ours": round(peak_gib, 2), "peer": 2.0,
                  "ratio": round(2.0 / peak_gib, 2), "unit": "GiB", "n": 1, "spread": None}  # fmt: skip
        return [*measured, memory, *_verify(Path(folder))]


def _timed(name: str, limit_s: float, ask: Callable[[], None]) -> dict[str, Any]:
    times_s, busy_s = [], []
    for _ in range(5):
        began_s, began_busy_s = time.perf_counter(), _busy_s()
        ask()
        times_s.append(time.perf_counter() - began_s)
        busy_s.append(_busy_s() - began_busy_s)
    middle_s = sorted(times_s)[2]
    spread = [round(min(times_s), 2), round(max(times_s), 2)]
    return {"name": f"lineage: {name}", "ours": round(middle_s, 2), "peer": limit_s,
            "ratio": round(limit_s / middle_s, 2), "unit": "s", "n": 5, "spread": spread,
            "cpu_s": round(sorted(busy_s)[2], 2)}  # fmt: skip


def _busy_s() -> float:
    """Processor seconds of this process and of git, which a busy machine does not lengthen as it does the wait."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _lineage(made: "_Made") -> Lineage:
    return Lineage(History(made.root), Cache(made.root, folder=made.cache))


def _audit(made: "_Made", name: str) -> None:
    result = audit(versions.pick(versions.load_all(), name), lineage=_lineage(made))
    unexpected = [finding for finding in result.findings if "is not in the MLflow store" not in finding]
    assert not unexpected, unexpected


def _impact(made: "_Made", *, source: str = "", record: str = "") -> None:
    lineage = _lineage(made)
    lineage.add_all()
    item = of_record(record, lineage=lineage) if record else of_source(source, lineage=lineage)
    assert len(impact(item, lineage=lineage, versions=versions.load_all()).versions) == VERSIONS


def _verify(folder: Path) -> list[dict[str, Any]]:
    files = []
    for number in range(64):
        path = folder / f"{number}.bin"
        path.write_bytes(os.urandom(8 << 20))
        files.append(path)
    digests = _bare(files, "md5")
    times_s: dict[str, list[float]] = {"ours": [], "md5": [], "sha256": []}
    for _ in range(5):
        for name in ("md5", "sha256"):
            began_s = time.perf_counter()
            _bare(files, name)
            times_s[name].append(time.perf_counter() - began_s)
        copies = [
            of_file(path, place="cache", output="data/made", folder="", inner=path.name, md5=md5)
            for path, md5 in zip(files, digests, strict=True)
        ]
        began_s = time.perf_counter()
        hashed = hash_all(copies)
        times_s["ours"].append(time.perf_counter() - began_s)
        assert all(copy.md5 == found for copy, found in hashed)
    return [_speed(times_s, name, size_mb=64 * 8.388608) for name in ("md5", "sha256")]


def _speed(times_s: dict[str, list[float]], peer: str, *, size_mb: float) -> dict[str, Any]:
    """The median of the ratios of runs next to each other, since the machine is shared."""
    ratios = sorted(bare / ours for ours, bare in zip(times_s["ours"], times_s[peer], strict=True))
    middle = {name: size_mb / sorted(times)[len(times) // 2] for name, times in times_s.items()}
    return {"name": f"lineage: hashing by --verify against bare {peer}", "ours": round(middle["ours"]),
            "peer": round(middle[peer]), "ratio": round(ratios[len(ratios) // 2], 2), "unit": "MB/s",
            "n": len(ratios), "spread": [round(ratios[0], 2), round(ratios[-1], 2)]}  # fmt: skip


def _bare(files: list[Path], name: str) -> list[str]:
    def digest(path: Path) -> str:
        with path.open("rb") as file:
            return hashlib.file_digest(file, name).hexdigest()

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return list(threads.map(digest, files))


class _Made(MadeHistory):
    """Six sources of one text; the first grows by a note a revision, so that every lock is another."""

    def build(self) -> None:
        tables = self._text()
        images = self._records()
        outputs: dict[str, str] = {}
        self.versions: list[tuple[str, str]] = []
        for number in range(REVISIONS):
            runs: dict[str, Run] = {}
            code = {path: hashlib.md5(data).hexdigest() for path, data in CODE.items()}
            for source in range(SOURCES):
                path, text = f"data/sources/sar/source_{source}", f"data/text/sar/source_{source}"
                if source == number % SOURCES or path not in outputs:
                    note = self.put(f"{source} {number}".encode())
                    outputs[path] = self.put_folder({**images[source], "shards/000000.tar": note})
                    outputs[text] = self.put_folder({"captions.parquet": note})
                runs[f"download@source_{source}"] = (code, {path: outputs[path]})
                runs[f"narrate@source_{source}"] = ({path: outputs[path], **code}, {text: outputs[text]})
            if number % (REVISIONS // VERSIONS) == REVISIONS // VERSIONS - 1:
                extra = self.put(str(number).encode())
                outputs["data/sar_text"] = self.put_folder({**tables, "README.md": extra})
                outputs["models/two_stage/clip"] = self.put_folder({"model.safetensors": extra})
                read = {path: self.joined(outputs, below=path) for path in ("data/sources/sar", "data/text/sar")}
                metrics = f'{{"sar": {{"two_stage": {{}}, "run": {{"n": {number}}}}}}}'.encode()
                self.built = {
                    "validate@sar": ({**read, **code}, {"data/sar_text": outputs["data/sar_text"]}),
                    "finetune@clip": (
                        {
                            "data/sar_text": outputs["data/sar_text"],
                            "data/sources/sar": read["data/sources/sar"],
                            **code,
                        },
                        {"models/two_stage/clip": outputs["models/two_stage/clip"]},
                    ),
                    "evaluate": (
                        {path: outputs[path] for path in ("data/sar_text", "models/two_stage/clip")},
                        {"metrics/evaluate.json": hashlib.md5(metrics).hexdigest()},
                    ),
                }
                self.metrics = metrics
                self.versions.append((outputs["models/two_stage/clip"], hashlib.md5(metrics).hexdigest()))
            built = getattr(self, "built", {})
            files = {"dvc.lock": lock({**runs, **built}), "metrics/evaluate.json": getattr(self, "metrics", b"{}")}
            self.commit({**files, **(CODE | {"requirements.lock": b"torch==2\n"} if number == 0 else {})})
        self.finish()

    def register(self) -> None:
        client = tracking.client()
        client.create_registered_model("sar-rs-clip")
        commit = History(self.root).current["HEAD"]
        for weights, metrics in self.versions:
            tags = {"dvc.weights": weights, "dvc.metrics": metrics, "git.commit": commit}
            client.create_model_version("sar-rs-clip", source="runs:/x", tags=tags)

    def _records(self) -> list[dict[str, str]]:
        """The files of each source data set that do not change."""
        found = []
        for source in range(SOURCES):
            ids = _ids(source)
            columns = _nothing(records.RECORDS, rows=len(ids))
            columns |= {"record_id": ids, "source": _constant(f"source_{source}", ids), "sha256": ids}
            description = self.put(f"title: source {source}\nlicence: CC0\n".encode())
            table = pa.table(columns, schema=records.RECORDS)
            found.append({"records.parquet": self.put_table(table), "source.yaml": description})
        return found

    def _text(self) -> dict[str, str]:
        """Tables of a validated data set: four fifths train, a tenth each val and test."""
        files = {}
        empty = self.put_table(records.QUESTION_TEXT.empty_table())
        for split, low, high in (("train", 0, 0.8), ("val", 0.8, 0.9), ("test", 0.9, 1)):
            parts = []
            for source in range(SOURCES):
                ids = _ids(source)
                ids = ids[int(len(ids) * low) : int(len(ids) * high)]
                repeated = ids.take(pa.array([n // CAPTIONS for n in range(len(ids) * CAPTIONS)]))
                columns = _nothing(records.TEXT, rows=len(repeated))
                columns |= dict.fromkeys(("record_id", "sha256", "group", "text", "caption_id"), repeated)
                columns |= {"source": _constant(f"source_{source}", repeated), "route": _constant("a2c", repeated),
                            "rule": _constant("boxes.count@1", repeated)}  # fmt: skip
                parts.append(pa.table(columns, schema=records.TEXT))
            files[f"{split}.parquet"] = self.put_table(pa.concat_tables(parts).combine_chunks())
            files[f"{split}_questions.parquet"] = empty
        files["quarantine.parquet"] = self.put_table(records.QUARANTINE.empty_table())
        return files


def _ids(source: int) -> pa.Array:
    numbers = pa.array(range(RECORDS // SOURCES)).cast(pa.string())
    padded = pc.utf8_lpad(numbers, width=6, padding="0")
    return pc.binary_join_element_wise(f"source_{source}/", pc.binary_join_element_wise(padded, ".png", ""), "")


def _constant(value: str, like: pa.Array) -> pa.Array:
    return pa.repeat(value, len(like))


def _nothing(schema: pa.Schema, *, rows: int) -> dict[str, pa.Array]:
    return {field.name: pa.nulls(rows, field.type) for field in schema}
