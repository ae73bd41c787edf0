"""WebDataset tars for `open_clip_train`: one sample a caption, `<number>.{jpg,png}`, `.txt` and `.json`.

Train with `python -m open_clip_train.main --dataset-type webdataset --train-data 'OUT/train/{000000..000041}.tar' …`;
`sizes.json` in each folder tells it the number of samples. Readers shuffle only what is near, so samples stand in the
order of a hash: the captions of one image, which would be false negatives to each other in a batch, lie far apart.
open_clip_train 3.3 stops at the end of any training tar with webdataset 0.2.96 or newer (KeyError 'fname',
github.com/mlfoundations/open_clip/issues/935): train with an earlier one.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tasks.export.bundle import Bundle, Row
from tasks.validate.write import SPLITS

SAMPLES = 5_000  # a shard


def write(bundle: Bundle) -> None:
    """Write `<split>/<number>.tar` and `<split>/sizes.json`."""
    bundle.bar.expect(bundle.rows(""))
    for split in SPLITS:
        rows = sorted(bundle.captions(split), key=lambda row: _dice(row["caption_id"]))
        sizes = {}
        for start in range(0, len(rows), SAMPLES):
            own = rows[start : start + SAMPLES]
            name = f"{start // SAMPLES:06}.tar"
            sizes[name] = len(own)
            bundle.put(f"{split}/{name}", partial(_shard, bundle, own, start))
        bundle.put_json(f"{split}/sizes.json", sizes)


def _shard(bundle: Bundle, rows: Sequence[Row], first: int, path: Path) -> None:
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for number, row in enumerate(rows, start=first):
            picture = bundle.picture(row)
            about = {name: row[name] for name in ("caption_id", "record_id", "route", "rule", "source", "text")}
            _add(tar, f"{number:09}.{picture.suffix}", picture.data)
            _add(tar, f"{number:09}.json", json.dumps(about, sort_keys=True, ensure_ascii=False).encode())
            _add(tar, f"{number:09}.txt", row["text"].encode())
            bundle.bar.moved(len(picture.data))
            bundle.bar.finished()


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)  # no owner, no clock
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


def _dice(caption_id: str) -> bytes:
    return hashlib.sha256(caption_id.encode()).digest()
