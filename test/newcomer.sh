#!/usr/bin/env bash
# The README's two commands as a newcomer runs them: a fresh clone, an ordinary user with no privilege, a terminal.
# Checks that real records and a real alert appear, that Ctrl-C ends within 2 s with the ledger and status 0, that nothing
# is left behind, and that `npm test` passes. Ends with `N passed, N failed`.
# usage: newcomer.sh [--user NAME|UID] [--no-tests]      needs: script (bsdutils), setpriv (util-linux) when run as root
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
tests=1 user=65534
while [ $# -gt 0 ]; do case $1 in --no-tests) tests=0 ;; --user) user=$2; shift ;; *) echo "unknown: $1"; exit 2 ;; esac; shift; done
passed=0 failed=0
ok() { if [ "$1" -eq 0 ]; then passed=$((passed + 1)); echo "ok      $2"; else failed=$((failed + 1)); echo "FAILED  $2"; fi; }

folder=$(mktemp -d /tmp/tapline-newcomer.XXXXXX)
trap 'rm -rf "$folder"' EXIT
git clone -q "$here" "$folder/tapline" || { echo '0 passed, 1 failed'; exit 1; }
mkdir "$folder/home"
as=()
if [ "$(id -u)" -eq 0 ] && [ "$user" != 0 ]; then
  chown -R "$user:$user" "$folder"
  chmod 755 "$folder"
  as=(setpriv --reuid "$user" --regid "$user" --clear-groups --inh-caps=-all)
fi
cd "$folder/tapline"
run() { "${as[@]}" env HOME="$folder/home" npm_config_cache="$folder/home/.npm" CI= NO_COLOR=1 TAPLINE_INSTALLED= TAPLINE_KAFKA_DIR= "$@"; }

run npm ci --no-audit --no-fund >"$folder/ci.log" 2>&1
ok $? 'npm ci works from the committed lock file'

# A pseudo-terminal of its own, so that Ctrl-C is a real one: the byte 0x03 written to the terminal. exec, because a shell that
# waits in between would get the same SIGINT and end with 130 whatever npm says.
mkfifo "$folder/keys"
start=$(date +%s)
run script -qefc 'exec npm start' "$folder/screen" <"$folder/keys" >/dev/null 2>&1 &
pid=$!
exec 9>"$folder/keys"
for _ in $(seq 300); do grep -aq ' ALERT ' "$folder/screen" 2>/dev/null && break; kill -0 $pid 2>/dev/null || break; sleep 0.2; done
grep -aq ' record ' "$folder/screen"; ok $? 'npm start shows real records'
grep -aq ' ALERT ' "$folder/screen"; ok $? "npm start shows a real alert ($(($(date +%s) - start)) s after the command)"
grep -q '"kind":"alert"' tapline-records.jsonl; ok $? 'the alert is in the file too'
kill -0 $pid 2>/dev/null; ok $? 'it goes on watching'
interrupted=$(date +%s%N)
printf '\003' >&9
for _ in $(seq 100); do kill -0 $pid 2>/dev/null || break; sleep 0.05; done
took=$((($(date +%s%N) - interrupted) / 1000000))
! kill -0 $pid 2>/dev/null || { kill $pid; false; }
ok $? "Ctrl-C ends it (${took} ms)"
[ $took -lt 2000 ]; ok $? 'within 2 s'
wait $pid; status=$?
[ $status -eq 0 ]; ok $? "with exit status 0 (was $status)"
exec 9>&-
grep -aq 'Stopped in' "$folder/screen"; ok $? "with the ledger's summary"
sleep 0.5
left=0
for process in /proc/[0-9]*; do
  case $process in /proc/$$|/proc/self) continue ;; esac
  [ "$(readlink "$process/cwd" 2>/dev/null)" = "$folder/tapline" ] && [ "${process#/proc/}" != "$BASHPID" ] && tr '\0' ' ' <"$process/cmdline" 2>/dev/null | grep -q node && left=$((left + 1))
done
[ "$left" -eq 0 ]; ok $? "nothing is left behind ($left processes)"
[ $failed -eq 0 ] || { echo '--- screen'; tail -40 "$folder/screen"; }

if [ $tests -eq 1 ]; then
  run npm test >"$folder/test.log" 2>&1
  status=$?
  ok $status "npm test: $(grep -E '^[0-9]+ passed' "$folder/test.log" | tail -1)"
  [ $status -eq 0 ] || { grep -aE -A25 ' FAIL |must run here' "$folder/test.log"; tail -5 "$folder/test.log"; }
fi
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
