"""The model card of a registered version, filled in from its audit: an artifact of its run, and its description."""

import hashlib
from collections.abc import Iterable

from tasks import tracking
from tasks.lineage import versions
from tasks.lineage.export import FORMS, model_card
from tasks.lineage.full import full_audit

_MOST = 5000  # characters of a description that MLflow's database takes


def attach(names: Iterable[str]) -> None:
    """Write the cards of versions, such as sar-gpt/3, where they changed. A card of what is not committed says so.

    Raises `ValueError` outside a git repository.
    """
    client = tracking.client()
    known = {version.name: version for version in versions.load_all()}
    for version in (known[name] for name in names):
        card = model_card(full_audit(version, verified=False))
        file, _ = FORMS["model-card"]
        digest = hashlib.sha256(card.encode()).hexdigest()  # so that the description changes with all of the card
        where = f"\n…\n\nThe whole card is `{file}` of run {version.run_id}, sha256 {digest}.\n"
        short = card if len(card) <= _MOST else card[: _MOST - len(where)].rpartition("\n")[0] + where
        if client.get_model_version(version.model, version.number).description != short:
            client.log_text(version.run_id, card, file)
            client.update_model_version(version.model, version.number, description=short)
