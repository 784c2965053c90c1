#!/usr/bin/env bash
# Checks QFA on an NVIDIA GPU. Two parts, because the machine with the card need not have anything but a driver:
#   scripts/gpu-check.sh prepare [FOLDER]    with a build: compiles programs and gathers what they need (out/gpu-check)
#   scripts/gpu-check.sh run [FOLDER]        with a card: kernels against the CPU's, with timings; 200 steps on both; whole steps
#                                            of the LLaMA-2-7B shape, its kernels beside the card's limits and beside PyTorch's;
#                                            all but the 200 steps with generated products and, where it is, with cuBLASLt's
# run --device emulated rehearses it without a card, on the small model only; prepare --small makes no more than that needs.
# run --limit SECONDS ends each program that takes longer (150; emulated: never, which is 0). FOLDER/runs/log.txt keeps what run prints.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

usage() {
  sed -n '2,8s/^# //p' "${BASH_SOURCE[0]}"
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

compile() {
  "$build/bin/qfa-compile" "$@"
}

# A small model that has learned something, as a training program in both precisions.
prepare_small() {
  local shape=(--batch 4 --sequence 64) target=(--target=cpu,cuda --gpu-arch 80,90,90a,100) precision
  if [[ $small ]]; then
    shape=(--batch 2 --sequence 32 --isa portable)
    target=(--target=cpu,cuda --gpu-arch 80)
  fi
  "$root/.venv/bin/python" "$root/examples/tiny/make_tiny.py" "$folder"
  compile "$folder/model.onnx" --method full "${shape[@]}" -o "$folder/dense"
  "$folder/dense" train --data "$folder/train.txt" --validation-data "$folder/validation.txt" --tokenizer "$folder/tokenizer.json" \
    --out "$folder/dense-run" --max-steps 300 --learning-rate 1e-2 --eval-every 0 2>/dev/null
  for precision in bf16 f32; do
    compile "$folder/model.onnx" --weights "$folder/dense-run" "${shape[@]}" --group-size 32 "${target[@]}" \
      --gpu-precision "$precision" -o "$folder/tiny-$precision"
  done
  rm -rf "$folder"/dense "$folder"/dense.safetensors "$folder"/dense-run
}

# Training steps of LLaMA-2-7B; bench and check make their numbers on the spot, so no weights are needed.
prepare_large() {
  PYTHONPATH=$root/examples "$root/.venv/bin/python" -c '
import sys
from llama_onnx import LlamaShape, write_llama
write_llama(sys.argv[1], LlamaShape(vocab=32000, hidden=4096, layers=32, heads=32, kv_heads=32, intermediate=11008, tied=False), None)
' "$folder/7b"
  compile "$folder/7b/model.onnx" --program-only --batch 2 --sequence 2048 --rank 64 --alpha 64 --target=cpu,cuda \
    --gpu-arch 80,90,90a,100 -o "$folder/llama-7b"
  rm -rf "$folder/7b"
}

prepare() {
  [[ -x $build/bin/qfa-compile ]] || { echo "gpu-check: no $build/bin/qfa-compile; scripts/build.sh makes it" >&2; exit 1; }
  rm -rf "$folder/llama-7b"
  mkdir -p "$folder/lib"
  prepare_small
  [[ $small ]] || prepare_large
  cp "$root/scripts/gpu-torch.py" "$root/scripts/gpu_cards.py" "$folder/"
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

# Runs a program, but no longer than the limit: one kernel that hangs must not take the others' time. Returns 124 when it did.
limited() {
  local status=0 start=$SECONDS
  timeout --foreground --kill-after 10 "$limit" "$@" || status=$?
  ((status && limit && SECONDS - start >= limit)) || return "$status"
  echo "gpu-check: $(basename "$1") $(basename "$2") was ended after $limit seconds"
  return 124
}

# What a failure's line says of its status more than that it is not 0.
late() {
  (($1 != 124)) || echo ": ended after $limit seconds"
}

train() {
  local log=$2.log status=0
  products_by auto
  limited "$folder/tiny-$1" train --data "$folder/train.txt" --validation-data "$folder/validation.txt" --tokenizer "$folder/tokenizer.json" \
    --out "$2" --max-steps "$steps" --learning-rate 2e-3 --eval-every 0 --device "$3" "${products[@]}" 2> "$log" || status=$?
  if ((status)); then
    echo "the end of $log:"
    tail -n 10 "$log"
  fi
  return "$status"
}

# Who is to make the products of the next programs. sm_90: the generated ones of mma.sync, on a card that has wgmma.
products_by() {
  unset QFA_GPU_ARCH
  products=(--gemm "$1")
  if [[ $1 == sm_90 ]]; then
    export QFA_GPU_ARCH=90
    products=(--gemm generated)
  fi
}

# Every kernel of a program whose name holds $2, with products by $3, as a table that stays in the folder.
check_kernels() {
  products_by "$3"
  limited "$folder/$1" check --device "$device" "${products[@]}" --repeats "$repeats" --kernel "$2" | tee "$folder/runs/$1-$3-check.txt"
}

# Whole steps of the large program, named $1, with products by $2 and more options. A card that has no room for them is not at fault.
bench_large() {
  local what=$1 text=$folder/runs/$large-bench.txt status=0
  products_by "$2"
  shift 2
  limited "$folder/$large" bench --device "$device" "${products[@]}" "$@" 2>&1 | tee "$text" || status=$?
  ((status)) || return 0
  if grep -q '^[^:]*: bench needs .* are free: ' "$text"; then
    skipped+=("$what: $(sed -n 's/^[^:]*: \(bench needs .* are free\): .*/\1/p' "$text")")
  else
    failures+=("$what$(late "$status")")
  fi
}

# Who makes matrix products: the generated kernels, and cuBLASLt where there is one that works, be it PyTorch's.
choose_gemms() {
  gemms=(generated)
  [[ $device != emulated ]] || return 0
  local found text=$folder/runs/cublaslt.txt
  limited "$folder/tiny-f32" check --device "$device" --gemm generated --kernel embedding > "$text" 2>&1 || true
  ! grep -q ', sm_90[,)]' "$text" || gemms+=(sm_90)
  found=$(timeout 30 find /usr/local /usr/lib /opt ${HOME:+"$HOME"} -xdev -name 'libcublasLt.so.1[23]' -print -quit 2>/dev/null || true)
  [[ ! $found ]] || export LD_LIBRARY_PATH=$LD_LIBRARY_PATH:$(dirname "$found")
  if limited "$folder/tiny-f32" check --device "$device" --gemm cublaslt --kernel linear > "$text" 2>&1; then
    gemms+=(cublaslt)
  elif grep -q ' against ' "$text"; then # it computed, but not what it should
    cat "$text"
    failures+=("products by cublaslt: $(tail -n 1 "$text")")
  else
    skipped+=("products by cublaslt: $(tail -n 1 "$text")")
  fi
  echo "products by: ${gemms[*]}"
}

# A program's times beside the card's limits and PyTorch's, where there is a Python, which has libraries of its own.
compare_times() {
  if command -v python3 >/dev/null; then
    LD_LIBRARY_PATH=$libraries limited python3 "$folder/gpu-torch.py" "$folder/runs/$1-$2-check.txt"
  else
    echo "no comparison with torch: no python3 in PATH"
  fi
}

run() {
  local failures=() skipped=() products=() precision tolerance large=llama-7b bits gemm gemms
  [[ $device != emulated && -x $folder/llama-7b ]] || large=tiny-bf16
  export LD_LIBRARY_PATH=$folder/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  if command -v nvidia-smi >/dev/null; then
    nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader || true # the programs say more of what is amiss
  fi
  choose_gemms
  for precision in f32 bf16; do
    for gemm in "${gemms[@]}"; do
      echo "== small model, $precision, products $gemm: every kernel"
      check_kernels "tiny-$precision" "" "$gemm" || failures+=("kernels of the small model in $precision, products $gemm$(late $?)")
    done
  done
  for precision in f32 bf16; do
    tolerance=$([[ $precision == f32 ]] && echo 1e-3 || echo 3e-2)
    echo "== small model, $precision: $steps steps on both devices"
    if train "$precision" "$folder/runs/cpu-$precision" cpu && train "$precision" "$folder/runs/gpu-$precision" "$device"; then
      compare_runs "$folder/runs/cpu-$precision" "$folder/runs/gpu-$precision" "$tolerance" || failures+=("training in $precision")
    else
      failures+=("training in $precision did not end$(late $?)")
    fi
  done
  for gemm in "${gemms[@]}"; do
    for bits in 4 mixed; do
      echo "== $large: whole training steps at bits $bits, products $gemm"
      bench_large "training steps of $large at bits $bits, products $gemm" "$gemm" --repeats "$repeats" --bits "$bits"
    done
  done
  echo "== $large: the time of each kernel in a training step, one after the other"
  bench_large "profile of $large" auto --repeats 1 --profile
  for gemm in "${gemms[@]}"; do
    if [[ $large == llama-7b ]]; then
      echo "== $large: every kernel of a training step, products $gemm"
      check_kernels "$large" 2x2048 "$gemm" || failures+=("kernels of $large, products $gemm$(late $?)")
    fi
    echo "== $large: kernels beside the card's limits and PyTorch, products $gemm"
    compare_times "$large" "$gemm" || failures+=("times of $large beside others, products $gemm$(late $?)")
  done
  echo
  ((!${#skipped[@]})) || printf 'gpu-check: skipped: %s\n' "${skipped[@]}"
  if ((${#failures[@]})); then
    printf 'gpu-check: FAILED: %s\n' "${failures[@]}"
    exit 1
  fi
  echo "gpu-check: all good on $device"
}

libraries=${LD_LIBRARY_PATH-}
folder=$root/out/gpu-check build=$root/build small='' device=cuda steps=200 repeats=10 limit=''
verb=${1:-}
shift || true
while (($#)); do
  case $1 in
    --build) build=$(realpath -m "$2"); shift ;;
    --small) small=yes ;;
    --device) device=$2; shift ;;
    --steps) steps=$2; shift ;;
    --repeats) repeats=$2; shift ;;
    --limit) limit=$2; shift ;;
    -*) usage; exit 1 ;;
    *) folder=$(realpath -m "$1") ;;
  esac
  shift
done
case $verb in
  prepare) prepare ;;
  run)
    [[ -x $folder/tiny-bf16 ]] || { echo "gpu-check: nothing in $folder; scripts/gpu-check.sh prepare makes it" >&2; exit 1; }
    [[ $limit ]] || limit=$([[ $device == emulated ]] && echo 0 || echo 150)
    [[ $limit =~ ^[0-9]+$ ]] || { echo "gpu-check: --limit is '$limit', wanted seconds" >&2; exit 1; }
    rm -rf "$folder/runs"
    mkdir "$folder/runs"
    run 2>&1 | tee "$folder/runs/log.txt"
    ;;
  *) usage; [[ $verb == --help || $verb == -h ]] ;;
esac
