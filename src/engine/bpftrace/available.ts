import { unavailable, type Availability, type EngineHost } from '../engine.ts';
import { gatherFacts, type MachineFacts } from '../machine/facts.ts';
import { asRoot, limits, stops, type Finding } from '../machine/finding.ts';
import { containerFinding, hasCapability, kernelOrder, missingConfig, packagingHere } from '../machine/judge.ts';
import { output } from '../machine/output.ts';
import { systemPlaces, type Places } from '../machine/places.ts';
import { lastWords } from './messages.ts';

const oldest = [0, 16] as const;
const tryMs = 20_000;

/** "0.17.0" of what `bpftrace --version` prints; undefined where the program is not there. */
export async function bpftraceVersion(host: EngineHost): Promise<string | undefined> {
  const { text } = await output(host, 'bpftrace', ['--version'], { limitMs: 20_000 });
  return /v?(\d+\.\d+(?:\.\d+)?)/.exec(text)?.[1];
}

/** Whether bpftrace can run here: looks for what it needs, then lets it run a probe for a moment. */
export async function available(host: EngineHost, places: Places = systemPlaces()): Promise<Availability> {
  const facts = gatherFacts(host, places);
  const version = await bpftraceVersion(host);
  const findings = judge(facts, version);
  if (findings.some(({ level }) => level === 'stops')) return unavailable(findings);
  const probe = ['-e', 'tracepoint:syscalls:sys_enter_getpriority { @x = 1; } interval:ms:1 { exit(); }'];
  const { code, said } = await output(host, 'bpftrace', probe, { limitMs: tryMs });
  if (code !== 0)
    return unavailable([
      stops('probe-refused', `bpftrace ${version ?? ''} cannot load a probe: ${lastWords(said) || 'it did not answer in 20 s'}`),
      ...findings,
    ]);
  return { can: true, summary: `${version ?? ''} as root`, findings };
}

/** What stands in bpftrace's way, in the order in which it has to be mended; `version` undefined: it is not installed. Pure. */
export function judge(facts: MachineFacts, version: string | undefined): Finding[] {
  const [major = 0, minor = 0] = version?.split('.').map(Number) ?? [];
  const old = version !== undefined && (major < oldest[0] || (major === oldest[0] && minor < oldest[1]));
  return [
    ...(version === undefined ? [stops('bpftrace-missing', 'bpftrace is not installed', packagingHere(facts).program('bpftrace'))] : []),
    ...(old
      ? [
          stops(
            'bpftrace-old',
            `bpftrace ${version} is too old: ${oldest.join('.')} or later is needed`,
            [],
            `take it from a newer release of ${facts.distribution.name}, or from its backports`,
          ),
        ]
      : []),
    ...privilegeFindings(facts),
    ...(facts.btf
      ? []
      : [
          stops(
            'no-btf',
            'the kernel does not describe its types (no /sys/kernel/btf/vmlinux: it was built without CONFIG_DEBUG_INFO_BTF)',
            [],
            'boot a kernel with BTF; kernels of the large distributions have it from 5.10 on',
          ),
        ]),
    ...(facts.lockdown === 'confidentiality'
      ? [
          stops(
            'lockdown',
            `the kernel is locked down (confidentiality${facts.secureBoot === true ? ', Secure Boot is on' : ''}): nothing may read its memory`,
            [],
            'boot without lockdown=confidentiality',
          ),
        ]
      : []),
    ...tracefsFindings(facts),
    ...missingConfig(facts, {
      CONFIG_BPF_SYSCALL: 'no program can hand it a probe',
      CONFIG_BPF_EVENTS: 'BPF programs cannot be attached to tracepoints',
      CONFIG_FTRACE_SYSCALLS: 'there are no tracepoints of system calls, which prove that probes are attached',
    }),
    ...memlockFindings(facts),
    limits('owner-unknown-before', 'who opened a connection is known only for connections opened after the probe began'),
    ...containerFinding(facts),
  ];
}

function privilegeFindings(facts: MachineFacts): Finding[] {
  if (facts.user.uid !== 0) return [stops('not-root', 'bpftrace runs as root only', [asRoot('npm', 'start')])];
  if (hasCapability(facts, 'sysAdmin') || (hasCapability(facts, 'bpf') && hasCapability(facts, 'perfmon'))) return [];
  const { unprivilegedBpfDisabled: bpf, perfEventParanoid: perf } = facts;
  return [
    stops(
      'no-capability',
      `root has not the capabilities that probes need here (CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN), as in a container; kernel.unprivileged_bpf_disabled is ${bpf ?? 'not told'}, kernel.perf_event_paranoid is ${perf ?? 'not told'}`,
      [],
      'start the container with --privileged --pid=host, or with --cap-add=BPF --cap-add=PERFMON on kernels from 5.8 on',
    ),
  ];
}

function tracefsFindings({ tracefs, kernel }: MachineFacts): Finding[] {
  if (tracefs === 'not mounted')
    return [
      stops('tracefs-not-mounted', 'tracefs is not mounted, so tracepoints cannot be found', [
        asRoot('mount', '-t', 'tracefs', 'tracefs', '/sys/kernel/tracing'),
      ]),
    ];
  if (tracefs === 'not built') return [stops('no-tracing', `this kernel (${kernel}) has no tracefs: it was built without CONFIG_TRACING`)];
  return [];
}

/** Maps of BPF count as locked memory before 5.11, and afterwards as the memory of the control group. bpftrace raises the limit by itself where it may. */
function memlockFindings(facts: MachineFacts): Finding[] {
  const needed = 64 * 1024 * 1024;
  if (facts.memlock === undefined || facts.memlock >= needed || kernelOrder(facts.kernel) >= 5011 || hasCapability(facts, 'sysResource'))
    return [];
  return [
    stops(
      'memlock',
      `only ${facts.memlock / 1024} KiB may be locked in memory (RLIMIT_MEMLOCK), which kernel ${facts.kernel} counts the maps of probes as`,
      [],
      'raise it where Tapline is started: LimitMEMLOCK=infinity in a systemd unit, --ulimit memlock=-1:-1 for a container, ulimit -l unlimited in a shell of root',
    ),
  ];
}
