"""Images of a folder, found by words: `sar-text search`."""
