"""Prefect flows: order, retries, artifacts around the functions of `tasks`. No arithmetic, no file formats."""
