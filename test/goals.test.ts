import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Decoder } from '../src/decode/decoder.ts';
import { factsFor } from '../src/cli/explain/facts.ts';
import { recordAt } from '../src/decode/record.ts';
import { columnsDiffer, parseFrame, parseHeader } from '../src/engine/recording.ts';
import { generateModule } from '../src/generate/generate.ts';
import { loadGoals } from '../src/goals/catalogue.ts';
import { Ledger } from '../src/telemetry/ledger.ts';
import { realHost } from './lab/watching.ts';

const folder = join(import.meta.dirname, '../scripts-stp');
const loaded = loadGoals(folder);
const goals = loaded.ok ? [...loaded.value.values()] : [];
/** What engines answer; the others are Tapline's own. */
const recorded = goals.filter((goal) => Object.keys(goal.engines).length > 0);
const temporary = mkdtempSync(join(tmpdir(), 'tapline-goals-'));
afterAll(() => rmSync(temporary, { recursive: true }));

test('every folder is a goal, and every goal is right', () => {
  expect(loaded.problems).toEqual([]);
  const folders = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory() && entry.name !== 'lib');
  expect(goals.map(({ id }) => id)).toEqual(folders.map(({ name }) => name).sort());
});

describe.each(goals.map((goal) => [goal.id, goal] as const))('%s', (_, goal) => {
  test('names its templates, and has no others', () => {
    const templates = Object.values(goal.engines).flatMap((engine) => engine.template ?? []);
    const files = readdirSync(goal.folder ?? '').filter((name) => name.startsWith('probe.'));
    expect(templates.sort()).toEqual(files.sort());
  });

  test('its modules can be shown on a machine that cannot run them', async () => {
    for (const engine of ['systemtap', 'bpftrace'] as const) {
      if (goal.engines[engine]?.template === undefined) continue;
      const facts = await factsFor(engine, [], realHost, goal);
      expect(generateModule({ goal, rules: [], engine, facts, pushdown: true }).problems, engine).toEqual([]);
    }
  });

  test('its key tells things apart by fields that are there, its descriptions are sentences', () => {
    expect(goal.key.length).toBeGreaterThan(0);
    for (const field of goal.fields) expect(field.description, field.name).toMatch(/^\S.*[.)]$/s);
    expect(goal.title).not.toMatch(/\.$/);
  });

  test('fields of the same name have the same type and unit in every goal of an engine', () => {
    for (const other of recorded)
      for (const field of recorded.includes(goal) ? goal.fields : []) {
        const same = other.fields.find(({ name }) => name === field.name);
        if (same !== undefined && field.type !== 'enum')
          expect([same.type, same.unit], `${other.id}.${field.name}`).toEqual([field.type, field.unit]);
      }
  });
});

test('every goal that an engine answers has a recording of real output', () =>
  expect(recorded.filter((goal) => !existsSync(join(goal.folder ?? '', 'example.jsonl'))).map(({ id }) => id)).toEqual([]));

describe.each(recorded.map((goal) => [goal.id, goal] as const))('the recording of %s', (_, goal) => {
  const [header = '', ...lines] = readFileSync(join(goal.folder ?? '', 'example.jsonl'), 'utf8')
    .trimEnd()
    .split('\n');
  const frames = lines.flatMap((line) => parseFrame(line) ?? []);
  const engines = new Set(frames.flatMap((frame) => (frame.kind === 'run' && frame.run.engine !== 'tapline' ? [frame.run.engine] : [])));
  const signals = new Decoder({ goal: () => goal, ledger: new Ledger() }).push(frames);
  const records = signals.flatMap((signal) =>
    signal.kind === 'batch' ? Array.from({ length: signal.batch.length }, (_, row) => recordAt(signal.batch, row)) : [],
  );

  test('has the columns of the manifest', () => {
    const parsed = parseHeader(header);
    expect(parsed.ok && columnsDiffer(parsed.value, goal)).toBeUndefined();
  });

  test('knows every field that may not be unknown, and none that its engine never knows', () => {
    expect(records.length).toBeGreaterThan(0);
    const never = [...engines].flatMap((name) => goal.engines[name]?.unknown ?? []);
    for (const record of records) {
      expect(Object.keys(record.fields)).toEqual(
        expect.arrayContaining(goal.fields.filter(({ optional }) => !optional).map(({ name }) => name)),
      );
      expect(Object.keys(record.fields).filter((name) => never.includes(name))).toEqual([]);
    }
  });

  test('shows every optional field that the engine claims to know', () => {
    const claimed = goal.fields.filter(
      ({ name, optional }) => optional && [...engines].some((engine) => !goal.engines[engine]?.unknown.includes(name)),
    );
    const seen = new Set(records.flatMap((record) => Object.keys(record.fields)));
    expect(claimed.map(({ name }) => name).filter((name) => !seen.has(name))).toEqual([]);
  });
});

test('a manifest that contradicts itself is told at every place', () => {
  const good = 'id: a.b\ntitle: t\ndescription: d\nsymptoms: [s]\ncost: c\nfields:\n  x: { type: int, description: X. }\nkey: [x]\n';
  const told = (name: string, text: string) => {
    const catalogue = join(temporary, name);
    mkdirSync(join(catalogue, 'a.b'), { recursive: true });
    writeFileSync(join(catalogue, 'a.b', 'goal.yaml'), text);
    return loadGoals(catalogue).problems.map(({ code, place }) => `${place?.line}:${place?.column} ${code}`);
  };
  expect(told('good', good)).toEqual([]);
  expect(told('id', good.replace('a.b', 'a.c'))).toEqual(['1:5 GOAL_MANIFEST_WRONG']);
  expect(told('key', good.replace('[x]', '[x, y]'))).toEqual(['8:10 GOAL_MANIFEST_WRONG']);
  expect(told('enum', good.replace('type: int', 'type: enum'))).toEqual(['7:6 GOAL_MANIFEST_WRONG']);
  expect(told('shape', good.replace('cost', 'costs'))).toEqual(['1:1 CONFIG_MISSING_KEY', '5:1 CONFIG_UNKNOWN_KEY']);
  const engine = (keys: string) => told(keys.replace(/\W/g, ''), `${good}engines:\n  bpftrace: { fidelity: event, ${keys} }\n`);
  expect(engine('template: probe.bt')).toEqual(['10:42 GOAL_MANIFEST_WRONG']);
  expect(engine('reader: tcp, push: [y]')).toEqual(['10:52 GOAL_MANIFEST_WRONG']);
  expect(engine('reader: tcp, unknown: [x]')).toEqual(['10:55 GOAL_MANIFEST_WRONG']);
  expect(engine('limits: none')).toEqual(['10:13 GOAL_MANIFEST_WRONG']);
});

test('a catalogue that is not there is told', () =>
  expect(loadGoals(join(temporary, 'nowhere'))).toMatchObject({ ok: false, problems: [{ code: 'GOAL_FOLDER_MISSING' }] }));
