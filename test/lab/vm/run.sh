#!/bin/bash
# Boots the lab, runs one job in it as root and brings its results back.
#
#   run.sh CACHE JOB OUT [SECONDS]
#
# JOB (a folder) is /job in the VM; /job/job.sh runs there for at most SECONDS (120); what it leaves in /job/out comes back
# to OUT, with job.log (what it printed, ending in "JOB-STATUS n"), dmesg and console.log.
# Ends with the job's status; 124 when it took too long, 125 when the VM gave nothing back.
# SMP, MEM, ACCEL, THREAD: the VM's processors (2), memory (2G), kvm where it works (tcg), and how tcg emulates them (single, or multi).
set -euo pipefail
cache=$1 job=$2 out=$3 limit=${4:-120}
mkdir -p "$out"
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
tar -cf "$temporary/job.tar" -C "$job" .
truncate -s %1M "$temporary/job.tar"
started=$SECONDS
# Emulation is slower than KVM but works everywhere; inside a virtual machine KVM is often there and broken. One thread for all virtual
# processors: with more, on a busy machine, the kernel was once seen to trip over an instruction that it had patched meanwhile.
accel=(-accel tcg,thread=${THREAD:-single},tb-size=512 -cpu max)
[ "${ACCEL:-tcg}" = tcg ] || accel=(-accel "$ACCEL" -cpu host)
timeout -k 5 $((limit + 240)) qemu-system-x86_64 "${accel[@]}" -smp "${SMP:-2}" -m "${MEM:-2G}" \
  -kernel "$cache/vmlinuz" -initrd "$cache/initrd" -nographic -nodefaults -no-reboot -serial "file:$out/console.log" \
  -append "console=ttyS0 quiet mitigations=off panic=-1 lab.limit=$limit ${APPEND:-}" \
  -drive "file=$cache/root.img,if=virtio,format=raw,snapshot=on" \
  -drive "file=$temporary/job.tar,if=virtio,format=raw,readonly=on" \
  -device virtio-serial-pci -chardev "file,id=results,path=$temporary/out.tar" -device virtserialport,chardev=results,name=results || true
tar -xf "$temporary/out.tar" -C "$out" 2>/dev/null || { echo "lab: the VM gave nothing back; see $out/console.log" >&2; exit 125; }
status=$(sed -n 's/^JOB-STATUS //p' "$out/job.log" | tail -1)
echo "lab: $(grep -ao 'LAB-UP [0-9.]*' "$out/console.log" | cut -d' ' -f2) s to userspace, whole run $((SECONDS - started)) s, job status ${status:-none}" >&2
exit "${status:-125}"
