#!/usr/bin/env bash
# The README's two commands where nothing is prepared: a Debian 12 of its own with Node, git and nothing else, entered by chroot; once as
# root and once as an ordinary user. Shows missing installs that a developer's machine hides. Root; needs mmdebstrap.
#   test/minimal-debian.sh [FOLDER]      FOLDER keeps the Debian for the next time (default: a cache folder); TAPLINE_USERS: which users
# Ends with `N passed, N failed`.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
root=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/tapline/minimal}
if [ ! -e "$root/etc/debian_version" ]; then
  mapfile -t from < <("$here/test/lab/mirror.sh")
  mkdir -p "$(dirname "$root")"
  mmdebstrap --quiet --variant=minbase --include=git,ca-certificates bookworm "$root" "${from[@]}"
fi
# Node and npm as they are here, and what this machine's npm needs to reach its registry (certificates, not accounts).
node=$(readlink -f "$(command -v node)")
npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
install -D "$node" "$root/usr/local/bin/node"
mkdir -p "$root/usr/local/lib/node_modules"
rm -rf "$root/usr/local/lib/node_modules/npm"
cp -a "$npm" "$root/usr/local/lib/node_modules/npm"
ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
ln -sf ../lib/node_modules/npm/bin/npx-cli.js "$root/usr/local/bin/npx"
certificates=${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt}
cp "$certificates" "$root/etc/tapline-certificates.crt"
cp -L /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
cp -L /etc/hosts "$root/etc/hosts"
registry=$(npm config get registry 2>/dev/null)
inside() {
  unshare --mount --propagation private bash -c '
    root=$1; here=$2; shift 2
    mkdir -p "$root/src" && mount --bind "$here" "$root/src" && mount -o remount,bind,ro "$root/src"
    mount --rbind /proc "$root/proc" && mount --rbind /dev "$root/dev" && mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
    exec chroot "$root" "$@"' _ "$root" "$here" \
    env -i PATH=/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin HOME=/root TERM=xterm LANG=C.UTF-8 \
    NODE_EXTRA_CA_CERTS=/etc/tapline-certificates.crt npm_config_registry="$registry" npm_config_cafile=/etc/tapline-certificates.crt \
    GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*' "$@"
}
passed=0 failed=0
for user in ${TAPLINE_USERS:-0 65534}; do
  echo "== user $user"
  log=$(mktemp)
  inside /src/test/newcomer.sh --user $user 2>&1 | tee "$log" || true
  line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -1)
  rm -f "$log"
  [ -n "$line" ] || line='0 passed, 1 failed'
  n=${line#*passed, }
  passed=$((passed + ${line%% *})) failed=$((failed + ${n%% *}))
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
