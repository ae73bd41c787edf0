"""SPICE through pycocoevalcap's jar (Anderson et al., ECCV 2016), which needs Java and Stanford's CoreNLP 3.6.0.

The package comes without CoreNLP and would fetch some 400 MB in the middle of a run; here that is an error before it.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

from sar_models.metrics.bootstrap import Statistic, mean

CORENLP = ("stanford-corenlp-3.6.0.jar", "stanford-corenlp-3.6.0-models.jar")


def require() -> None:
    """Raise `ValueError` that says how to get what SPICE lacks here."""
    if shutil.which("java") is None:
        raise ValueError(
            "SPICE is not computed: it needs Java, and there is no `java` on the PATH. Install a Java runtime (Debian "
            "and Ubuntu: `apt-get install default-jre-headless`), or set evaluate.spice to false in params.yaml"
        )
    if missing := [name for name in CORENLP if not (_folder() / "lib" / name).is_file()]:
        raise ValueError(
            f"SPICE is not computed: {_folder() / 'lib'} lacks {' and '.join(missing)}. With a network, `python -m "
            "pycocoevalcap.spice.get_stanford_models` fetches them; without one, copy them there from "
            "stanford-corenlp-full-2015-12-09.zip, or set evaluate.spice to false in params.yaml"
        )


def statistic(truths: Mapping[int, list[str]], results: Mapping[int, list[str]]) -> Statistic:
    """Mean SPICE of tokenised captions (row → one caption) against tokenised references (row → references).

    Raises `ValueError` as `require` does.
    """
    require()
    from pycocoevalcap.spice.spice import Spice

    return mean([image["All"]["f"] for image in Spice().compute_score(truths, results)[1]])


def _folder() -> Path:
    import pycocoevalcap.spice

    return Path(pycocoevalcap.spice.__file__).parent
