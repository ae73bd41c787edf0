"""Pictures for the page, as data URIs; those that may not be passed on stay out."""

from dataclasses import dataclass
from pathlib import Path

from sar_models.shards import ShardReader
from tasks.download import catalog
from tasks.narrate.contact_sheet import thumbnail
from tasks.report.items import Item
from tasks.report.version import Version
from tasks.validate import licences


@dataclass(frozen=True)
class Shown:
    """A picture on the page; without `uri` a box with the record's name stands in its place, and says why."""

    record_id: str
    uri: str | None
    why: str  # it is not shown, else empty


class Pictures:
    """The pictures of one version."""

    def __init__(self, version: Version) -> None:
        self._readers: dict[str, _VersionShards] = {}
        self._version = version
        self._forbidden: dict[str, str | None] = {}

    def shown(self, item: Item) -> Shown:
        """The picture of `item`.

        Raises `ValueError` naming the file or record that is missing, damaged, or has no description in `sources/`.
        """
        record_id, source = item.place["record_id"], item.place["source"]
        if source not in self._forbidden:
            self._forbidden[source] = licences.forbidden(catalog.load(source), use="redistribution")
        if why := self._forbidden[source]:
            return Shown(record_id, None, why)
        if item.text not in self._readers:
            self._readers[item.text] = _VersionShards(self._version, item.text)
        picture = self._readers[item.text].picture(item.place)
        return Shown(record_id, f"data:image/jpeg;base64,{thumbnail(picture)}", "")

    def close(self) -> None:
        for reader in self._readers.values():
            reader.close()


class _VersionShards(ShardReader):
    """Shards wherever the version has them."""

    def __init__(self, version: Version, text: str) -> None:
        super().__init__(Path("data", "sources", text))
        self._version = version

    def _path(self, source: str, shard: str) -> Path:
        usual = super()._path(source, shard)
        return self._version.place(usual.as_posix()) or usual
