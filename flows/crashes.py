"""What is started again after a crash, and how often: so that what kills its worker each time ends some day."""

MOST = 3


def check(crashes: int) -> None:
    """Raises `ValueError` when a run crashed `MOST` times in a row: it is not worth another try by itself."""
    if crashes >= MOST:
        raise ValueError(
            f"it crashed {crashes} times in a row, so it is not tried once more by itself: the log of its last run and "
            "that of the worker say why; `prefect deployment run` starts it anew"
        )
