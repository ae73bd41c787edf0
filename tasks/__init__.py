"""The work itself: plain typed functions on files, text, checks and lineage. Knows no Prefect."""
