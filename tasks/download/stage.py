"""The download stage: a source's description → its records, features and shards."""

import tempfile
from pathlib import Path

from tasks import paths, records
from tasks.download import catalog, groups, withdrawn
from tasks.download.build import build
from tasks.download.catalog import Source
from tasks.download.read import reader
from tasks.download.summary import DownloadSummary


def download_source(name: str) -> DownloadSummary:
    """Fetch (or simulate) the source `name`, read its annotations, and write its data folder and its groups.

    Raises `ValueError` that says what to do for whatever is wrong with the description, the files or the address.
    """
    source = catalog.load(name)
    left_out = withdrawn.withheld(source)
    if source.address == "simulated":
        from tasks.download.simulate.write import write_source

        with tempfile.TemporaryDirectory(prefix="simulated-", dir=paths.state()) as folder:
            write_source(source, Path(folder))
            return _build(source, raw=Path(folder), withheld=left_out)
    from tasks.download.fetch import fetch

    return _build(source, raw=fetch(source, raw_root=paths.state() / "raw"), withheld=left_out)


def _build(source: Source, *, raw: Path, withheld: frozenset[str]) -> DownloadSummary:
    out = paths.source_data(source.name)
    description, read = paths.source_file(source.name), reader(source.format)
    summary = build(source, description=description, raw=raw, out=out, read=read, withheld=withheld)
    rows = records.read(out / "records.parquet", columns=["group", "split", "pair_id"])
    groups.write(paths.source_groups(source.name), rows, source=source)
    return summary
