"""A small history of this project: two sources, two texts, three revisions, a model with a parent."""

import hashlib
import json
import tempfile
from pathlib import Path

from tasks import records
from tasks.download.shards import ShardWriter
from tests.fakes.history import MadeHistory, Run, lock

CODE = {"flows/train.py": b"train = 1\n"}
METRICS = {"sar/all": {"two_stage": {"mean_recall": {"value": 0.25, "low": 0.2, "high": 0.3, "n": 4}}}}


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def image(source: str, number: int) -> dict[str, object]:
    record_id = f"{source}/{number:03}.png"
    sha256 = hashlib.sha256(record_id.encode()).hexdigest()
    return {"record_id": record_id, "source": source, "sha256": sha256, "group": f"{source}-{number}", "label": "ship",
            "annotation_sha256": sha256[::-1]}  # fmt: skip


class World(MadeHistory):
    """`revise` writes the whole pipeline for the images that a source has, and commits the lock."""

    def __init__(self, root: Path, *, leak: bool = False) -> None:
        super().__init__(root)
        self.leak = leak
        self.outputs: list[dict[str, str]] = []  # of every revision

    def revise(self, images: dict[str, int], *, weights: str, subject: str = "run") -> dict[str, str]:
        """Number of images by source (`ships`, `ports` of SAR, `town` optical); gives every output."""
        text_of = {source: "optical" if source == "town" else "sar" for source in images}
        outputs: dict[str, str] = {}
        runs: dict[str, Run] = {}
        descriptions = {f"sources/{source}.yaml": f"title: {source}\nlicence: CC0\n".encode() for source in images}
        for source, count in images.items():
            path = f"data/sources/{text_of[source]}/{source}"
            files = {**self._images(source, count), "source.yaml": self.put(descriptions[f"sources/{source}.yaml"])}
            wrote = {path: self.put_folder(files)}
            runs[f"download@{source}"] = (
                {f"sources/{source}.yaml": md5(descriptions[f"sources/{source}.yaml"])},
                wrote,
            )
            text = {f"data/text/{text_of[source]}/{source}": self._captions(source, count)}
            runs[f"narrate@{source}"] = (wrote, text)
            outputs |= wrote | text
        reports = {f"metrics/validate_{text}.json": json.dumps({"leaks": {}, "total": {}}).encode()
                   for text in ("optical", "sar")}  # fmt: skip
        for text in ("optical", "sar"):
            read = {
                f"data/{kind}/{text}": self.joined(outputs, below=f"data/{kind}/{text}") for kind in ("sources", "text")
            }
            report = f"metrics/validate_{text}.json"
            inside = {source: count for source, count in images.items() if text_of[source] == text}
            wrote = {f"data/{text}_text": self._validated(inside)}
            runs[f"validate@{text}"] = (read, wrote | {report: md5(reports[report])})
            outputs |= wrote
        optical = {"models/optical/clip": self._weights(f"optical {weights}")}
        runs["pretrain@clip"] = (self._read(outputs, "optical"), optical)
        two_stage = {"models/two_stage/clip": self._weights(weights)}
        runs["finetune@clip"] = ({**self._read(outputs, "sar"), **optical}, two_stage)
        outputs |= optical | two_stage
        metrics = json.dumps(METRICS | {"weights": {weights: {}}}).encode()
        tested = {"data/sar_text": outputs["data/sar_text"], **two_stage}
        runs["evaluate"] = (tested, {"metrics/evaluate.json": md5(metrics), "plots": f"{md5(metrics)}.dir"})
        outputs["metrics/evaluate.json"] = md5(metrics)
        files = {**CODE, **descriptions, **reports, "metrics/evaluate.json": metrics, "dvc.lock": lock(runs),
                      "requirements.lock": b"torch==2.15.0\n", "dvc.yaml": b"stages: {}\n"}  # fmt: skip
        self.commit(files, subject=subject)
        self.outputs.append(outputs)
        return outputs

    def _read(self, outputs: dict[str, str], text: str) -> dict[str, str]:
        path = f"data/sources/{text}"
        code = {name: md5(data) for name, data in CODE.items()}
        return {f"data/{text}_text": outputs[f"data/{text}_text"], path: self.joined(outputs, below=path), **code}

    def _images(self, source: str, count: int) -> dict[str, str]:
        """A shard, and where each image lies in it; the bytes of an image are its name."""
        with tempfile.TemporaryDirectory() as folder:
            with ShardWriter(Path(folder)) as shard:
                rows = []
                for row in (image(source, number) for number in range(count)):
                    place = shard.add(str(row["record_id"]), str(row["record_id"]).encode())
                    rows.append({**row, "shard": place.shard, "offset": place.offset, "length": place.length})
            tar = self.put((Path(folder) / "000000.tar").read_bytes())
        return {"records.parquet": self.put_table(rows, schema=records.RECORDS), "shards/000000.tar": tar}

    def _captions(self, source: str, count: int) -> str:
        rows = [
            {"record_id": image(source, n)["record_id"], "caption_id": f"{source}/{n:03}.png#c0", "text": "a ship"}
            for n in range(count)
        ]
        questions = [{"record_id": row["record_id"], "question_id": row["caption_id"]} for row in rows]
        return self.put_folder(
            {
                "captions.parquet": self.put_table(rows, schema=records.CAPTIONS),
                "questions.parquet": self.put_table(questions, schema=records.QUESTIONS),
            }
        )

    def _validated(self, images: dict[str, int]) -> str:
        """Every fourth image is for the test, every second of a source's first three trains; the last is refused."""
        files = {}
        for split, keep in (("train", (0, 1)), ("val", (2,)), ("test", (3, 0) if self.leak else (3,))):
            chosen = [image(source, n) for source, count in images.items() for n in range(count - 1) if n % 4 in keep]
            captions = [
                row | {"caption_id": f"{row['record_id']}#c0", "route": "a2c", "rule": "boxes.count@1", "split": split}
                for row in chosen
            ]
            files[f"{split}.parquet"] = self.put_table(captions, schema=records.TEXT)
            files[f"{split}_questions.parquet"] = self.put_table([], schema=records.QUESTION_TEXT)
        last = [
            {"record_id": image(source, count - 1)["record_id"], "source": source, "reason": "claims"}
            for source, count in images.items()
        ]
        files["croissant.json"] = self.put(json.dumps({"name": "made", "images": images}).encode())
        files["quarantine.parquet"] = self.put_table(last, schema=records.QUARANTINE)
        return self.put_folder(files)

    def _weights(self, name: str) -> str:
        return self.put_folder(
            {"model.safetensors": self.put(name.encode()), "config.json": self.put(b'{"kind": "clip"}')}
        )
