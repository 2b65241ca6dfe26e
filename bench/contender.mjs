// One run of one contender: node contender.mjs stream|loop KEYS RECORDS. Prints what it cost and a checksum of what it told.
import { createHash } from 'node:crypto';
import { from, of } from 'rxjs';
import { Decoder } from '../dist/decode/decoder.js';
import { createRulePipe, throughRules } from '../dist/stream/index.js';
import { Ledger } from '../dist/telemetry/ledger.js';
import { chunks, goal, rule, run } from './input.mjs';
import { handWritten } from './loop.mjs';

const [who, keys, records] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
/** Before what is measured, each contender works through a fifth as many: a daemon's first second is not its day. */
const warm = [...chunks(Math.floor(records / 5), keys)];
const input = [...chunks(records, keys)];
let hash = createHash('sha256');
let told = 0;
let text = '';
function note(...values) {
  told++;
  text += values.join(' ') + '\n';
  if (text.length < 65_536) return;
  hash.update(text);
  text = '';
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

contest(warm);
[hash, told, text] = [createHash('sha256'), 0, ''];
const before = process.cpuUsage();
const ledger = contest(input);
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

/** Decodes the chunks and decides; answers the ledger. */
function contest(chunksOfLines) {
  const ledger = new Ledger();
  const signals = signalsOf(new Decoder({ ledger, goal: () => goal }), chunksOfLines);
  if (who === 'stream') {
    const pipe = createRulePipe(rule, goal, { account: ledger.rule(rule.name), secret: [123, 456], maxKeys: 250_000 });
    let fault;
    from(signals)
      .pipe(throughRules(of([pipe]), (_, thrown) => (fault ??= thrown)))
      .subscribe(noteOutput);
    if (fault) throw fault;
  } else {
    const loop = handWritten(goal, run, (output) => noteOutput({ output }));
    for (const signal of signals) loop(signal);
    loop();
  }
  return ledger;
}

function* signalsOf(decoder, chunksOfLines) {
  yield* decoder.push([{ kind: 'run', run, atUs: 0 }]);
  yield* decoder.push([{ kind: 'marker', run: run.id, number: 1, beforeUs: 0, afterUs: 2e15, atUs: 0 }]);
  for (const lines of chunksOfLines) yield* decoder.push([{ kind: 'lines', run: run.id, lines, atUs: 2e15 }]);
}
