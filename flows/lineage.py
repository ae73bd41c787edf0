"""Commands about lineage: `sar-text audit`, `sar-text impact`, `sar-text withdraw`."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tasks.lineage.audit import Audit

FOUND = 2  # exit code: something could not be resolved, or is not what its digest says


def add_commands(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Put the commands of this file into the `sar-text` parser."""
    audit = add(
        "audit", _audit, "what stands behind a model version, each answer with its evidence; findings: exit code 2"
    )
    audit.add_argument("version", metavar="MODEL@ALIAS|MODEL/VERSION", help="such as sar-rs-clip@champion or sar-gpt/3")
    audit.add_argument("--verify", action="store_true", help="hash everything behind it anew: cache, remote, registry")
    audit.add_argument("--rebuild", action="store_true", help="build it anew from the sources on, and compare digests")
    audit.add_argument("--json", action="store_true", help="print all of it as JSON")
    audit.add_argument("--html", type=Path, metavar="FILE", help="write a page with the graph drawn")
    audit.add_argument("--list", choices=["images"], help="name every image with the digest of its bytes")
    forms = ["openlineage", "cyclonedx", "model-card"]
    audit.add_argument("--export", choices=forms, help="write the lineage as other tools read it, into --out")
    audit.add_argument("--to", metavar="URL", help="with --export openlineage: post the events there, write no file")
    audit.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="where --export writes; default: here")
    impact = add("impact", _impact, "every data set, run, version and alias that a source or an image touched")
    asked = impact.add_mutually_exclusive_group(required=True)
    asked.add_argument("--source", help="such as hrsid_sample")
    asked.add_argument("--record", metavar="ID", help="such as sim_ships/JPEGImages/0002001.jpg")
    asked.add_argument("--caption", metavar="ID", help="of a caption or question, such as RECORD#c0")
    asked.add_argument("--file", metavar="SHA256", help="digest of an image or of an annotation")
    impact.add_argument("--json", action="store_true", help="print all of it as JSON")

    withdraw = add(
        "withdraw", _withdraw, "stop using a source or a record: tags, aliases, and a list of what to delete"
    )
    what = withdraw.add_mutually_exclusive_group(required=True)
    what.add_argument("--source")
    what.add_argument("--record", metavar="ID")
    withdraw.add_argument("--reason", required=True, help="why, for those who ask later")
    withdraw.add_argument("--by", required=True, metavar="NAME", help="who decided")
    withdraw.add_argument("--purge", action="store_true", help="delete what is listed, after you type the name of it")


def _withdraw(arguments: argparse.Namespace) -> None:
    from flows.retraining import retrain_from
    from tasks import paths
    from tasks.lineage import without
    from tasks.lineage.card import attach
    from tasks.lineage.collect import Lineage
    from tasks.lineage.impact import of_record, of_source
    from tasks.lineage.verify import remote_of
    from tasks.lineage.withdraw import purge, withdraw

    lineage = Lineage.at(paths.root())
    lineage.add_all()
    name = arguments.source or arguments.record
    item = of_source(name, lineage=lineage) if arguments.source else of_record(name, lineage=lineage)
    remote = remote_of(paths.root())
    done = withdraw(item, reason=arguments.reason, by=arguments.by, lineage=lineage, remote=remote)
    attach(done.tagged)
    answers = {
        "written to": done.file, "tagged": done.tagged, "aliases": done.aliases,
        "to delete": [str(path) for path in done.delete], "to delete on the remote": done.remote,
        "to delete in the registry": done.artifacts, "to delete by hand": done.by_hand,
        "old revisions that lead to it": done.impact.old_revisions, "findings": done.impact.findings,
    }  # fmt: skip
    _print(f"withdrawal of {item.name}", answers, as_json=False)
    print("next: commit sources and params.yaml, `make repro`, commit dvc.lock; `sar-text audit` says if it is gone")
    counted = f"{len(done.delete)} files and folders, {len(done.remote)} objects, {len(done.artifacts)} models"
    question = f"type {name} to delete {counted}: "
    is_confirmed = arguments.purge and input(question) == name
    if is_confirmed:
        print(f"deleted: {purge(done, remote=remote)}")
    print(retrain_from(without.commit()))
    if arguments.purge and not is_confirmed:
        raise ValueError("nothing was deleted: what you typed is not its name")
    _end(done.impact.findings)


def _impact(arguments: argparse.Namespace) -> None:
    from dataclasses import asdict

    from tasks import paths
    from tasks.lineage import versions
    from tasks.lineage.collect import Lineage
    from tasks.lineage.impact import impact, of_file, of_record, of_source

    lineage = Lineage.at(paths.root())
    lineage.add_all()
    if arguments.source:
        items = [of_source(arguments.source, lineage=lineage)]
    elif arguments.file:
        items = of_file(arguments.file, lineage=lineage)
    else:
        items = [of_record(arguments.record or arguments.caption, lineage=lineage)]
    known = versions.load_all()
    found = [impact(item, lineage=lineage, versions=known) for item in items]
    for each in found:
        _print(f"impact of {each.item}", asdict(each), as_json=arguments.json)
    _end([finding for each in found for finding in each.findings])


def _audit(arguments: argparse.Namespace) -> None:
    from tasks.lineage import show, versions
    from tasks.lineage.full import full_audit

    if arguments.to and arguments.export != "openlineage":
        raise ValueError("--to posts OpenLineage events: it goes with --export openlineage")
    version = versions.pick(versions.load_all(), arguments.version)
    is_listed = arguments.list == "images"
    result = full_audit(version, verified=arguments.verify, rebuilt=arguments.rebuild, list_images=is_listed)
    if arguments.html is not None:
        from tasks.lineage.page import page

        arguments.html.write_text(page(result), encoding="utf-8")
    if arguments.export:
        _export(result, arguments)
    if is_listed and not arguments.json:
        for image in result.images or []:
            print("\t".join(image.values()))
        print("\n".join(f"finding: {finding}" for finding in result.findings), file=sys.stderr)
    else:
        answers = result.as_dict()
        _print(f"audit of {version.name}", answers if arguments.json else show.brief(answers), as_json=arguments.json)
    _end(result.findings)


def _export(audit: "Audit", arguments: argparse.Namespace) -> None:
    from tasks.lineage import openlineage, transport
    from tasks.lineage.export import export

    if arguments.to:
        count = transport.post(openlineage.events(audit), url=arguments.to)
        print(f"{count} events were taken", file=sys.stderr)
    else:
        print(export(audit, arguments.out, form=arguments.export), file=sys.stderr)


def _print(title: str, answers: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(answers, indent=2, ensure_ascii=False))
        return
    from rich.console import Console

    from tasks.lineage.show import tree

    Console().print(tree(title, {key: value for key, value in answers.items() if value is not None}))


def _end(findings: list[str]) -> None:
    if findings:
        print(f"{len(findings)} findings", file=sys.stderr)
        sys.exit(FOUND)
