#!/bin/bash
# All that is measured on one GPU, about twelve minutes on an H200:   benchmarks/gpu/measure.sh OUT WORK
# First training steps beside open_clip_train (one JSON row each in OUT/steps.jsonl), while other processors draw
# and describe the scenes; then the larger experiment of profiles/gpu.yaml: 5 times the scenes of the default run, ViT-B-32
# from random weights (OUT/experiment). WORK is kept: after an interruption the same command goes on.
# Needs torch with CUDA, open_clip_torch, transformers and what pyproject.toml names; no Prefect, DVC or MLflow.
set -euo pipefail
out=${1:?where the results go}
work=${2:?a folder for what is half done}
mkdir -p "$out" "$work"
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv | tee "$out/device.csv"
experiment=(python3 -m benchmarks.experiments --seeds 101 --params profiles/gpu.yaml --scale 5 --work "$work/experiment")
step() { # a case that fails or takes too long must not cost the others
  echo "== $*"
  timeout 150 taskset -c 0-3 python3 -m benchmarks.train_step --device cuda --precision bf16 --threads 4 "$@" 2>&1 \
    | tee -a "$out/steps.log" | grep '^{' >> "$work/steps.jsonl" || echo "failed: $*"
  tail -n 1 "$out/steps.log"
}
if [ ! -e "$work/steps_done" ]; then
  taskset -c 4-$(($(nproc --all) - 1)) "${experiment[@]}" --lanes 10 --only download narrate "validate optical" > "$out/prepare.log" 2>&1 &
  step --model ViT-B-32 --batch 1024 --steps 10 --rounds 3
  step --model ViT-B-32 --batch 1024 --steps 10 --rounds 3 --compile
  step --model ViT-B-32 --batch 4096 --micro-batch 256 --steps 2 --rounds 1  # in the memory of …
  step --model ViT-B-32 --batch 256 --steps 5 --rounds 1                     # … this
  step --model ViT-L-14 --batch 256 --steps 4 --rounds 2 --compile
  touch "$work/steps_done"
  wait
fi
cp "$work/steps.jsonl" "$out"
"${experiment[@]}" --lanes 8 --out "$out/experiment" 2>&1 | tee "$out/experiment.log"
