#!/usr/bin/env bash
# The example: a model becomes a trained supernet, three subnets and a table. Every command is printed as a user would type it.
#
#   examples/run.sh            SmolLM2-135M-Instruct on the documentation of Python's standard library; 16 to 25 minutes on 2 cores
#   examples/run.sh --tiny     a model of 70 thousand weights on a made-up corpus, offline; about a minute and a half
#
#   --minutes N                training time of the real model (10)
#   --out DIR                  where everything goes (out/smollm2 or out/tiny)
#   --build-dir DIR            an existing build; without it the script sets up and builds first
#
# Stopped with Ctrl-C, or killed, the same command goes on: training from its newest checkpoint, the search with all its evaluations. After
# the end it only makes the table again; with more --minutes it trains for the rest of them. To begin anew, remove the folder.
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
SECONDS=0
# A program that is interrupted keeps its work and ends well, so the script has to stop by itself.
trap 'echo; echo "run.sh: interrupted; the same command goes on" >&2; exit 130' INT
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

# train PROGRAM RUN OPTION...: from the beginning, or on from where an earlier start of this script was stopped.
train() {
  local program=$1 folder=$2 resume=()
  shift 2
  [[ ! -d $folder ]] || resume=(--resume)
  run "$program" train --data train.txt --validation-data validation.txt --tokenizer tokenizer.json --out "$folder" "$@" "${resume[@]}"
}

# evaluate NAME PROGRAM OPTION...: eval/NAME.json gets the perplexity on text that neither training nor search has seen.
evaluate() {
  local file=eval/$1.json program=$2
  shift 2
  local command=("$program" eval --data test.txt --tokenizer tokenizer.json "$@" "${eval_options[@]}" --json)
  mkdir -p eval
  typed "${command[@]}"
  echo " > $file"
  "${command[@]}" > "$file"
}

# shape: of a step, and of what eval reads at once.
if [[ -n $tiny ]]; then
  run "$python" examples/tiny/make_tiny.py "$out"
  shape=(--batch 8 --sequence 128) supernet_options=(--group-size 16 --rank 4) prompt="Anna lost a grey dog."
  train_options=(--max-steps 800 --learning-rate 1e-3 --schedule cosine) eval_options=()
else
  run "$python" examples/smollm2/make_model.py "$out" --cache out/download
  run "$python" examples/corpus/make_corpus.py "$out"
  shape=(--batch 2 --sequence 256) supernet_options=(--group-size 64 --rank 16) prompt="Return a list of the"
  train_options=(--max-minutes "$minutes") eval_options=(--max-tokens 8192)
fi
budgets=(4bpw 3bpw 2.5bpw)

cd "$out"
echo
echo "In $PWD:"
trained=() float_run=()
run "$compile" model.onnx --method full "${shape[@]}" -o float-model
if [[ -n $tiny ]]; then
  # No trained model of this size comes along: train the random weights in float first.
  train ./float-model float-run --max-steps 2000 --learning-rate 1e-2 --schedule cosine --warmup-steps 20 --clip 1
  trained=(--weights float-run) float_run=(--run float-run)
fi
run "$compile" model.onnx "${trained[@]}" --bits auto "${supernet_options[@]}" "${shape[@]}" -o story
train ./story run "${train_options[@]}"
run ./story search --run run "${budgets[@]/#/--budget=}"

# Each configuration as it was rounded and as it is trained: the same bytes, so that the difference is what training brought.
evaluate float ./float-model "${float_run[@]}"
rows=("float=eval/float.json")
for bits in 4 3 2; do
  evaluate "rounded-$bits" ./story --run run --bits "$bits" --initial
  evaluate "trained-$bits" ./story --run run --bits "$bits"
  rows+=("$bits bits everywhere=eval/rounded-$bits.json,eval/trained-$bits.json")
done
for budget in "${budgets[@]}"; do
  run "$compile" model.onnx --subnet "run/subnets/$budget.json" --weights run "${shape[@]}" -o "story-$budget"
  evaluate "rounded-$budget" ./story --run run --configuration "run/subnets/$budget.json" --initial
  evaluate "subnet-$budget" "./story-$budget"
  rows+=("subnet of $budget=eval/rounded-$budget.json,eval/subnet-$budget.json")
done
run "./story-${budgets[0]}" generate --tokenizer tokenizer.json --prompt "$prompt" --max-tokens 60 --temperature 0.7 --top-p 0.9 --seed 1
echo
printf 'Held-out text (test.txt), after %d:%02d minutes in all:\n' $((SECONDS / 60)) $((SECONDS % 60))
"$python" "$scripts/table.py" "${rows[@]}"
