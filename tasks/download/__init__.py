"""Sources become records and shards: catalog, fetch, unpack, read a format, cut, describe, write."""
