#!/usr/bin/env bash
# The example: a model becomes a trained supernet, three subnets and a table. Every command is printed as a user would type it.
#
#   examples/run.sh            SmolLM2-135M-Instruct on the documentation of Python's standard library; about 25 minutes on 2 cores
#   examples/run.sh --tiny     a model of 0.2 million weights on a made-up corpus, offline; about 3 minutes
#
#   --minutes N                training time of the real model (10)
#   --out DIR                  where everything goes (out/smollm2 or out/tiny)
#   --build-dir DIR            an existing build; without it the script sets up and builds first
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tiny= minutes=10 out= build=
while [[ $# -gt 0 ]]; do
  case $1 in
    --tiny) tiny=yes ;;
    --minutes | --out | --build-dir)
      [[ $# -ge 2 ]] || { echo "run.sh: $1 wants a value" >&2; exit 1; }
      case $1 in
        --minutes) minutes=$2 ;;
        --out) out=$2 ;;
        --build-dir) build=$2 ;;
      esac
      shift
      ;;
    --help) sed -n '2,/^set/p' "${BASH_SOURCE[0]}" | grep '^#' | cut -c3-; exit 0 ;;
    *) echo "run.sh: unknown argument $1; see --help" >&2; exit 1 ;;
  esac
  shift
done
if [[ -z $build ]]; then
  scripts/build.sh
  build=build
fi
python=${QFA_PYTHON:-$PWD/.venv/bin/python} scripts=$PWD/examples
out=${out:-out/${tiny:+tiny}}
[[ $out != out/ ]] || out=out/smollm2
mkdir -p "$out"
compile=$(realpath --relative-to="$out" "$build")/bin/qfa-compile

# A command as one would type it: only what needs quotes has them.
typed() {
  local word
  printf '\n$'
  for word in "$@"; do
    [[ $word =~ ^[A-Za-z0-9_./=,:+-]+$ ]] || word="'$word'"
    printf ' %s' "$word"
  done
}

run() {
  typed "$@"
  echo
  "$@"
}

# eval JSON-FILE PROGRAM OPTION...: perplexity on text that neither training nor search has seen.
evaluate() {
  local file=eval/$1.json program=$2
  shift 2
  mkdir -p eval
  typed "$program" eval --data test.txt --tokenizer tokenizer.json "$@" --json
  echo " > $file"
  "$program" eval --data test.txt --tokenizer tokenizer.json "$@" --json > "$file"
}

if [[ -n $tiny ]]; then
  run "$python" examples/tiny/make_tiny.py "$out"
  budgets=(4bpw 3bpw 2.5bpw) compile_options=(--group-size 32 --batch 8 --sequence 128) prompt="Anna lost a grey dog."
  train_options=(--max-steps 200) search_options=() eval_options=()
else
  run "$python" examples/smollm2/make_model.py "$out" --cache out/download
  run "$python" examples/corpus/make_corpus.py "$out"
  budgets=(4bpw 3bpw 2.5bpw) compile_options=(--group-size 64) prompt="Return a list of the"
  train_options=(--max-minutes "$minutes") search_options=(--max-tokens 1024) eval_options=(--max-tokens 8192)
fi

cd "$out"
echo
echo "In $PWD:"
weights=()
if [[ -n $tiny ]]; then
  # No trained model of this size comes along: train the random weights in float first.
  run "$compile" model.onnx --method full --batch 8 --sequence 128 -o float-model
  run ./float-model train --data train.txt --validation-data validation.txt --tokenizer tokenizer.json --out float-run \
    --max-steps 400 --learning-rate 1e-2
  weights=(--weights float-run)
fi
run "$compile" model.onnx "${weights[@]}" --bits auto "${compile_options[@]}" -o story
run ./story train --data train.txt --validation-data validation.txt --tokenizer tokenizer.json --out run "${train_options[@]}"
run ./story search --run run "${budgets[@]/#/--budget=}" "${search_options[@]}"

rows=("float=eval/float.json")
evaluate float ./story --float "${eval_options[@]}"
for bits in 4 3 2; do
  evaluate "rounded-$bits" ./story --bits "$bits" "${eval_options[@]}"
  rows+=("rounded to nearest, $bits bits=eval/rounded-$bits.json")
done
for budget in "${budgets[@]}"; do
  run "$compile" model.onnx --subnet "run/subnets/$budget.json" --weights run -o "story-$budget"
  evaluate "subnet-$budget" "./story-$budget" "${eval_options[@]}"
  rows+=("trained subnet, $budget=eval/subnet-$budget.json")
done
run "./story-${budgets[0]}" generate --tokenizer tokenizer.json --prompt "$prompt" --max-tokens 60
echo
echo "Perplexity on held-out text (test.txt):"
"$python" "$scripts/table.py" "${rows[@]}"
