#!/bin/bash
# The tests that need a kernel which loads modules: builds the lab if it is missing, compiles the goals' SystemTap modules
# for its kernel, boots it, and lets Tapline run there on real events. Ends with "N passed, N failed".
#
#   npm run test:kernel
#
# All of it runs in two VMs side by side; a choice (CONFORMANCE, CHECKS, GOALS) in one.
# TAPLINE_LAB_DIR: where the lab is kept. SECONDS_ALLOWED: for the job in a VM (840). ENGINE_ONLY=1: without the command line.
# CONFORMANCE=TEXT,...: only the cases of test/conformance with one of these in their "goal: title". TAPLINE_SEEN=1: writes what was seen
# into docs/reference/seen.md and beside.md.
# With CONFORMANCE, what the engine said is kept beside the results, as `tapline run --record` writes it: for a goal's example.jsonl.
# BENCH=1: instead of the tests, bench/probes.mjs under SystemTap.
# CHECKS=REGEXP: only the checks whose names it fits; GOALS=a.b,c.d: only these goals' modules, and no cases.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
lab=${TAPLINE_LAB_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/tapline/lab}
"$here/../lab/vm/build.sh" "$lab"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
job=$work/job results=$lab/results
mkdir "$job"
node "$here/prepare.mjs" "$lab" "$job"
rm -rf "$results"
# vm JOB RESULTS: boots one VM; resolves with the job's status.
vm() { "$here/../lab/vm/run.sh" "$lab" "$1" "$2" "${SECONDS_ALLOWED:-840}"; }
status=0
if [ "${BENCH:-}" = 1 ]; then
  THREAD=multi vm "$job" "$results" || status=$?
  grep -v '^JOB-STATUS' "$results/job.log"
  exit "$status"
elif [ -n "${CONFORMANCE:-}${CHECKS:-}${GOALS:-}" ]; then
  vm "$job" "$results" || status=$?
  places=("$results")
else
  for part in engine goals; do
    cp -a "$job" "$work/$part"
    echo "$part" >"$work/$part/part"
  done
  for part in engine goals; do vm "$work/$part" "$results/$part" & done
  for child in $(jobs -p); do wait "$child" || status=$?; done
  places=("$results/engine" "$results/goals")
fi
passed=0 failed=0 skipped=0
for place in "${places[@]}"; do
  if ! line=$(grep -E '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$place/job.log" | tail -1); then
    [ ! -e "$place/job.log" ] || cat "$place/job.log"
    echo "The VM did not come to its end: $place"
    failed=$((failed + 1))
    continue
  fi
  grep -vxF -e "$line" "$place/job.log" | grep -v '^JOB-STATUS'
  read -r p _ f _ s _ <<<"${line//,/}"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + ${s:-0}))
done
if [ "${TAPLINE_SEEN:-}" = 1 ]; then
  for place in "${places[@]}"; do
    if [ -e "$place/seen.json" ]; then node "$here/../lab/seen.mjs" "$place/seen.json"; fi
    if [ -e "$place/beside.md" ]; then cp "$place/beside.md" "$here/../../docs/reference/beside.md"; fi
  done
fi
echo "$passed passed, $failed failed$([ "$skipped" -eq 0 ] || echo ", $skipped skipped")"
exit "$status"
