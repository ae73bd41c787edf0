"""Tables come out byte for byte the same, however they came in, and are there as a whole or not at all."""

import gc
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks import collector, records

ROWS = 120_001  # two full row groups and a rest


def captions(start: int, stop: int) -> pa.Table:
    numbers = range(start, stop)
    return pa.table(
        {
            "record_id": [f"made/{number // 5:06}" for number in numbers],
            "caption_id": [f"made/{number // 5:06}#c{number % 5}" for number in numbers],
            "text": [f"{number % 97} ships." for number in numbers],
            "route": ["a2c"] * len(numbers),
            "rule": [f"boxes.{number % 7}@1" for number in numbers],
            "claims": [[("count", "ship", str(number % 97))] * (number % 3) for number in numbers],
        },
        schema=records.CAPTIONS,
    )


def test_bytes_tell_nothing_of_how_a_table_was_cut(tmp_path: Path) -> None:
    whole = captions(0, ROWS)
    pq.write_table(whole, tmp_path / "plain", compression="zstd", store_schema=False, row_group_size=50_000)
    records.write_table(tmp_path / "whole", whole)
    cuts = [0, 1, 777, 50_000, 50_001, 110_000, ROWS]
    parts = [captions(start, stop) for start, stop in pairwise(cuts)]
    records.write_tables(tmp_path / "parts", parts, schema=records.CAPTIONS)
    assert (tmp_path / "whole").read_bytes() == (tmp_path / "plain").read_bytes()
    assert (tmp_path / "parts").read_bytes() == (tmp_path / "plain").read_bytes()
    read = list(records.read_batches(tmp_path / "parts", columns=["caption_id"], rows=7_000))
    assert max(batch.num_rows for batch in read) <= 7_000
    assert pa.Table.from_batches(read)["caption_id"].to_pylist() == whole["caption_id"].to_pylist()


def test_a_table_without_rows_is_written(tmp_path: Path) -> None:
    records.write_tables(tmp_path / "none", [], schema=records.CAPTIONS)
    assert records.read_table(tmp_path / "none").schema.names == records.CAPTIONS.names


def test_what_fails_half_way_leaves_no_table(tmp_path: Path) -> None:
    def broken() -> Iterator[pa.Table]:
        yield captions(0, 10)
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        records.write_tables(tmp_path / "half", broken(), schema=records.CAPTIONS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"garbage", b"PAR1garbagePAR1"])
def test_a_damaged_table_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "records.parquet"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"^{path} cannot be read .*`dvc checkout`"):
        records.read(path)
    with pytest.raises(ValueError, match=rf"^{path} cannot be read .*`dvc checkout`"):
        list(records.read_batches(path, columns=["record_id"], rows=1))


def test_the_collector_rests_and_comes_back() -> None:
    @collector.paused()
    def inner() -> bool:
        with collector.paused():
            pass
        return gc.isenabled()

    assert gc.isenabled()
    assert not inner()
    assert gc.isenabled()
    with pytest.raises(ValueError, match="stop"), collector.paused():
        raise ValueError("stop")
    assert gc.isenabled()
