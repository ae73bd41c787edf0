"""Measurements, each beside a peer in the same run. `make bench` collects them into `benchmarks/results.json`."""
