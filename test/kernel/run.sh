#!/bin/bash
# The tests that need a kernel which loads modules: builds the lab if it is missing, compiles the goals' SystemTap modules
# for its kernel, boots it, and lets Tapline run there on real events. Ends with "N passed, N failed".
#
#   npm run test:kernel
#
# TAPLINE_LAB_DIR: where the lab is kept. SECONDS_ALLOWED: for the job in the VM (600). ENGINE_ONLY=1: without the command line.
# CONFORMANCE=TEXT,...: only the cases of test/conformance with one of these in their "goal: title". TAPLINE_SEEN=1: writes what was seen
# into docs/reference/seen.md and beside.md.
# With CONFORMANCE, what the engine said is kept beside the results, as `tapline run --record` writes it: for a goal's example.jsonl.
# CHECKS=REGEXP: only the checks whose names it fits; GOALS=a.b,c.d: only these goals' modules, and no cases.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
lab=${TAPLINE_LAB_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/tapline/lab}
"$here/../lab/vm/build.sh" "$lab"
job=$(mktemp -d)
trap 'rm -rf "$job"' EXIT
node "$here/prepare.mjs" "$lab" "$job"
results=$lab/results
rm -rf "$results"
status=0
"$here/../lab/vm/run.sh" "$lab" "$job" "$results" "${SECONDS_ALLOWED:-600}" || status=$?
grep -v '^JOB-STATUS' "$results/job.log" || echo 'The VM gave no results; 0 passed, 1 failed'
if [ "${TAPLINE_SEEN:-}" = 1 ] && [ -e "$results/seen.json" ]; then node "$here/../lab/seen.mjs" "$results/seen.json"; fi
if [ "${TAPLINE_SEEN:-}" = 1 ] && [ -e "$results/beside.md" ]; then cp "$results/beside.md" "$here/../../docs/reference/beside.md"; fi
exit "$status"
