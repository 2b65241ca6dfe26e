import type { Item, RecordBody } from '../../src/alerts/item.ts';

/** 2026-11-23 05:03:13.698123 UTC. */
export const sampleTimeUs = 1_795_410_193_698_123;
const at = '2026-11-23T05:03:13.698123Z';

/** Bytes of a process name and a path that try to end a line, a field, a frame, a header, a tag and a terminal's patience. */
export const hostileName = '","rto_ms":1}\n{';
export const hostilePath = 'x","rto_ms":1}\r\n{"goal":"fake" <b>]\\\u001b[2J\u202e\udcff\0é한';

const record = (more: Partial<RecordBody> = {}): RecordBody => ({
  time: at,
  time_error_us: 40,
  host: 'api-7',
  boot: '6d2a1f0e-0000-4000-8000-000000000001',
  run: '0123456789abcdef',
  module: 'tcp.rto_change-1a2b3c4d',
  lane: 1,
  seq: 17,
  engine: 'bpftrace',
  fidelity: 'event',
  n: 1,
  fields: { saddr: '10.0.3.7', sport: 51844, daddr: '10.0.3.21', dport: 443, comm: 'postgres', pid: 2114, rto_was_ms: 1728, rto_ms: 3456 },
  ...more,
});

const base = {
  rule: 'RetransmitTimeoutGrew',
  goal: 'tcp.rto_change',
  key: '["10.0.3.21",443]',
  to: ['under-test'],
  timeUs: sampleTimeUs,
} as const;
const common = (id: string, severity: string) => ({
  schema: 1 as const,
  id,
  rule: base.rule,
  goal: base.goal,
  key: base.key,
  severity,
  labels: { team: 'network' },
});

/** An alert of the shape that alerts/ makes, firing or resolved. */
export function sampleAlert(id: string, state: 'firing' | 'resolved' = 'firing', fields: RecordBody['fields'] = {}): Item {
  const last = record({ fields: { ...record().fields, ...fields } });
  const summary = `10.0.3.7:51844 -> 10.0.3.21:443 RTO 1728 -> 3456 ms${fields['comm'] === undefined ? '' : ` ${String(fields['comm'])}`}`;
  return {
    ...base,
    id,
    kind: 'alert',
    severity: 'warning',
    summary,
    body: {
      ...common(id, 'warning'),
      kind: 'alert',
      time: at,
      alertname: base.rule,
      state,
      fingerprint: 'fedcba9876543210',
      starts_at: at,
      ...(state === 'resolved' ? { ends_at: '2026-11-23T05:15:20.000000Z' } : {}),
      repeat: 0,
      labels: { alertname: base.rule, daddr: '10.0.3.21', dport: '443', team: 'network', severity: 'warning' },
      annotations: { summary },
      runbook_url: 'https://wiki.example.org/rb/tcp-timeouts',
      count: 3,
      total: 7,
      condition: 'rto_ms >= 800, 3 in 60 s',
      first_seen: '2026-11-23T05:03:07.218000Z',
      last_seen: at,
      hosts: ['api-7'],
      not_counted: { unmatched: 2, unchanged: 0, suppressed: 0, lost: 0 },
      records: [record({ seq: 16, fields: { ...last.fields, rto_was_ms: 864, rto_ms: 1728 } }), last],
      place: 'rules/tcp.yaml:4',
      group: 'tcp',
    },
  };
}

/** A forwarded record. */
export function sampleRecord(id: string, fields: RecordBody['fields'] = {}): Item {
  const body = record({ fields: { ...record().fields, ...fields } });
  return {
    ...base,
    id,
    kind: 'record',
    severity: 'info',
    summary: `postgres[2114] 10.0.3.7:51844 -> 10.0.3.21:443 RTO 1728 -> 3456 ms${fields['path'] === undefined ? '' : ` ${String(fields['path'])}`}`,
    body: { ...common(id, 'info'), kind: 'record', time: at, record: body },
  };
}

/** A closing record: what dedupe held back in one window. */
export function sampleSuppressed(id: string): Item {
  return {
    ...base,
    id,
    kind: 'suppressed',
    severity: 'info',
    summary: '41 more in 10 s: 10.0.3.7:51844 -> 10.0.3.21:443 RTO 1728 -> 3456 ms',
    body: { ...common(id, 'info'), kind: 'suppressed', time: at, count: 41, first: at, last: at, record: record() },
  };
}

/** A told loss: a forwarded record of the goal tapline.lost. */
export function sampleLost(id: string): Item {
  const body = record({ engine: 'tapline', fields: { reason: 'hole', count: 12 } });
  return {
    ...base,
    goal: 'tapline.lost',
    id,
    kind: 'lost',
    severity: 'warning',
    summary: '12 lost: hole',
    body: { ...common(id, 'warning'), goal: 'tapline.lost', kind: 'lost', time: at, count: 12, record: body },
  };
}

/** One item of each kind and state, hostile text in some. Ids begin with `prefix`. */
export const oneOfEach = (prefix: string): Item[] => [
  sampleAlert(`${prefix}-firing`),
  sampleAlert(`${prefix}-resolved`, 'resolved'),
  sampleAlert(`${prefix}-hostile`, 'firing', { comm: hostileName, path: hostilePath }),
  sampleRecord(`${prefix}-record`, { path: hostilePath }),
  sampleSuppressed(`${prefix}-suppressed`),
  sampleLost(`${prefix}-lost`),
];
