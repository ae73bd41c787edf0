"""Telling people elsewhere: a POST to the address in `SAR_TEXT_WEBHOOK_URL`, as chat services take it."""

import os

TIMEOUT_S = 10.0


def notify(text: str) -> str | None:
    """Send `{"text": text}`. Returns why it could not be sent: a silent service must not undo a retrain; None where it
    was sent, or no address is set. The address is a secret, and is never part of what is returned."""
    url = os.environ.get("SAR_TEXT_WEBHOOK_URL")
    if not url:
        return None
    import httpx

    try:
        answer = httpx.post(url, json={"text": text}, timeout=TIMEOUT_S)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"the service at SAR_TEXT_WEBHOOK_URL cannot be told ({type(error).__name__})"
    return None if answer.is_success else f"the service at SAR_TEXT_WEBHOOK_URL answered {answer.status_code}"
