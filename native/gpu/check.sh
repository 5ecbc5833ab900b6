#!/bin/bash
# native/gpu/check.sh [tests|run|sanitizer|ceilings|bench|profile]...: checks the CUDA engine on a machine with a GPU, all of it in under 270 s.
#
# Needs the folder that native/gpu/prebuild.sh made (.gpu/, or $COLLIE_GPU_DIR), this checkout, and an installed torch of the same version: that of
# $COLLIE_TORCH_DIR (the torch folder), of a virtual environment, or of python3. Needs no compiler, Node, MPI or CUDA toolkit.
# Logs go to $OUT (default gpu-out/), one file a part; the table, printed last, is $OUT/table.txt. Tests come before figures: where tests fail,
# figures are marked void. Every part has a time limit of its own ($COLLIE_LIMIT_BENCH=100 changes one, in seconds), so that what hangs costs its part only.
# Exits 0 when every part passed, 1 when one failed, 2 for wrong arguments, 3 when something is missing.
# COLLIE_TEST_DEVICE=cpu tries all of it with a CPU build and a tiny model.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=${COLLIE_GPU_DIR:-$root/.gpu}
device=${COLLIE_TEST_DEVICE:-cuda}
OUT=${OUT:-$root/gpu-out}
scratch=$(mktemp -d) || exit 3
trap 'rm -rf "$scratch"' EXIT

all_parts=(tests run sanitizer ceilings bench profile)
declare -A limits=([env]=25 [tests]=60 [run]=25 [sanitizer]=35 [ceilings]=30 [bench]=65 [profile]=25) # 265 s
source "$root/native/gpu/find-torch.sh"

usage() {
  echo "check.sh: $1" >&2
  echo "usage: native/gpu/check.sh [$(IFS='|'; echo "${all_parts[*]}")]...   (all of them when none is named)" >&2
  exit 2
}
missing() { # what, next step
  printf 'check.sh: %s\nNext: %s\n' "$1" "$2" >&2
  exit 3
}

# One row of the table: part, result, seconds, what it found.
row() {
  printf '%-14s %-8s %5s s  %s\n' "$1" "$2" "$3" "$4" >> "$OUT/table.txt"
  [ "$2" != FAILED ] || failed=1
}

limit_of() {
  local own=COLLIE_LIMIT_${1^^}
  echo "${!own:-${limits[$1]}}"
}

# Runs a command into a log: limited <seconds> <log> <command...>. 124 and 137 are the exit codes of one that was ended.
limited() {
  local seconds=$1 log=$2
  shift 2
  printf '$ %s\n' "$*" >> "$log"
  timeout -k 3 "$seconds" "$@" >> "$log" 2>&1 < /dev/null
}

outcome() { # exit code, limit, log: the last words of a command that failed
  case $1 in
    124 | 137) echo "ended after its limit of $2 s; last line: $(tail -n 1 "$3" | cut -c1-120)" ;;
    *) echo "exit code $1: $(grep -v '^$' "$3" | tail -n 1 | cut -c1-160)" ;;
  esac
}

# One command, one row: step <part> <row name> <seconds> <log> <pattern of the line to show> <command...>
step() {
  local part=$1 name=$2 seconds=$3 log=$OUT/$4 pattern=$5 begun=$SECONDS code shown
  shift 5
  limited "$seconds" "$log" "$@"
  code=$?
  shown=$(grep -E "$pattern" "$log" | tail -n 1 | sed 's/^=* *//')
  if [ "$code" -ne 0 ]; then
    row "$name" FAILED $((SECONDS - begun)) "$(outcome "$code" "$seconds" "$log")${shown:+ | $shown}"
  elif [ -z "$shown" ]; then
    row "$name" FAILED $((SECONDS - begun)) "ended well, but without a line that matches $pattern"
  else
    row "$name" ok $((SECONDS - begun)) "$shown$void"
  fi
  return "$code"
}

tell_info='import json, sys
info = json.loads(sys.stdin.readlines()[-1])
cards = [d["name"] + ", %.0f GB" % (d["memory_total_bytes"] / 1e9) for d in info["devices"] if d["kind"] == "cuda"]
print("; ".join(cards or [info["cpu_kernels"] + " kernels, no CUDA"]) + "; torch " + info["torch"], end="")'

check_env() {
  local begun=$SECONDS log=$OUT/env.log seconds
  seconds=$(limit_of env)
  {
    date -u; cat "$folder/about" 2> /dev/null; echo "torch $torch"
    [ "$device" = cpu ] || nvidia-smi --query-gpu=name,driver_version,compute_cap,memory.total,memory.free,clocks.max.sm,power.limit --format=csv
  } > "$log" 2>&1
  # The first start reads a gigabyte of libraries.
  limited "$seconds" "$log" "$rank" info
  local code=$?
  [ "$code" -eq 0 ] || { row env FAILED $((SECONDS - begun)) "$(outcome "$code" "$seconds" "$log")"; return; }
  row env ok $((SECONDS - begun)) "$(grep '^{"' "$log" | "$python" -c "$tell_info") at $torch"
}

check_tests() {
  # -d names each case as it ends: what hung is the one after the last.
  step tests tests "$(limit_of tests)" tests.log 'test cases: +[1-9]' "$folder/bin/collie-gpu-tests" -d || void=' (void: tests failed)'
}

check_run() {
  step run run "$(limit_of run)" tests.log '^run: ' "$python" "$root/native/gpu/run.py" --rank "$rank" --source "$folder/run" --scratch "$scratch/run" \
    --device "$device" || void=' (void: the run failed)'
}

check_sanitizer() {
  # Calls that the library tries and does without (memory that other processes may map) are no errors of ours.
  # The sanitizer makes every kernel a hundred times slower: the cases that are called small are made for it.
  local tool sanitized=${COLLIE_SANITIZER_CASES:-small*}
  tool=$(command -v compute-sanitizer || ls "$folder/sanitizer/compute-sanitizer" 2> /dev/null)
  if [ -z "$tool" ]; then
    row sanitizer skipped 0 "no compute-sanitizer on the PATH or in $folder"
    return
  fi
  step sanitizer sanitizer "$(limit_of sanitizer)" sanitizer.log 'ERROR SUMMARY' "$tool" --tool memcheck --report-api-errors no --error-exitcode 9 \
    "$folder/bin/collie-gpu-tests" -tc="$sanitized" || void=' (void: the sanitizer found errors)'
  grep -Eq 'test cases: +[1-9]' "$OUT/sanitizer.log" || row sanitizer FAILED 0 "no test case is called $sanitized"
}

check_ceilings() {
  if ! "$python" -c 'import torch.nn' 2> /dev/null; then
    row ceilings skipped 0 "$python cannot import torch"
    return
  fi
  step ceilings ceilings "$(limit_of ceilings)" ceilings.log '^summary: ' "$python" "$root/native/gpu/ceilings.py" --device "$device"
}

# What each benchmark runs: name, then options. Device memory: 1b-full 25 GB, 8b-lora 60 GB, 8b-qlora 50 GB.
benchmarks() {
  if [ "$device" = cpu ]; then
    local tiny="--model $root/tests/fixtures/parity/llama3-untied"
    echo "tiny-full $tiny --method full --tokens 12,9 --batch 2 --capacity 32 --steps 2"
    echo "tiny-lora $tiny --method lora --rank 4 --batch 2 --seq 16 --steps 2"
    return
  fi
  echo "1b-full --model-shape 1b --method full --batch 8 --seq 1024 --steps 4 --warmup 2"
  echo "8b-lora --model-shape 8b --method lora --batch 2 --seq 4096 --steps 4 --warmup 2"
  echo "8b-qlora --model-shape 8b --method lora --quantization nf4 --batch 2 --seq 4096 --steps 2 --warmup 1"
}

check_bench() {
  local end=$((SECONDS + $(limit_of bench))) name options
  while read -r name options; do
    local left=$((end - SECONDS))
    if [ "$left" -lt 1 ]; then
      row "$name" FAILED 0 "not run: the others took the $(limit_of bench) s of this part"
      continue
    fi
    # shellcheck disable=SC2086 # options are words
    step bench "$name" "$left" bench.log 'tokens/s, peak' "$rank" bench --device "$device" --precision bf16 $options
  done < <(benchmarks)
  "$python" "$root/native/gpu/model.py" --ceilings "$OUT/ceilings.log" --measured "$OUT/bench.log" > "$OUT/model.txt" 2>&1 ||
    row model FAILED 0 "$(tail -n 1 "$OUT/model.txt")"
}

check_profile() {
  local begun=$SECONDS seconds options='--model-shape 1b --method lora --batch 2 --seq 4096'
  seconds=$(limit_of profile)
  [ "$device" != cpu ] || options="--model $root/tests/fixtures/parity/llama3-untied --method lora --rank 4 --batch 2 --seq 16"
  # shellcheck disable=SC2086
  limited "$seconds" "$OUT/profile.log" "$rank" bench --device "$device" --precision bf16 $options --steps 1 --warmup 1 --profile "$scratch/trace.json"
  local code=$?
  if [ "$code" -ne 0 ]; then
    row profile FAILED $((SECONDS - begun)) "$(outcome "$code" "$seconds" "$OUT/profile.log")"
    return
  fi
  step profile profile 20 profile.log '^total: ' "$python" "$root/native/gpu/kernels.py" "$scratch/trace.json"
}

parts=("$@")
[ $# -gt 0 ] || parts=("${all_parts[@]}")
for part in "${parts[@]}"; do
  [[ " ${all_parts[*]} " == *" $part "* ]] || usage "no part \"$part\""
done
[[ $device == cuda || $device == cpu ]] || usage "COLLIE_TEST_DEVICE is cuda or cpu, not \"$device\""

rank=$folder/bin/collie-rank
programs=("$rank")
[[ " ${parts[*]} " != *" tests "* && " ${parts[*]} " != *" sanitizer "* ]] || programs+=("$folder/bin/collie-gpu-tests")
for program in "${programs[@]}"; do
  [ -x "$program" ] || missing "$program is missing" \
    "run native/gpu/prebuild.sh on a machine with Node and a network (no GPU is needed), and bring its folder .gpu/ here"
done
find_torch "$device" # sets torch and python, or ends with what is missing
export LD_LIBRARY_PATH=$(library_path "$torch")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export COLLIE_FIXTURES=${COLLIE_FIXTURES:-$root/tests/fixtures}
export COLLIE_TEST_DEVICE=$device
lacking=$(ldd "${programs[@]}" 2> /dev/null | awk '/not found/ {print $1}' | sort -u | paste -sd' ')
[ -z "$lacking" ] || missing "the programs need libraries that are not here: $lacking" \
  "install the torch with CUDA that they were built for ($(about_value torch)), or set COLLIE_TORCH_DIR to the torch folder that has them (looked in $torch)"
fits_the_card

mkdir -p "$OUT"
rm -f "$OUT"/{table.txt,env.log,model.txt}
for part in "${parts[@]}"; do rm -f "$OUT/$part.log"; done
failed=0 void='' begun=$SECONDS
check_env
for part in "${all_parts[@]}"; do # in this order, whatever the order of the arguments
  [[ " ${parts[*]} " != *" $part "* ]] || "check_$part"
done
printf '%-14s %-8s %5s s\n' all "$([ "$failed" -eq 0 ] && echo ok || echo FAILED)" $((SECONDS - begun)) >> "$OUT/table.txt"
cat "$OUT/table.txt"
exit "$failed"
