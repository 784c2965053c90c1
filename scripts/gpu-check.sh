#!/usr/bin/env bash
# Checks QFA on an NVIDIA GPU. Two parts, because the machine with the card need not have anything but a driver:
#   scripts/gpu-check.sh prepare [FOLDER]    with a build: compiles programs and gathers what they need (out/gpu-check)
#   scripts/gpu-check.sh run [FOLDER]        with a card: kernels against the CPU's, with timings; 200 steps on both
# run --device emulated rehearses it without a card, on the small model only.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

usage() {
  sed -n '2,5s/^# //p' "${BASH_SOURCE[0]}"
}

# Libraries of the programs that a bare machine may lack; the C library is everywhere.
gather_libraries() {
  local program=$1 library
  while read -r library; do
    case $(basename "$library") in
      libc.so* | libm.so* | ld-linux* | libpthread* | libdl* | librt*) ;;
      *) cp -L "$library" "$folder/lib/" ;;
    esac
  done < <(ldd "$program" | awk '$3 ~ /^\// { print $3 }')
}

prepare() {
  local compiler=$root/build/bin/qfa-compile shape=(--batch 4 --sequence 64 --group-size 32) precision
  [[ -x $compiler ]] || { echo "gpu-check: no $compiler; scripts/build.sh makes it" >&2; exit 1; }
  mkdir -p "$folder/lib"
  "$root/.venv/bin/python" "$root/examples/tiny/make_tiny.py" "$folder"
  "$compiler" "$folder/model.onnx" --method full --batch 4 --sequence 64 -o "$folder/dense"
  "$folder/dense" train --data "$folder/train.txt" --validation-data "$folder/validation.txt" --tokenizer "$folder/tokenizer.json" \
    --out "$folder/dense-run" --max-steps 300 --learning-rate 1e-2 --eval-every 0 2>/dev/null
  for precision in bf16 f32; do
    "$compiler" "$folder/model.onnx" --weights "$folder/dense-run" "${shape[@]}" --target=cpu,cuda --gpu-arch 80,90,100 \
      --gpu-precision "$precision" -o "$folder/tiny-$precision"
  done
  # Kernels of a training step of LLaMA-2-7B; their operands are made on the spot, so no weights are needed.
  PYTHONPATH=$root/examples "$root/.venv/bin/python" -c '
import sys
from llama_onnx import LlamaShape, write_llama
write_llama(sys.argv[1], LlamaShape(vocab=32000, hidden=4096, layers=32, heads=32, kv_heads=32, intermediate=11008, tied=False), None)
' "$folder/7b"
  "$compiler" "$folder/7b/model.onnx" --program-only --batch 2 --sequence 2048 --rank 64 --alpha 64 --target=cpu,cuda \
    --gpu-arch 80,90,100 -o "$folder/llama-7b"
  rm -rf "$folder/7b" "$folder"/dense "$folder"/dense.safetensors "$folder"/dense-run
  gather_libraries "$folder/tiny-bf16"
  echo "gpu-check: $folder is ready ($(du -sh "$folder" | cut -f1))"
}

losses() {
  grep -o '"loss":[0-9.]*' "$1/metrics.jsonl" | cut -d: -f2
}

# Losses of two runs side by side; fails where they part by more than the share given.
compare_runs() {
  paste <(losses "$1") <(losses "$2") | awk -v most="$3" '
    { apart = ($1 - $2) / $1; if (apart < 0) apart = -apart; if (apart > largest) largest = apart; steps++
      if (NR % 20 == 1) printf "  step %3d  cpu %.4f  gpu %.4f\n", NR - 1, $1, $2 }
    END { printf "  %d steps, largest difference of a loss %.1e of it, wanted at most %.0e\n", steps, largest, most
          exit !(steps > 0 && largest <= most) }'
}

train() {
  "$folder/tiny-$1" train --data "$folder/train.txt" --validation-data "$folder/validation.txt" --tokenizer "$folder/tokenizer.json" \
    --out "$2" --max-steps "$steps" --learning-rate 2e-3 --eval-every 0 --device "$3" 2>/dev/null
}

run() {
  local failures=() precision tolerance
  [[ -x $folder/tiny-bf16 ]] || { echo "gpu-check: nothing in $folder; scripts/gpu-check.sh prepare makes it" >&2; exit 1; }
  export LD_LIBRARY_PATH=$folder/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  command -v nvidia-smi >/dev/null && nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader
  rm -rf "$folder/runs"
  for precision in f32 bf16; do
    echo "== small model, $precision: every kernel"
    "$folder/tiny-$precision" check --device "$device" --repeats "$repeats" || failures+=("kernels of the small model in $precision")
  done
  for precision in f32 bf16; do
    tolerance=$([[ $precision == f32 ]] && echo 1e-3 || echo 3e-2)
    echo "== small model, $precision: $steps steps on both devices"
    if train "$precision" "$folder/runs/cpu-$precision" cpu && train "$precision" "$folder/runs/gpu-$precision" "$device"; then
      compare_runs "$folder/runs/cpu-$precision" "$folder/runs/gpu-$precision" "$tolerance" || failures+=("training in $precision")
    else
      failures+=("training in $precision did not end")
    fi
  done
  if [[ $device != emulated ]]; then
    echo "== LLaMA-2-7B, 4,096 tokens, bf16: every kernel of a training step"
    "$folder/llama-7b" check --device "$device" --repeats "$repeats" --kernel 2x2048 || failures+=("kernels of the 7B shape")
  fi
  echo
  if ((${#failures[@]})); then
    printf 'gpu-check: FAILED: %s\n' "${failures[@]}"
    exit 1
  fi
  echo "gpu-check: all good on $device"
}

folder=$root/out/gpu-check device=cuda steps=200 repeats=10
verb=${1:-}
shift || true
while (($#)); do
  case $1 in
    --device) device=$2; shift ;;
    --steps) steps=$2; shift ;;
    --repeats) repeats=$2; shift ;;
    -*) usage; exit 1 ;;
    *) folder=$(realpath -m "$1") ;;
  esac
  shift
done
case $verb in
  prepare) prepare ;;
  run) run ;;
  *) usage; [[ $verb == --help || $verb == -h ]] ;;
esac
