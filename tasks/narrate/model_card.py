"""The data card of `data/model_text/`: what it is, how it was chosen, what it must not be used for."""

from collections.abc import Mapping
from typing import Any


def render(report: Mapping[str, Any], *, licences: Mapping[str, str]) -> str:
    """Markdown from the report and the licences of the sources."""
    chosen = report["chosen"]
    weights = sorted(report["weights_sha256"].items())
    quarantined = sum(report["quarantined"].values())
    if chosen is None:
        verdict = (
            f"No threshold reached a claim precision of {report['min_claim_precision']:g}, so **nothing is kept**: all "
            f"{quarantined} captions are in `quarantine.parquet` with their scores."
        )
    else:
        verdict = (
            f"Kept where the CLIP score is at least {chosen['clip_score']:.4f} and agreement at least "
            f"{chosen['agreement']:.4f}: {report['kept']} of {report['images']}; the other {quarantined} are in "
            f"`quarantine.parquet` with scores and reason. On the validation images the captions above them "
            f"had a claim precision of {chosen['claim_precision']:.3f} ({chosen['claims']} claims, {chosen['kept']} "
            f"captions; the goal is {report['min_claim_precision']:g})."
        )
    lines = [
        "# Captions by SAR-RS-CoCa of images without annotation",
        "",
        "**Written by a model, checked by no annotation.** No training stage and no test reads this folder.",
        "",
        verdict,
        "",
        f"Thresholds were set on {report['validation_images']} annotated images of the SAR text's validation split. "
        "Images of another kind than these may be captioned worse than the number says.",
        "",
        f"Weights (sha256): {', '.join(f'{kind} `{digest[:12]}`' for kind, digest in weights)}.",
        "",
        "| source | licence of the images |",
        "|---|---|",
        *(f"| {name} | {licence} |" for name, licence in sorted(licences.items())),
        "",
    ]
    if report["quarantined"]:
        lines += ["| reason in quarantine | captions |", "|---|---|"]
        lines += [f"| `{reason}` | {count} |" for reason, count in report["quarantined"].items()]
        lines.append("")
    return "\n".join(lines)
