"""What a source, an image, a file or a caption touched, in every revision: data, runs, versions, aliases.

A validated data set counts by its tables, not by what it might have read: only rows in train and val teach. From such a
data set everything follows that was made of it, a child of a child included. Rows in test only measure.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.lineage.cache import Cache
from tasks.lineage.collect import Lineage, data_name
from tasks.lineage.contents import SPLITS, TAUGHT
from tasks.lineage.graph import Node
from tasks.lineage.versions import Version

Role = Literal["taught", "tested", "refused"]
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Item:
    """What is asked about: all records of `source`, or these `records` of it, or of these the one `caption`."""

    source: str
    records: frozenset[str] = frozenset()
    caption: str = ""

    @property
    def name(self) -> str:
        return self.caption or ", ".join(sorted(self.records)) or self.source


@dataclass
class Impact:
    """What was touched, and how."""

    item: str
    data: dict[str, str] = field(default_factory=dict)  # data set → holds it | taught | tested | refused | made of it
    runs: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(
        default_factory=dict
    )  # version → trained on it | through a parent | measured on it
    aliases: list[str] = field(default_factory=list)
    current: dict[str, list[str]] = field(default_factory=dict)  # ref → what it still leads to
    old_revisions: list[str] = field(default_factory=list)  # commits that lead to it, and to which no ref points
    findings: list[str] = field(default_factory=list)


def of_source(source: str, *, lineage: Lineage) -> Item:
    """Raises `ValueError` when no revision ever had this source."""
    if not _sets_of(source, lineage=lineage):
        raise ValueError(f"no revision has source '{source}'; there are {', '.join(sorted(_known(lineage)))}")
    return Item(source)


def of_record(record_id: str, *, lineage: Lineage) -> Item:
    """A record, or a caption or question of it. Raises `ValueError` when no revision ever had it."""
    record, mark, number = record_id.rpartition("#")
    is_text = bool(mark) and number[:1] in "cq" and number[1:].isdigit()
    record = record if is_text else record_id
    source = record.partition("/")[0]
    item = Item(of_source(source, lineage=lineage).source, frozenset({record}), record_id if is_text else "")
    rows = _Rows(replace(item, caption=""), lineage.cache)
    if not any(_holds(node, rows) for node in _sets_of(source, lineage=lineage)):
        raise ValueError(f"no revision whose tables are in the cache has record '{record}'")
    return item


def of_file(sha256: str, *, lineage: Lineage) -> list[Item]:
    """The records whose image or annotation is the file with this digest, one item a source.

    Raises `ValueError` when no revision ever had it.
    """
    found: dict[str, set[str]] = {}
    columns = ["record_id", "sha256", "annotation_sha256"]
    for source in _known(lineage):
        for node in _sets_of(source, lineage=lineage):
            table = lineage.cache.table(_file(node, "records.parquet", cache=lineage.cache), columns=columns)
            hit = pc.or_kleene(pc.equal(table["sha256"], sha256), pc.equal(table["annotation_sha256"], sha256))
            found.setdefault(source, set()).update(table.filter(hit)["record_id"].to_pylist())
    items = [Item(source, frozenset(records)) for source, records in sorted(found.items()) if records]
    if not items:
        raise ValueError(f"no image or annotation in any revision has sha256 {sha256}")
    return items


def impact(item: Item, *, lineage: Lineage, versions: Iterable[Version]) -> Impact:
    """Follow `item` through every revision. `lineage` holds all locks (`add_all`)."""
    graph = lineage.graph
    versions = list(versions)
    for version in versions:
        lineage.add_version(version)
    result = Impact(item.name)
    roles = _roles(item, lineage=lineage, result=result)
    taught = {name for name, role in roles.items() if role == "taught"}
    made = graph.after(taught) - taught
    result.data = {**{name: "made of it" for name in made if graph.nodes[name].kind != "stage run"}, **roles}
    result.data = {name: how for name, how in sorted(result.data.items()) if _is_data(graph.nodes[name])}
    result.runs = sorted(name for name in graph.after(roles) & set(lineage.runs) if made & graph.made_into[name])
    tested = {name for name, role in roles.items() if role == "tested"}
    for version in versions:
        how = _how(version, made=made, taught=taught, tested=tested, lineage=lineage)
        if not _makers(version, lineage=lineage):
            how = _told_by_tags(version, taught=taught, lineage=lineage, result=result) or how
        if how:
            result.versions[version.name] = how
            result.aliases += [f"{version.model}@{alias}" for alias in version.aliases]
    _reach(result, lineage=lineage)
    result.findings += lineage.cache.damaged
    return result


def _roles(item: Item, *, lineage: Lineage, result: Impact) -> dict[str, str]:
    """Data set → what `item` is in it. Text is taken as touched where the source data that it was made of is."""
    graph = lineage.graph
    roles: dict[str, str] = {}
    sets = _sets_of(item.source, lineage=lineage)
    holding = _Rows(replace(item, caption=""), lineage.cache)
    for node, holds in _each(sets, lambda node: _holds(node, holding)):
        if holds:
            roles[node.name] = "holds it"
        if isinstance(holds, ValueError):
            result.findings.append(f"{node.name} is taken to hold it: {holds}")
    text = {made for name in roles for run in graph.made_into[name] for made in graph.made_into[run]}
    roles |= {name: "holds it" for name in text if f"/{item.source}" in name and name.startswith("data/")}
    fed = graph.after(roles)  # a data set that read nothing that holds it cannot have its rows
    validated = [node for node in graph.nodes.values() if _is_validated(node) and node.name in fed]
    rows = _Rows(item, lineage.cache)
    for node, role in _each(validated, lambda node: _role(node, rows)):
        if isinstance(role, ValueError):
            roles[node.name] = "taught"
            result.findings.append(f"{node.name} is taken to teach it: {role}")
        elif role:
            roles[node.name] = role
    return roles


def _each(nodes: list[Node], ask: Callable[[Node], Answer]) -> Iterator[tuple[Node, Answer | ValueError]]:
    """What `ask` says of each node, several at once; an error where tables cannot be read is an answer too."""

    def answer(node: Node) -> Answer | ValueError:
        try:
            return ask(node)
        except ValueError as error:
            return error

    with ThreadPoolExecutor() as threads:
        yield from zip(nodes, threads.map(answer, nodes), strict=True)


def _role(node: Node, rows: "_Rows") -> Role | None:
    """What the item is in a validated data set."""
    for split in SPLITS:
        for kind in ("", "_questions"):
            if rows.lie_in(_file(node, f"{split}{kind}.parquet", cache=rows.cache)):
                return "taught" if split in TAUGHT else "tested"
    return "refused" if rows.lie_in(_file(node, "quarantine.parquet", cache=rows.cache)) else None


def _holds(node: Node, rows: "_Rows") -> bool:
    return not rows.item.records or rows.lie_in(_file(node, "records.parquet", cache=rows.cache))


def _file(node: Node, name: str, *, cache: Cache) -> str:
    listing = cache.listing(node.facts["digest"])
    if listing is None or name not in listing:
        raise ValueError(f"{name} of {node.name} is not in the DVC cache")
    return listing[name]


@dataclass
class _Rows:
    """Rows of `item` in tables of the cache; a table that many revisions share is read once."""

    item: Item
    cache: Cache
    _known: dict[str, bool] = field(default_factory=dict)

    def lie_in(self, md5: str) -> bool:
        if md5 not in self._known:
            self._known[md5] = _search(md5, self.item, cache=self.cache)
        return self._known[md5]


def _search(md5: str, item: Item, *, cache: Cache) -> bool:
    """Whether a table has rows of `item`. Tables are sorted by record, so that few row groups are read."""
    least, most = (min(item.records), max(item.records)) if item.records else (f"{item.source}/", f"{item.source}0")
    path = cache.path(md5)
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            key = ("question_id" if "question_id" in names else "caption_id") if item.caption else "record_id"
            column = names.index("record_id") if "record_id" in names else None
            assert column is not None, f"{path} has no records"
            for group in range(file.num_row_groups):
                seen = file.metadata.row_group(group).column(column).statistics
                if seen is None or not seen.has_min_max or (seen.min <= most and seen.max >= least):
                    found = file.read_row_group(group, columns=[key])[key]
                    if _any(found, item):
                        return True
    except (OSError, pa.ArrowInvalid) as error:
        raise ValueError(f"object {md5} of the DVC cache cannot be read ({error}): `dvc pull` fetches it") from error
    return False


def _any(ids: pa.ChunkedArray, item: Item) -> bool:
    if item.caption:
        return bool(pc.any(pc.equal(ids, item.caption)).as_py())
    if item.records:
        return bool(pc.any(pc.is_in(ids, value_set=pa.array(sorted(item.records)))).as_py())
    return bool(pc.any(pc.starts_with(ids, f"{item.source}/")).as_py())


def _how(version: Version, *, made: set[str], taught: set[str], tested: set[str], lineage: Lineage) -> str | None:
    graph = lineage.graph
    if version.name in made:
        direct = any(graph.made_of[run] & taught for run in _makers(version, lineage=lineage))
        return "trained on it" if direct else "through a parent"
    digest = version.tags.get("dvc.metrics", "")
    measuring = [run for run in lineage.runs.values() if digest and digest in run.outputs.values()]
    return "measured on it" if any(graph.made_of[run.name] & tested for run in measuring) else None


def _makers(version: Version, *, lineage: Lineage) -> set[str]:
    """The stage runs that wrote its weights."""
    made_of = lineage.graph.made_of
    return {run for weights in made_of.get(version.name, ()) for run in made_of.get(weights, ())}


def _told_by_tags(version: Version, *, taught: set[str], lineage: Lineage, result: Impact) -> str | None:
    """Of a version whose lock no revision has any more, as where the branch of its retrain was deleted: by the data
    sets that it was registered with. Where these are unknown too, that is a finding."""
    unknown = []
    for modality in ("optical", "sar"):
        tag = f"dvc.data.{modality}"
        digest = version.tags.get(tag, "")
        name = data_name(f"data/{modality}_text", digest)
        if name in taught:
            return "trained on it"
        if name not in lineage.graph.nodes:
            unknown.append(f"{tag} ({digest or 'none'})")
    if unknown:
        result.findings.append(
            f"{version.name}: no dvc.lock of any revision has its weights, nor the data of its tags "
            f"{', '.join(unknown)}, so that it may have learned from it: `git fetch` the branch that it was made on"
        )
    return None


def _reach(result: Impact, *, lineage: Lineage) -> None:
    """Which refs lead to what was touched, and which older revisions do."""
    touched = {
        (facts["path"], facts["digest"]): name
        for name in result.data
        if "digest" in (facts := lineage.graph.nodes[name].facts)
    }
    by_blob = {
        blob: sorted({touched[out] for run in lock.values() for out in run.outputs.items() if out in touched})
        for blob, lock in lineage.parsed.items()
    }
    locks = lineage.history.locks
    current = {ref: by_blob.get(locks.get(commit, ""), []) for ref, commit in lineage.history.current.items()}
    result.current = {ref: names for ref, names in current.items() if names}
    tips = set(lineage.history.current.values())
    result.old_revisions = [commit for commit, blob in locks.items() if by_blob.get(blob) and commit not in tips]


def _sets_of(source: str, *, lineage: Lineage) -> list[Node]:
    ending = f"/{source}"
    nodes = lineage.graph.nodes.values()
    return [node for node in nodes if _is_source(node) and str(node.facts["path"]).endswith(ending)]


def _known(lineage: Lineage) -> set[str]:
    return {str(node.facts["path"]).rsplit("/", 1)[1] for node in lineage.graph.nodes.values() if _is_source(node)}


def _is_source(node: Node) -> bool:
    return node.name.startswith("data/sources/") and str(node.facts["path"]).count("/") == 3


def _is_validated(node: Node) -> bool:
    return node.name.startswith(("data/sar_text ", "data/optical_text "))


def _is_data(node: Node) -> bool:
    return node.kind in ("data set", "checkpoint", "measurement")
