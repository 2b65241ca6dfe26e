import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseTemplate, readTemplate, renderTemplate } from './template.ts';

const render = (text: string, values: Readonly<Record<string, string>>) => renderTemplate(parseTemplate(text), (field) => values[field]);

test('fields are put in; an unknown one prints unknown', () =>
  expect(render('{{ daddr }} port {{dport}}: {{ pid }}', { daddr: '192.0.2.1', dport: '443' })).toBe('192.0.2.1 port 443: unknown'));

test("Prometheus' {{ $labels.daddr }} means the field", () => {
  expect(render('to {{ $labels.daddr }}', { daddr: '::1' })).toBe('to ::1');
  const text = 'é {{  $labels.daddr }}';
  const field = parseTemplate(text).find((part) => part.kind === 'field');
  expect(field?.kind === 'field' && text.slice(field.start, field.end)).toBe('daddr');
});

test('a value is data: braces in it are not looked at again', () =>
  expect(render('{{ path }}', { path: '{{ uid }} $& {{' })).toBe('{{ uid }} $& {{'));

test.each([
  ['{{ path', '{{', 'never closed'],
  ['a }} b', '}}', 'closes nothing'],
  ['{{ path }} }}', '}}', 'closes nothing'],
  ['{{ }}', '{{ }}', 'names no field'],
  ['x {{ $value }}', '{{ $value }}', 'no single value'],
  ['{{ humanize $value }}', '{{ humanize $value }}', 'no single value'],
  ['{{ path | upper }}', '{{ path | upper }}', 'no functions'],
  ['{{ .path }}', '{{ .path }}', 'is no field'],
  ['{{ a-b }}', '{{ a-b }}', 'is no field'],
])('%s: wrong at its place', (text, where, words) => {
  const { mistakes } = readTemplate(text);
  expect(mistakes).toHaveLength(1);
  expect(text.slice(mistakes[0]?.start, mistakes[0]?.end)).toBe(where);
  expect(mistakes[0]?.message).toContain(words);
});

test('single braces are text', () =>
  expect(readTemplate('{ path } {a}')).toEqual({ parts: [{ kind: 'text', text: '{ path } {a}' }], mistakes: [] }));

test('whatever the text, its parts are the text, and mistakes stand inside it', () => {
  const pieces = fc.array(
    fc.oneof(fc.constantFrom('{{', '}}', '{', '}', ' ', 'path', '$labels.', '|', '\n', '한글', '\udc80'), fc.string()),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(pieces, (words) => {
      const text = words.join('');
      const { parts, mistakes } = readTemplate(text);
      for (const { start, end } of mistakes) expect(text.slice(start, end)).toMatch(/\{\{|\}\}/);
      for (const part of parts) if (part.kind === 'field') expect(text.slice(part.start, part.end)).toBe(part.name);
      const rendered = renderTemplate(parts, (field) => `<${field}>`);
      // Without its fields a template is itself.
      if (parts.every((part) => part.kind === 'text')) expect(rendered).toBe(text);
      // What has no mistake has no braces left over.
      if (mistakes.length === 0) expect(parts.some((part) => part.kind === 'text' && /\{\{|\}\}/.test(part.text))).toBe(false);
    }),
  );
});
