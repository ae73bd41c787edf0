"""Deterministic tars that tarfile and WebDataset read, and whose members lie where the writer says."""

import tarfile
from pathlib import Path

import numpy as np
import webdataset

from tasks.download.shards import ShardWriter

RNG = np.random.default_rng(5)
LONG = "s/" + "folder_of_a_scene/" * 12 + "image.png"  # beyond the 100 bytes of a tar name
MEMBERS = [
    (name, RNG.bytes(size))
    for name, size in {"s/a.png": 700, "s/b.jpg": 512, "s/b/empty.png": 0, LONG: 1300, "s/ö#0,0,8,8.tif": 4000}.items()
]


def write(folder: Path, *, shard_bytes: int = 10**6) -> list[tuple[bytes, bytes | None, Path]]:
    places = []
    with ShardWriter(folder, shard_bytes=shard_bytes) as writer:
        for number, (name, data) in enumerate(MEMBERS):
            mask = data[::-1] if number % 2 else None
            place = writer.add(name, data, mask=mask)
            places.append((data, mask, place))
    found = []
    for data, mask, place in places:
        shard = (folder / place.shard).read_bytes()
        assert shard[place.offset : place.offset + place.length] == data
        if mask is None:
            assert place.mask_offset is None
            assert place.mask_length is None
        else:
            assert shard[place.mask_offset : place.mask_offset + place.mask_length] == mask
        found.append((data, mask, folder / place.shard))
    return found


def test_places_point_to_the_bytes_and_tarfile_agrees(tmp_path: Path) -> None:
    write(tmp_path)
    with tarfile.open(tmp_path / "000000.tar") as tar:
        members = {member.name: member for member in tar.getmembers()}
        assert list(members) == [
            n for i, (name, _) in enumerate(MEMBERS) for n in ([name, f"{name}.mask.png"] if i % 2 else [name])
        ]
        for name, data in MEMBERS:
            file = tar.extractfile(members[name])
            assert file is not None
            assert file.read() == data
        for member in members.values():
            assert (member.mtime, member.uid, member.gid, member.uname, member.gname) == (0, 0, 0, "", "")
            assert member.mode == 0o644


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    write(tmp_path / "one")
    write(tmp_path / "two")
    assert (tmp_path / "one" / "000000.tar").read_bytes() == (tmp_path / "two" / "000000.tar").read_bytes()


def test_full_shards_begin_anew_and_keep_image_and_mask_together(tmp_path: Path) -> None:
    found = write(tmp_path, shard_bytes=3000)
    shards = sorted(tmp_path.iterdir())
    assert [shard.name for shard in shards] == [f"{i:06}.tar" for i in range(len(shards))]
    assert len(shards) > 2
    assert len({path for _, _, path in found}) == len(shards)
    for shard in shards:
        assert shard.stat().st_size % tarfile.RECORDSIZE == 0
        with tarfile.open(shard) as tar:
            assert tar.getmembers()


def test_webdataset_reads_images_with_their_masks(tmp_path: Path) -> None:
    with ShardWriter(tmp_path) as writer:
        writer.add("s/one.png", b"1", mask=b"m")
        writer.add("s/two.png", b"2")
    samples = list(webdataset.WebDataset(str(tmp_path / "000000.tar"), shardshuffle=False))
    assert [(s["__key__"], s["png"], s.get("png.mask.png")) for s in samples] == [
        ("s/one", b"1", b"m"),
        ("s/two", b"2", None),
    ]
