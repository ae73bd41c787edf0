"""Commands about lineage: `sar-text audit`."""

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

FOUND = 2  # exit code: something could not be resolved, or is not what its digest says


def add_commands(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Put the commands of this file into the `sar-text` parser."""
    audit = add(
        "audit", _audit, "what stands behind a model version, each answer with its evidence; findings: exit code 2"
    )
    audit.add_argument("version", metavar="MODEL@ALIAS|MODEL/VERSION", help="such as sar-rs-clip@champion or sar-gpt/3")
    audit.add_argument("--json", action="store_true", help="print all of it as JSON")
    audit.add_argument("--list", choices=["images"], help="name every image with the digest of its bytes")


def _audit(arguments: argparse.Namespace) -> None:
    from tasks import paths
    from tasks.lineage import show, versions
    from tasks.lineage.audit import audit
    from tasks.lineage.collect import Lineage

    version = versions.pick(versions.load_all(), arguments.version)
    result = audit(version, lineage=Lineage.at(paths.root()), list_images=arguments.list == "images")
    if arguments.list == "images" and not arguments.json:
        for image in result.images or []:
            print("\t".join(image.values()))
        print("\n".join(f"finding: {finding}" for finding in result.findings), file=sys.stderr)
    else:
        answers = result.as_dict()
        _print(f"audit of {version.name}", answers if arguments.json else show.brief(answers), as_json=arguments.json)
    _end(result.findings)


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
