import { createHash } from 'node:crypto';
import type { Goal, Interval } from '../goals/goal.ts';
import { valuesOf } from '../goals/parameters.ts';
import { textLimits, textPlaceholders } from './bpftrace-text.ts';
import { wordsSource } from './bpftrace-words.ts';
import { canTest, filterSource, networkWords, pushableText, type Atom, type Dialect } from './dialect.ts';
import type { HostFacts } from './module.ts';

/** Bytes of a string of bpftrace's, its NUL included: with more, tuples do not fit on BPF's stack of 512 bytes. */
export const stringBytes = textLimits.pieceBytes;
const pieceBytes = stringBytes - 1;
const longestPath = textLimits.longest;

/** What a module's lines begin with: the goal's id, and a hash of its parameters where they are not the defaults. */
export const lineTag = (goal: string, asked: string | undefined): string =>
  asked === undefined ? goal : `${goal}.${createHash('sha256').update(asked).digest('hex').slice(0, 8)}`;

const tagOf = (goal: Goal): string => lineTag(goal.id, goal.asked?.text);

/** Prefix of a module's maps: `@tcp_retransmit_seq`. Maps of all modules of a process share one name space. */
export const mapPrefix = (tag: string): string => tag.replaceAll('.', '_');

/**
 * bpftrace's language. A template sets a scratch variable for each field that may be tested, named like it: an int as a
 * signed number, an enum as the index of its value, an address (IPv4 mapped) as four words `NAME_0` to `NAME_3`;
 * a text as a string named `NAME_text`, but `comm` is the builtin. A process gets parameters: $1 Tapline's pid (0: not known), $2 the first marker number.
 */
export const bpftraceDialect: Dialect = {
  engine: 'bpftrace',
  comment: (text) => `// ${text}`,
  // The command name: at most 15 bytes, held whole by the builtin.
  can: (atom) => canTest(atom, (field, text) => field.type === 'text' && pushableText(text, field.name === 'comm' ? 15 : pieceBytes - 1)),
  filter: (filter, facts) => filterSource(filter, { true: '1 == 1', false: '1 == 0' }, (atom) => atomSource(atom, facts)),
  placeholders: (goal, facts) => {
    const tag = tagOf(goal);
    const prefix = mapPrefix(tag);
    return {
      required: {
        report: reportSource(goal),
        ...(goal.forget && { forget: `"f:${tag}", (uint64)cpu, (uint64)@${prefix}_seq[cpu], nsecs` }),
        ...(goal.interval && { flush: flushSource(tag, goal.interval, valuesOf(goal).get('interval')) }),
      },
      allowed: {
        ...Object.fromEntries(goal.fields.map((field, i) => [`unknown ${field.name}`, String(2 ** i)])),
        ...Object.fromEntries([...(facts.offsets ?? [])].map(([name, offset]) => [`offset ${name}`, String(offset)])),
        ...textPlaceholders(goal, `@${prefix}`, tag),
        goal: tag,
        map: `@${prefix}`,
        programCounter: `reg("${facts.arch === 'x64' ? 'ip' : 'pc'}")`,
        ...(facts.hz > 0 && { hz: String(Math.trunc(facts.hz)) }),
        next: `@${prefix}_seq[cpu] = @${prefix}_seq[cpu] + 1`,
        record: `"r:${tag}", (uint64)cpu, (uint64)@${prefix}_seq[cpu], nsecs`,
        reject: `@${prefix}_filtered = count()`,
        full: `@${prefix}_full = count()`,
        notOwn: '(pid != $1 && ((struct task_struct *)curtask)->real_parent->tgid != $1)',
        pieceBytes: String(pieceBytes),
        pieces: String(Math.ceil(longestPath / pieceBytes)),
        longestPath: String(longestPath),
      },
      functions: {
        word: (rest) => wordSource(rest, facts),
        starts: (rest) => startsSource(rest, facts),
        words: (field) => wordsSource(prefix, field, facts.words?.get(field)),
        ...(goal.interval && { add: (key) => addSource(prefix, goal.interval as Interval, key) }),
      },
    };
  },
  // A map that no probe writes cannot be printed.
  finish: (source) =>
    source.replace(/^ *print\((@\w+_(?:seq|filtered|full))\);\n/gm, (line, map: string) =>
      new RegExp(`${map}(?:\\[cpu\\])? = `).test(source) ? line : '',
    ),
};

/** Maps of a module that bpftrace prints and the reader reads, without the prefix. */
export const printedMaps = ({ interval }: Goal): string[] => [
  'seq',
  'filtered',
  'full',
  ...['keys', ...Object.keys(interval?.values ?? {})].flatMap((name) => (interval ? [`iv_${name}_0`, `iv_${name}_1`] : [])),
];

/**
 * Adds an event to the sums of its key. There are two sides, one that is added to and one that is being told: what is printed stands
 * still, and nothing falls between printing a map and clearing it. `key`: expressions of the key's fields, in their order.
 */
function addSource(prefix: string, interval: Interval, key: string): string {
  const side = (n: number) => {
    const keys = `@${prefix}_iv_keys_${n}[${key}]`;
    const sums = Object.entries(interval.values).map(([name, how]) => {
      const map = `@${prefix}_iv_${name}_${n}[${key}]`;
      // The address of a kernel function, 0 where there is none.
      if (how === 'last') return `if ($${name} != 0) { ${map} = ksym($${name}); }`;
      return `${map} = ${how}(${how === 'count' ? '' : `$${name}`});`;
    });
    return [`if (${keys} == 0) { ${keys} = (uint64)1; if (${keys} == 0) { @${prefix}_full = count(); } }`, ...sums];
  };
  const block = (n: number) =>
    side(n)
      .map((line) => `    ${line}\n`)
      .join('');
  return `if (@${prefix}_iv_side == 0) {\n${block(0)}  } else {\n${block(1)}  }`;
}

/** At the end of each interval the sides change places, and the old one is told and emptied. The last one is told with the goodbye. */
function flushSource(tag: string, interval: Interval, intervalMs: unknown): string {
  const prefix = `@${mapPrefix(tag)}_iv`;
  const maps = ['keys', ...Object.keys(interval.values)];
  const side = (n: number) =>
    [
      `${prefix}_side = (uint64)${1 - n};`,
      ...maps.map((name) => `print(${prefix}_${name}_${n});`),
      ...maps.map((name) => `clear(${prefix}_${name}_${n});`),
      `print(${prefix}_tick);`,
    ]
      .map((line) => `    ${line}\n`)
      .join('');
  return `// Each interval: the sums of its keys.
interval:ms:${String(intervalMs)} {
  ${prefix}_tick = ${prefix}_tick + 1;
  print(("i:${tag}", nsecs, ${prefix}_tick));
  if (${prefix}_side == 0) {\n${side(0)}  } else {\n${side(1)}  }
  print(("j:${tag}", nsecs));
}`;
}

/**
 * The program of one process that runs these modules. bpftrace (0.17) has one BEGIN, so those of the modules, a line each,
 * become one; and one END, the goodbye: maps with nothing to tell are cleared, the rest is printed by bpftrace. Marks and beats of all
 * modules are one probe each: the kernel takes some 50 ms to let go of a probe, one after the other.
 */
export function joinModules(goals: readonly Goal[], sources: readonly string[]): string {
  const begins = sources.flatMap((source) => [...source.matchAll(beginLine)].map(([, statements]) => `  ${statements}\n`));
  const marks = sources.flatMap((source) => [...source.matchAll(markProbe)].map(([, , statements]) => statements ?? ''));
  const beats = sources.flatMap((source) => [...source.matchAll(beatProbe)].map(([, , statements]) => statements ?? ''));
  const probe = (head: string, bodies: readonly string[]) => (bodies.length === 0 ? [] : [`${head} {\n${bodies.join('')}}`]);
  return [
    ...probe('BEGIN', begins),
    ...probe(markHead, marks),
    ...probe(beatHead, beats),
    ...sources.map((source) => [beginLine, markProbe, beatProbe].reduce((rest, part) => rest.replaceAll(part, ''), source)),
    goodbyeSource(goals, sources),
  ].join('\n');
}
const beginLine = /^BEGIN \{ (.*) \}$/gm;
const markHead = 'tracepoint:syscalls:sys_enter_getpriority /args->who >= $2 && ($1 == 0 || pid == $1)/';
const beatHead = 'interval:s:1';
const markProbe = /^(tracepoint:syscalls:sys_enter_getpriority) \/.*\/ \{\n((?: .*\n)+)\}$/gm;
const beatProbe = /^(interval:s:1) \{\n((?: .*\n)+)\}$/gm;

function goodbyeSource(goals: readonly Goal[], sources: readonly string[]): string {
  const told = new Set(goals.flatMap((goal) => printedMaps(goal).map((name) => `@${mapPrefix(tagOf(goal))}_${name}`)));
  const maps = new Set(sources.flatMap((source) => [...source.matchAll(/@\w+/g)].map(([name]) => name)));
  const clears = [...maps].filter((name) => !told.has(name)).map((name) => `  clear(${name});`);
  return ['END {', ...goals.map((goal) => `  print(("e:${tagOf(goal)}", nsecs));`), ...clears, '}', ''].join('\n');
}

function atomSource({ field, op, value }: Atom, facts: HostFacts): string {
  switch (value.type) {
    case 'int':
      return `$${field.name} ${op} ${value.value < 0 ? `(int64)(0 - ${-value.value})` : value.value}`;
    case 'enum':
      return `$${field.name} ${op} ${value.index}`;
    case 'bool':
      return `$${field.name} ${op} ${value.value ? 1 : 0}`;
    case 'text': {
      const name = field.name === 'comm' ? 'comm' : `$${field.name}_text`;
      if (op !== 'startsWith' && op !== '!startsWith') return `${name} ${op} "${value.value}"`;
      return `${op === 'startsWith' ? '' : '!'}(${startsWith(name, value.value, facts)})`;
    }
    case 'network': {
      const tests = networkWords(value.network, 4, (view, at) => view.getUint32(at, true)).map(({ word, mask, value, whole }) => {
        const name = `$${field.name}_${word}`;
        return `${whole ? name : `(${name} & ${mask})`} ${op === 'within' ? '==' : '!='} ${value}`;
      });
      return `(${tests.reverse().join(op === 'within' ? ' && ' : ' || ')})`;
    }
    case 'address': {
      // As 32-bit words of a little-endian machine; the last words differ first.
      const view = new DataView(value.bytes.buffer, value.bytes.byteOffset, 16);
      const tests = [3, 2, 1, 0].map((word) => `$${field.name}_${word} ${op} ${view.getUint32(4 * word, true)}`);
      return `(${tests.join(op === '==' ? ' && ' : ' || ')})`;
    }
  }
}

/** From some version after 0.17 on (0.27 was seen) `args` is no pointer any more, and a text of a tracepoint is an array of characters. */
const argsAreStruct = ({ engineVersion }: HostFacts): boolean => Number(/^0\.(\d+)/.exec(engineVersion)?.[1] ?? NaN) >= 25;

/**
 * `tcp:tcp_retransmit_skb.saddr_v6 1`: the second four bytes of a tracepoint's array as a number, as a little-endian machine reads them.
 * By address where `args` has one: byte by byte takes more of the stack than 0.17 has.
 */
function wordSource(rest: string, facts: HostFacts): string | undefined {
  const [, name = '', field = '', word] = /^(\w+:\w+\.(\w+)) ([0-3])$/.exec(rest) ?? [];
  if (word === undefined) return undefined;
  const [at, offset] = [4 * Number(word), facts.offsets?.get(name)];
  if (argsAreStruct(facts)) return `(${[0, 1, 2, 3].map((byte) => `((uint64)args->${field}[${at + byte}] << ${8 * byte})`).join(' | ')})`;
  return offset === undefined ? undefined : `(uint64)*(uint32 *)kptr((uint64)args + ${offset} + ${at})`;
}

/** strncmp() refuses each literal length in 0.27 ("expects a int literal (int provided)"), and texts have no index in 0.17. */
const startsWith = (name: string, text: string, facts: HostFacts): string =>
  argsAreStruct(facts)
    ? [...text].map((letter, at) => `${name}[${at}] == ${letter.charCodeAt(0)}`).join(' && ')
    : `strncmp(${name}, "${text}", ${text.length}) == 0`;

/** `rwbs FW`: whether a tracepoint's text begins so. */
function startsSource(rest: string, facts: HostFacts): string | undefined {
  const [, field = '', text] = /^(\w+) ([A-Z]+)$/.exec(rest) ?? [];
  if (text === undefined) return undefined;
  return `(${startsWith(`args->${field}`, text, facts)})`;
}

/** Marks and beats, the same in every module. */
function reportSource(goal: Goal): string {
  const tag = tagOf(goal);
  const prefix = `@${mapPrefix(tag)}`;
  return `// Tapline's own marker came back: it proves that the probes are attached, and ties this clock to the wall clock.
${markHead} {
  $number = (int64)args->who - $2;
  if ($number < 1048576) { print(("m:${tag}", nsecs, $number)); }
}

// Each second: how many records were numbered and how many rejected.
${beatHead} {
  print(("b:${tag}", nsecs));
  print(${prefix}_seq);
  print(${prefix}_filtered);
  print(${prefix}_full);
  print(("z:${tag}", nsecs));
}`;
}
