"""FAISS's exact search, for `retrieval`, in an environment that has it: `python benchmarks/faiss_peer.py N D THREADS`.

Prints a line of JSON: seconds by the clock and of all processors for the ten best both ways, and peak memory.
"""

import json
import resource
import sys
import time

import faiss
import numpy as np


def main() -> None:
    count, dimension, threads = map(int, sys.argv[1:])
    faiss.omp_set_num_threads(threads)
    generator = np.random.default_rng(0)
    tables = []
    for _ in range(2):
        table = generator.standard_normal((count, dimension), dtype=np.float32)
        faiss.normalize_L2(table)
        tables.append(table)
    wall, processors = time.perf_counter(), time.process_time()
    for queries, held in (tables, tables[::-1]):
        index = faiss.IndexFlatIP(dimension)
        index.add(held)
        index.search(queries, 10)
    wall, processors = time.perf_counter() - wall, time.process_time() - processors
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"wall_s": round(wall, 1), "cpu_s": round(processors, 1), "peak_gib": round(peak, 2)}))


if __name__ == "__main__":
    main()
