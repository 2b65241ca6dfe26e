import type { Goal } from '../goals/goal.ts';
import { canTest, filterSource, pushableText, type Atom, type Dialect } from './dialect.ts';

/** Bytes of a string of bpftrace's, its NUL included: with more, tuples do not fit on BPF's stack of 512 bytes. */
export const stringBytes = 96;
const pieceBytes = stringBytes - 1;
const longestPath = 4096;

/** Prefix of a goal's maps: `@tcp_retransmit_seq`. Maps of all modules of a process share one name space. */
export const mapPrefix = (goal: Goal): string => goal.id.replaceAll('.', '_');

/**
 * bpftrace's language. A template sets a scratch variable for each field that may be tested, named like it: an int as a
 * signed number, an enum as the index of its value, an address (IPv4 mapped) as four words `NAME_0` to `NAME_3`;
 * `comm` is the builtin. A process gets parameters: $1 Tapline's pid (0: not known), $2 the first marker number.
 */
export const bpftraceDialect: Dialect = {
  engine: 'bpftrace',
  comment: (text) => `// ${text}`,
  // The command name: at most 15 bytes, held whole by the builtin.
  can: (atom) => canTest(atom, (field, text) => field.name === 'comm' && pushableText(text, 15)),
  filter: (filter) => filterSource(filter, { true: '1 == 1', false: '1 == 0' }, atomSource),
  placeholders: (goal, facts) => {
    const prefix = mapPrefix(goal);
    return {
      required: { report: reportSource(goal) },
      allowed: {
        ...Object.fromEntries(goal.fields.map((field, i) => [`unknown ${field.name}`, String(2 ** i)])),
        ...Object.fromEntries([...(facts.offsets ?? [])].map(([name, offset]) => [`offset ${name}`, String(offset)])),
        goal: goal.id,
        map: `@${prefix}`,
        ...(facts.hz > 0 && { hz: String(Math.trunc(facts.hz)) }),
        next: `@${prefix}_seq[cpu] = @${prefix}_seq[cpu] + 1`,
        record: `"r:${goal.id}", (uint64)cpu, (uint64)@${prefix}_seq[cpu], nsecs`,
        reject: `@${prefix}_filtered = count()`,
        full: `@${prefix}_full = count()`,
        notOwn: '(pid != $1 && ((struct task_struct *)curtask)->real_parent->tgid != $1)',
        pieceBytes: String(pieceBytes),
        pieces: String(Math.ceil(longestPath / pieceBytes)),
        longestPath: String(longestPath),
      },
    };
  },
};

/** How one process that runs these modules says goodbye: maps with nothing to tell are cleared, the rest is printed by bpftrace. */
export function goodbyeSource(goals: readonly Goal[], sources: readonly string[]): string {
  const told = new Set(goals.flatMap((goal) => ['seq', 'filtered', 'full'].map((name) => `@${mapPrefix(goal)}_${name}`)));
  const maps = new Set(sources.flatMap((source) => [...source.matchAll(/@\w+/g)].map(([name]) => name)));
  const clears = [...maps].filter((name) => !told.has(name)).map((name) => `  clear(${name});`);
  return ['END {', ...goals.map((goal) => `  print(("e:${goal.id}", nsecs));`), ...clears, '}', ''].join('\n');
}

function atomSource({ field, op, value }: Atom): string {
  switch (value.type) {
    case 'int':
      return `$${field.name} ${op} ${value.value < 0 ? `(int64)(0 - ${-value.value})` : value.value}`;
    case 'enum':
      return `$${field.name} ${op} ${value.index}`;
    case 'bool':
      return `$${field.name} ${op} ${value.value ? 1 : 0}`;
    case 'text':
      return `comm ${op} "${value.value}"`;
    case 'address': {
      // As 32-bit words of a little-endian machine; the last words differ first.
      const view = new DataView(value.bytes.buffer, value.bytes.byteOffset, 16);
      const tests = [3, 2, 1, 0].map((word) => `$${field.name}_${word} ${op} ${view.getUint32(4 * word, true)}`);
      return `(${tests.join(op === '==' ? ' && ' : ' || ')})`;
    }
  }
}

/** Marks and beats, the same in every module. */
function reportSource(goal: Goal): string {
  const prefix = `@${mapPrefix(goal)}`;
  return `// Tapline's own marker came back: it proves that the probes are attached, and ties this clock to the wall clock.
tracepoint:syscalls:sys_enter_getpriority /args->who >= $2 && ($1 == 0 || pid == $1)/ {
  $number = (int64)args->who - $2;
  if ($number < 1048576) { print(("m:${goal.id}", nsecs, $number)); }
}

// Each second: how many records were numbered and how many rejected.
interval:s:1 {
  print(("b:${goal.id}", nsecs));
  print(${prefix}_seq);
  print(${prefix}_filtered);
  print(${prefix}_full);
  print(("z:${goal.id}", nsecs));
}`;
}
