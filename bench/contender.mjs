// One run of one contender: node contender.mjs stream|loop KEYS RECORDS. Prints what it cost and a checksum of what it told.
import { createHash } from 'node:crypto';
import { from, of } from 'rxjs';
import { Decoder } from '../dist/decode/decoder.js';
import { createRulePipe, throughRules } from '../dist/stream/index.js';
import { Ledger } from '../dist/telemetry/ledger.js';
import { chunks, goal, rule, run } from './input.mjs';
import { handWritten } from './loop.mjs';

const [who, keys, records] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const input = [...chunks(records, keys)];
const hash = createHash('sha256');
let told = 0;
let text = '';
function note(...values) {
  told++;
  text += values.join(' ') + '\n';
  if (text.length < 65_536) return;
  hash.update(text);
  text = '';
}

const ledger = new Ledger();
const decoder = new Decoder({ ledger, goal: () => goal });
function* frames() {
  yield { kind: 'run', run, atUs: 0 };
  yield { kind: 'marker', run: run.id, number: 1, beforeUs: 0, afterUs: 2e15, atUs: 0 };
  for (const lines of input) yield { kind: 'lines', run: run.id, lines, atUs: 2e15 };
}

/** BENCH_DEEP=1: everything that is told, not the decisions alone. */
const deep = process.env.BENCH_DEEP === '1';
const inOrder = (_, value) =>
  value && typeof value === 'object' && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).sort()) : value;
function noteOutput({ output }) {
  if (deep && output.kind !== 'time') note(JSON.stringify(output, inOrder));
  if (output.kind === 'closing') {
    const { key, t0Us, endUs, count, firstUs, lastUs, last } = output.closing;
    const f = last.fields;
    const state = goal.fields[5].values.indexOf(f.state);
    note(
      'closing',
      key.text,
      t0Us,
      endUs,
      count,
      firstUs,
      lastUs,
      last.seq,
      f.netns,
      state,
      f.rto_was_ms,
      f.rto_ms,
      f.backoff,
      f.pid,
      f.comm,
    );
  } else if (output.kind === 'condition') {
    const { key, holds, timeUs, count, counted, records } = output.condition;
    note('condition', key.text, holds, timeUs, count, counted, ...records.map((record) => record.seq));
  }
}

const before = process.cpuUsage();
if (who === 'stream') {
  const pipe = createRulePipe(rule, goal, { account: ledger.rule(rule.name), secret: [123, 456], maxKeys: 250_000 });
  let fault;
  const sets = of([pipe]);
  const signals = from(signalsOf());
  signals.pipe(throughRules(sets, (_, thrown) => (fault ??= thrown))).subscribe(noteOutput);
  if (fault) throw fault;
} else {
  const loop = handWritten(goal, run, (output) => noteOutput({ output }));
  for (const signal of signalsOf()) loop(signal);
  loop();
}
const { user, system } = process.cpuUsage(before);
hash.update(text);
console.log(
  JSON.stringify({
    cpuUs: user + system,
    told,
    checksum: hash.digest('hex').slice(0, 16),
    decoded: ledger.run(run.id, goal.id, 'procfs').decoded,
  }),
);

function* signalsOf() {
  for (const frame of frames()) yield* decoder.push([frame]);
}
