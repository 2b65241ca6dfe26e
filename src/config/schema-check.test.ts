import { Type } from 'typebox';
import { expect, test } from 'vitest';
import { DurationSchema } from './duration.ts';
import { checkSchema } from './schema-check.ts';
import { parseSource } from './source.ts';

const schema = Type.Object(
  {
    name: Type.String({ minLength: 1, description: 'A name.' }),
    count: Type.Optional(Type.Integer({ minimum: 1, maximum: 9 })),
    within: Type.Optional(DurationSchema),
    to: Type.Optional(Type.Array(Type.String(), { minItems: 1 })),
    kind: Type.Optional(Type.Union([Type.Literal('event'), Type.Literal('sampled')])),
    mode: Type.Optional(Type.Enum(['auto', 'never'])),
    on: Type.Optional(Type.Boolean()),
    changed: Type.Optional(
      Type.Union([Type.Record(Type.String(), Type.Number({ minimum: 0 })), Type.Array(Type.String())], { description: 'Fields.' }),
    ),
    inner: Type.Optional(Type.Object({ a: Type.String() }, { additionalProperties: false })),
  },
  { additionalProperties: false },
);

function told(yaml: string): string[] {
  const read = parseSource('/x.yaml', Buffer.from(yaml));
  if (!read.ok) throw new Error(read.problems[0]?.message);
  return checkSchema(read.value, schema).map(
    ({ place, code, message, hint }) => `${place?.line}:${place?.column} ${code} ${message}${hint === undefined ? '' : ` | ${hint}`}`,
  );
}

test('what is right is not told', () =>
  expect(told('name: x\ncount: 3\nwithin: 5m\nto: [a]\nkind: event\nmode: auto\non: true\nchanged: [a]\n')).toEqual([]));

test.each([
  [
    'nmae: x\nname: y\n',
    [
      '1:1 CONFIG_UNKNOWN_KEY There is no key "nmae" here; did you mean "name"? | Keys: name, count, within, to, kind, mode, on, changed, inner.',
    ],
  ],
  ['count: 3\n', ['1:1 CONFIG_MISSING_KEY The key "name" is missing. | name: A name.']],
  ['name: 5\n', ['1:7 CONFIG_WRONG_TYPE `name` must be text; this is a number. | In quotes it is text: "5"']],
  ['name: ""\n', ['1:7 CONFIG_WRONG_VALUE `name` must not be empty. | `name`: A name.']],
  ['name: x\ncount: "3"\n', ['2:8 CONFIG_WRONG_TYPE `count` must be a whole number; this is text. | Without quotes it is a number: 3']],
  ['name: x\ncount: 10\n', ['2:8 CONFIG_WRONG_VALUE `count` must be at most 9.']],
  ['name: x\nwithin: soon\n', ['2:9 CONFIG_BAD_DURATION "soon" is no duration. | Write it as Prometheus does: 500ms, 90s, 5m, 1h30m, 7d.']],
  ['name: x\nwithin: ""\n', ['2:9 CONFIG_BAD_DURATION The duration is empty. | Write it as Prometheus does: 500ms, 90s, 5m, 1h30m, 7d.']],
  ['name: x\nto: a\n', ['2:5 CONFIG_WRONG_TYPE `to` must be a list; this is text. | A list of one: [a]']],
  ['name: x\nto: []\n', ['2:5 CONFIG_WRONG_VALUE `to` needs at least 1 entry.']],
  ['name: x\nto: [a, 3]\n', ['2:9 CONFIG_WRONG_TYPE entry 2 of `to` must be text; this is a number. | In quotes it is text: "3"']],
  ['name: x\nkind: evnt\n', ['2:7 CONFIG_WRONG_VALUE `kind` must be one of event, sampled; did you mean "event"?']],
  ['name: x\nmode: atuo\n', ['2:7 CONFIG_WRONG_VALUE `mode` must be one of auto, never; did you mean "auto"?']],
  [
    'name: x\non: yes\n',
    ['2:5 CONFIG_WRONG_TYPE `on` must be true or false; this is text. | YAML 1.2 knows true and false; yes, no, on and off are text.'],
  ],
  ['name: x\nchanged: a\n', ['2:10 CONFIG_WRONG_TYPE `changed` cannot be text. | `changed`: Fields.']],
  ['name: x\nchanged: {a: -1}\n', ['2:14 CONFIG_WRONG_VALUE `a` must be at least 0.']],
  ['name: x\nchanged: [1]\n', ['2:11 CONFIG_WRONG_TYPE entry 1 of `changed` must be text; this is a number. | In quotes it is text: "1"']],
  [
    'name: x\ninner:\n  b: 1\n',
    [
      '3:3 CONFIG_UNKNOWN_KEY There is no key "b" in `inner`; did you mean "a"? | Keys: a.',
      '2:1 CONFIG_MISSING_KEY The key "a" is missing in `inner`.',
    ],
  ],
  ['- 1\n', ['1:1 CONFIG_WRONG_TYPE the file must be a map; this is a list.']],
])('%j', (yaml, wanted) => expect(told(yaml).sort()).toEqual([...wanted].sort()));

test('a key that JavaScript knows is a key like any other', () =>
  expect(told('name: x\n__proto__: {a: 1}\nconstructor: 1\n').map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
    '2:1 CONFIG_UNKNOWN_KEY',
    '3:1 CONFIG_UNKNOWN_KEY',
  ]));
