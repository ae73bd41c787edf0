"""The one error of fetching and unpacking."""


class FetchError(ValueError):
    """A source cannot be had as it is described. The message says what happened and what to do about it."""
