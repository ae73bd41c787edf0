"""`sar-text score`: the metrics of `evaluate` for anyone's captions or embeddings."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

Add = Callable[[str, Callable[[argparse.Namespace], None], str], argparse.ArgumentParser]
DRAWS, SEED = 1000, 1


def add_commands(add: Add) -> None:
    """Add it to the `sar-text` command."""
    score = add("score", _score, "score anyone's captions, or embeddings, with intervals")
    score.add_argument("--captions", type=Path, metavar="CSV", help="image,caption: one caption an image")
    score.add_argument("--references", type=Path, metavar="JSON", help='{"image": ["caption", ...], ...}')
    score.add_argument("--meteor", action="store_true", help="also METEOR, which needs Java")
    score.add_argument("--image-embeddings", type=Path, metavar="NPY", help="one image a row")
    score.add_argument("--text-embeddings", type=Path, metavar="NPY", help="one text a row")
    score.add_argument("--pairs", type=Path, metavar="CSV", help="image_row,text_row[,text], rows counted from 0")
    score.add_argument("--map", action="store_true", help="also mean average precision over all right items")
    score.add_argument("--json", action="store_true", help="one JSON object of metric and value")


def _score(arguments: argparse.Namespace) -> None:
    captions, embeddings = ("captions", "references"), ("image_embeddings", "text_embeddings", "pairs")
    given = {name for name in (*captions, *embeddings) if getattr(arguments, name) is not None}
    if given not in (set(captions), set(embeddings)):
        raise ValueError(
            "give either --captions and --references, or --image-embeddings, --text-embeddings and --pairs"
        )
    if (arguments.map and "captions" in given) or (arguments.meteor and "pairs" in given):
        raise ValueError("--map is for embeddings, --meteor for captions")
    if "captions" in given:
        from tasks.score.captions import statistics as of_captions

        found = of_captions(arguments.captions, arguments.references, meteor=arguments.meteor)
    else:
        from tasks.score.embeddings import statistics as of_embeddings

        found = of_embeddings(
            arguments.image_embeddings, arguments.text_embeddings, arguments.pairs, precision=arguments.map
        )
    from sar_models.metrics.bootstrap import intervals

    measured = intervals(found, draws=DRAWS, seed=SEED)
    if arguments.json:
        print(json.dumps({name: of.value for name, of in measured.items()}))
        return
    width = max(map(len, measured))
    print(f"{'':{width}}  {'value':>10}  95 % interval over {next(iter(measured.values())).n} images")
    for name, of in measured.items():
        print(f"{name:{width}}  {of.value:10.4f}  {of.low:.4f} to {of.high:.4f}")
