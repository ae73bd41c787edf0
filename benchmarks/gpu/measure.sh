#!/bin/bash
# All that is measured on one GPU, about ten minutes on an H100:   benchmarks/gpu/measure.sh OUT
# First training steps beside open_clip_train (one JSON row each in OUT/steps.jsonl), then the larger experiment of
# profiles/gpu.yaml: 8 times the scenes of the default run, ViT-B-32 from random weights (OUT/experiment).
# Needs torch with CUDA, open_clip_torch, transformers and what pyproject.toml names; no Prefect, DVC or MLflow.
set -euo pipefail
out=${1:?where the results go}
mkdir -p "$out"
steps=(python3 -m benchmarks.train_step --device cuda --precision bf16)
{
  "${steps[@]}" --model ViT-B-32 --batch 1024 --steps 10 --rounds 3
  "${steps[@]}" --model ViT-B-32 --batch 1024 --steps 10 --rounds 3 --compile
  "${steps[@]}" --model ViT-L-14 --batch 256 --steps 4 --rounds 3 --compile
  "${steps[@]}" --model ViT-B-32 --batch 4096 --micro-batch 256 --steps 2 --rounds 1  # in the memory of …
  "${steps[@]}" --model ViT-B-32 --batch 256 --steps 5 --rounds 1                     # … this
} | tee "$out/steps.log" | grep '^{' > "$out/steps.jsonl"
python3 -m benchmarks.experiments --seeds 101 --params profiles/gpu.yaml --scale 8 --out "$out/experiment"
