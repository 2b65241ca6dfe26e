// One million records of tcp.rto_change as the lines of a probe, the same on every machine.
const stepUs = 500;
const startUs = 1_700_000_000_000_000;

/** xorshift32: the same numbers everywhere. */
function numbers(seed) {
  let x = seed;
  return (below) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % below;
  };
}

/** Lines in chunks as a pipe brings them; every second of their time a heartbeat. */
export function* chunks(records, keys) {
  const next = numbers(2463534242);
  let text = '["m",' + startUs + ',1]\n';
  for (let i = 0; i < records; i++) {
    const us = startUs + stepUs * (i + 1);
    const key = next(keys);
    const was = 200 << next(5);
    const rto = 200 << next(5);
    const [sport, server] = [30000 + (key % 1000), Math.floor(key / 10)];
    const daddr = `"10.${server >> 16}.${(server >> 8) & 255}.${server & 255}"`;
    const values = `[4026531840,"192.168.0.1",${sport + (key >> 10)},${daddr},${key % 7 === 0 ? 22 : 443},"ESTABLISHED",${next(50) === 0 ? null : was},${rto},1,${1000 + key},"nginx"]`;
    text += `["r",0,${i + 1},${us},null,1,${values}]\n`;
    if (i % 2000 === 1999) text += `["b",${us},{"emitted":[[0,${i + 1}]]}]\n`;
    if (text.length >= 65_536) {
      yield Buffer.from(text);
      text = '';
    }
  }
  yield Buffer.from(text);
}

const field = (name, type, more = {}) => ({ name, type, optional: false, description: name, ...more });
export const goal = {
  id: 'tcp.rto_change',
  title: '',
  description: '',
  symptoms: [],
  cost: '',
  fields: [
    field('netns', 'int'),
    field('saddr', 'address'),
    field('sport', 'int'),
    field('daddr', 'address'),
    field('dport', 'int'),
    field('state', 'enum', { values: ['ESTABLISHED', 'SYN_SENT'] }),
    field('rto_was_ms', 'int', { optional: true }),
    field('rto_ms', 'int'),
    field('backoff', 'int', { optional: true }),
    field('pid', 'int', { optional: true }),
    field('comm', 'text', { optional: true }),
  ],
  key: ['daddr', 'dport'],
  engines: {},
  folder: 'bench',
};

const at = { start: 0, end: 0 };
const node = (op, left, right) => ({ ...at, op, left, right });
const name = (of) => ({ ...at, op: 'field', name: of });
const int = (value) => ({ ...at, op: 'literal', type: 'int', value });

/** rto_ms >= 800 && rto_ms - rto_was_ms >= 100 && dport == 443, per connection, three of one server in a minute. */
export const rule = {
  kind: 'alert',
  name: 'RetransmitTimeoutGrew',
  group: 'bench',
  goal: goal.id,
  where: {
    text: 'rto_ms >= 800 && rto_ms - rto_was_ms >= 100 && dport == 443',
    tree: node(
      'and',
      node('and', node('>=', name('rto_ms'), int(800)), node('>=', node('-', name('rto_ms'), name('rto_was_ms')), int(100))),
      node('==', name('dport'), int(443)),
    ),
  },
  by: ['saddr', 'sport', 'daddr', 'dport'],
  changed: new Map([['rto_ms', 100]]),
  dedupeMs: 10_000,
  threshold: { count: 3, withinMs: 60_000 },
  alertBy: ['daddr'],
  labels: {},
  to: ['x'],
  place: { file: 'bench', line: 1, column: 1 },
  forMs: 0,
  keepFiringForMs: 0,
  maxAlerts: 1000,
  severity: 'warning',
  annotations: {},
};

export const run = {
  id: '0000000000000001',
  host: 'h',
  boot: 'b',
  engine: 'procfs',
  goal: goal.id,
  module: 'm',
  fidelity: 'event',
  dialect: 'tapline',
  clock: 'wall',
};
