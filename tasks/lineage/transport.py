"""OpenLineage events to a collector by HTTP, one POST an event (https://openlineage.io/apidocs/openapi/)."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

TIMEOUT_S = 30.0
_SHOWN = 200  # characters of a refusal


def post(events: Sequence[Mapping[str, Any]], *, url: str) -> int:
    """Send `events` to `url`, such as http://HOST:5000/api/v1/lineage; gives their number. `OPENLINEAGE_API_KEY` goes
    along as a bearer token, where it is set. Sent again they are the same runs to the collector.

    Raises `ValueError` at the first event that is not taken, with what the collector said; those before it were taken.
    """
    import httpx

    key = os.environ.get("OPENLINEAGE_API_KEY")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with httpx.Client(headers=headers, timeout=TIMEOUT_S) as client:
        for number, event in enumerate(events):
            which = (
                f"{event['eventType']} of {event['job']['name']}, {number} of {len(events)} events were sent before it"
            )
            try:
                answer = client.post(url, json=event)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise ValueError(f"{_shown(url)} cannot be reached ({type(error).__name__}) with {which}") from error
            if not answer.is_success:
                said = " ".join(answer.text.split())[:_SHOWN]
                raise ValueError(f"{_shown(url)} answered {answer.status_code} to {which}: {said or 'no reason'}")
    return len(events)


def _shown(url: str) -> str:
    """Without a name and password in it."""
    scheme, mark, rest = url.partition("://")
    return f"{scheme}{mark}{rest.rpartition('@')[2]}"
