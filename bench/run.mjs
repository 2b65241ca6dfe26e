// npm run bench: decode and stream against a hand-written loop with the same decoder and the same decisions.
// CPU time of the process after a warm-up of a fifth as many records, each run in a process of its own, the order reversed every
// other round, median of 5. Outputs must be equal at every size; the ratio is judged at 10,000 connections.
import { execFileSync } from 'node:child_process';

const records = Number(process.env.BENCH_RECORDS ?? 1_000_000);
const rounds = Number(process.env.BENCH_ROUNDS ?? 5);
const least = 0.9;
/** Connections in the run that decides; the others show how it goes with fewer and more of them. */
const judged = 10_000;
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const one = (who, keys) =>
  JSON.parse(
    execFileSync(process.execPath, ['--max-old-space-size=4096', new URL('contender.mjs', import.meta.url).pathname, who, keys, records], {
      encoding: 'utf8',
    }),
  );

let failed = false;
console.log(`${records} records, ${rounds} rounds\n`);
console.log('| keys | stream, records per CPU-s | hand-written loop | ratio (range) | told | outputs |');
console.log('| ---: | ---: | ---: | ---: | ---: | --- |');
for (const keys of [judged, 1_000, 100_000]) {
  const runs = { stream: [], loop: [] };
  for (let round = 0; round < rounds; round++)
    for (const who of round % 2 === 0 ? ['stream', 'loop'] : ['loop', 'stream']) runs[who].push(one(who, keys));
  const cpu = (who) => median(runs[who].map((run) => run.cpuUs));
  // Of the two runs of one round, which stand next to each other: the load of the machine drifts from round to round.
  const ratios = runs.loop.map((run, round) => run.cpuUs / runs.stream[round].cpuUs);
  const ratio = median(ratios);
  const all = [...runs.stream, ...runs.loop];
  const same = all.every((run) => run.checksum === all[0].checksum && run.decoded === records && run.told > 0);
  const rate = (who) => Math.round(records / (cpu(who) / 1e6)).toLocaleString('en');
  console.log(
    `| ${keys} | ${rate('stream')} | ${rate('loop')} | ${ratio.toFixed(2)} (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}) | ${all[0].told} | ${same ? `equal (${all[0].checksum})` : 'DIFFER'} |`,
  );
  failed ||= !same || (keys === judged && ratio < least);
}
console.log(
  failed
    ? `\nFailed: outputs must be equal, and the ratio at ${judged} keys at least ${least}.`
    : `\nAt ${judged} keys the stream runs at ${least} of the loop's speed or better.`,
);
process.exitCode = failed ? 1 : 0;
