// Retransmissions per destination, from the topic that config/examples/kafka.yaml feeds.
//   node config/examples/kafka-consumer.mjs [--once] [BROKER [TOPIC]]     --once: print what is there now, and end
import { createRequire } from 'node:module';

const { Kafka, logLevel } = createRequire(import.meta.url)('kafkajs');
const words = process.argv.slice(2).filter((word) => word !== '--once');
const once = process.argv.includes('--once');
const [broker = '127.0.0.1:9092', topic = 'tapline.records'] = words;

const kafka = new Kafka({ brokers: [broker], clientId: 'tapline-example', logLevel: logLevel.ERROR });
const seen = new Set(); // the id is stable over retries: a record that comes twice counts once
const byDestination = new Map();
let dirty = false;

function take(message) {
  const item = JSON.parse(message.value.toString());
  if (item.kind !== 'record' || item.goal !== 'tcp.retransmit' || seen.has(item.id)) return;
  seen.add(item.id);
  const { daddr, dport, rto_ms, segs } = item.record.fields;
  const name = daddr.includes(':') ? `[${daddr}]:${dport}` : `${daddr}:${dport}`;
  const row = byDestination.get(name) ?? { resends: 0, segments: 0, worst: 0, hosts: new Set() };
  row.resends += item.record.n;
  row.segments += segs ?? item.record.n;
  row.worst = Math.max(row.worst, rto_ms ?? 0);
  row.hosts.add(item.record.host);
  byDestination.set(name, row);
  dirty = true;
}

function show() {
  if (!dirty) return;
  dirty = false;
  const rows = [...byDestination].sort((a, b) => b[1].resends - a[1].resends).slice(0, 20);
  console.log(`${'destination'.padEnd(46)} ${'resends'.padStart(8)} ${'segments'.padStart(8)} ${'worst RTO'.padStart(10)}  hosts`);
  for (const [name, row] of rows)
    console.log(
      `${name.padEnd(46)} ${String(row.resends).padStart(8)} ${String(row.segments).padStart(8)} ${`${row.worst} ms`.padStart(10)}  ${[...row.hosts].join(', ')}`,
    );
}

const admin = kafka.admin();
await admin.connect();
const ends = new Map(
  (await admin.fetchTopicOffsets(topic)).map(({ partition, high, low }) => [partition, high === low ? 0 : Number(high)]),
);
await admin.disconnect();

const consumer = kafka.consumer({ groupId: once ? `tapline-example-${process.pid}` : 'tapline-example', maxWaitTimeInMs: 300 });
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
const timer = once ? undefined : setInterval(show, 1000);
const stop = async () => {
  clearInterval(timer);
  await consumer.disconnect();
  show();
};
process.once('SIGINT', () => void stop());
const reached = (partition, next) => next >= (ends.get(partition) ?? 0) && ends.delete(partition);
for (const [partition, end] of [...ends]) reached(partition, end === 0 ? 0 : -1);
if (once && ends.size === 0) await stop();
else
  await consumer.run({
    eachBatch: async ({ batch }) => {
      for (const message of batch.messages) take(message);
      reached(batch.partition, Number(batch.lastOffset()) + 1);
      if (once && ends.size === 0) setImmediate(() => void stop());
    },
  });
