#!/bin/bash
# Builds the kernel lab: a Debian with SystemTap, its kernel and headers, as a folder to compile in and an image to boot.
#
#   build.sh [CACHE]        default: ${XDG_CACHE_HOME:-~/.cache}/tapline/lab
#
# CACHE/root      the system as a folder: inside.sh compiles there (its stap cache is kept, the first compile takes minutes)
# CACHE/root.img  the same system as a disk, kernel `vmlinuz` and `initrd`: run.sh boots them
#
# Every stage is done once and kept; a second run takes less than a second. A changed package list or suite starts anew.
# Needs root and the Debian packages mmdebstrap, qemu-system-x86, e2fsprogs, cpio, xz-utils, util-linux. amd64 only.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/tapline/lab}
suite=forky # the oldest Debian whose SystemTap (5.6) compiles against its own kernel's headers
packages=systemtap,systemtap-runtime,gcc,make,libc6-dev,linux-image-cloud-amd64,linux-headers-cloud-amd64,iproute2,kmod,busybox-static,nodejs
# What tests need: SystemTap's examples, a current bpftrace, a firewall.
packages=$packages,systemtap-doc,bpftrace,nftables
root=$cache/root

say() { echo "lab: $*" >&2; }
die() { say "$*"; exit 2; }

check() {
  local program package missing=()
  for program in mmdebstrap:mmdebstrap qemu-system-x86_64:qemu-system-x86 mkfs.ext4:e2fsprogs cpio:cpio xz:xz-utils unshare:util-linux; do
    package=${program#*:} program=${program%%:*}
    command -v "$program" >/dev/null || missing+=("$package")
  done
  [ ${#missing[@]} = 0 ] || die "missing packages; install them: apt-get install -y --no-install-recommends ${missing[*]}"
  [ "$(id -u)" = 0 ] || die 'building the lab needs root (mmdebstrap, chroot)'
  [ "$(uname -m)" = x86_64 ] || die "the lab is built for amd64; this machine is $(uname -m)"
}

make_root() {
  local from
  mapfile -t from < <("$here/../mirror.sh")
  rm -rf --one-file-system "$root"
  mmdebstrap --quiet --variant=minbase --include="$packages" \
    --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --dpkgopt='path-include=/usr/share/doc/systemtap-doc/examples/*' \
    --dpkgopt='path-exclude=/etc/kernel/postinst.d/*' `# no initrd: make_initrd makes a smaller one` \
    "$suite" "$root" "${from[@]}"
}

# busybox and the one driver that Debian's cloud kernel does not have built in.
make_initrd() {
  local tree module
  tree=$(mktemp -d)
  mkdir -p "$tree"/{bin,dev,proc,root}
  cp "$root/bin/busybox" "$tree/bin/"
  module=$(find "$root/usr/lib/modules/$kernel" -name 'virtio_blk.ko*')
  case $module in *.xz) xz -dc "$module" ;; *.zst) zstd -dc "$module" ;; *) cat "$module" ;; esac >"$tree/virtio_blk.ko"
  cat >"$tree/init" <<'INIT'
#!/bin/busybox sh
b=/bin/busybox
$b mount -t devtmpfs dev /dev
$b insmod /virtio_blk.ko
i=0; while [ ! -b /dev/vda ] && [ $i -lt 500 ]; do $b usleep 20000; i=$((i + 1)); done
$b mount -t ext4 -o rw,noatime /dev/vda /root && $b mount --move /dev /root/dev && exec $b switch_root /root /sbin/lab-init
INIT
  chmod +x "$tree/init"
  (cd "$tree" && find . | cpio -o -H newc --quiet | gzip -1) >"$cache/initrd.new"
  mv "$cache/initrd.new" "$cache/initrd"
  rm -rf "$tree"
}

make_image() {
  cp "$root/boot/vmlinuz-$kernel" "$cache/vmlinuz"
  install -m 755 "$here/init" "$root/sbin/lab-init"
  rm -f "$cache/root.img.new"
  # The VM writes to a snapshot, so no journal; the compile cache stays outside: modules are never compiled in the VM.
  mkdir -p "$cache/stap-cache" && [ ! -e "$root/root/.systemtap" ] || mv "$root/root/.systemtap" "$cache/stap-cache/kept"
  mkfs.ext4 -q -F -O ^metadata_csum,^has_journal -E lazy_itable_init=1 -d "$root" "$cache/root.img.new" 4G
  [ ! -e "$cache/stap-cache/kept" ] || mv "$cache/stap-cache/kept" "$root/root/.systemtap"
  mv "$cache/root.img.new" "$cache/root.img"
}

# stage NAME KEY FUNCTION: runs FUNCTION unless it has been done for this key.
stage() {
  local name=$1 key=$2 run=$3 started=$SECONDS
  [ "$(cat "$cache/$name.done" 2>/dev/null)" = "$key" ] && return
  say "$name ..."
  rm -f "$cache/$name.done"
  "$run"
  echo "$key" >"$cache/$name.done"
  say "$name: $((SECONDS - started)) s"
}

check
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9 # two builds at once share one result
stage root "$suite $packages" make_root
kernel=$(ls "$root/usr/lib/modules")
stage initrd "$suite $packages $kernel" make_initrd
stage image "$suite $packages $(sha256sum <"$here/init")" make_image
echo "$kernel" >"$cache/kernel"
