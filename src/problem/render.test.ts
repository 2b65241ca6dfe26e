import { expect, test } from 'vitest';
import { error, warning, type Place } from './problem.ts';
import { problemsJson, renderProblems } from './render.ts';

const place = (more: Partial<Place> = {}): Place => ({
  file: '/w/rules/tcp.yaml',
  line: 7,
  column: 16,
  length: 3,
  text: '        where: rto >= 800',
  ...more,
});
const unknown = (more: Partial<Place> = {}) =>
  error('RULE_UNKNOWN_FIELD', 'tcp.retransmit has no field "rto"; did you mean "rto_ms"?', { place: place(more), hint: 'Fields: rto_ms.' });

test('the first line is the one that editors read; the source line with carets and the hint follow', () =>
  expect(renderProblems([unknown()], { cwd: '/w' })).toBe(
    [
      'rules/tcp.yaml:7:16: error RULE_UNKNOWN_FIELD: tcp.retransmit has no field "rto"; did you mean "rto_ms"?',
      '  7 |         where: rto >= 800',
      '    |                ^^^',
      '  hint: Fields: rto_ms.',
      '',
    ].join('\n'),
  ));

test('short is the first line alone; a file outside the current folder keeps its whole path', () => {
  const text = renderProblems([unknown(), unknown({ file: '/etc/tapline/x.yaml' })], { cwd: '/w', format: 'short' });
  expect(text.split('\n').map((line) => line.split(' ')[0])).toEqual(['rules/tcp.yaml:7:16:', '/etc/tapline/x.yaml:7:16:', '']);
});

test('problems stand in the order of files and places, those without a place first', () => {
  const at = (file: string, line: number, column: number) =>
    warning('CONFIG_UNKNOWN_KEY', `${line}:${column}`, { place: { file, line, column } });
  const lines = renderProblems([at('b', 9, 1), at('a', 2, 2), at('b', 3, 4), at('b', 3, 2), error('USAGE', 'no place')], { cwd: '/w' });
  expect(lines.split('\n').map((line) => line.split(': ').at(-1))).toEqual(['no place', '3:2', '3:4', '9:1', '2:2', '']);
});

const caretLine = (text: string, column: number, length: number) => {
  const [, source = '', caret = ''] = renderProblems([unknown({ text, column, length })], { cwd: '/w' }).split('\n');
  return { source: source.slice(6), caret: caret.slice(6) };
};

test('tabs stay tabs in both lines, so that they agree at any tab width', () =>
  expect(caretLine('\twhere:\trto', 9, 3)).toEqual({ source: '\twhere:\trto', caret: '\t      \t^^^' }));

test('wide characters take two columns, combining marks none', () => {
  expect(caretLine('# 재전송 rto', 7, 3).caret).toBe(`${' '.repeat(9)}^^^`);
  expect(caretLine('state == "재전송"', 10, 5).caret).toBe(`${' '.repeat(9)}${'^'.repeat(8)}`);
  expect(caretLine('e\u0301 rto', 4, 3).caret).toBe('  ^^^');
});

test('what a terminal would act on is shown, and the carets still fit', () => {
  const { source, caret } = caretLine('a: "\u001b[31m\u202e" rto', 13, 3);
  expect(source).toBe('a: "\\x1b[31m\\u{202e}" rto');
  expect(caret.indexOf('^')).toBe(source.indexOf('rto'));
});

test('a long line is cut around the caret', () => {
  const text = `${'x'.repeat(500)}rto${'y'.repeat(500)}`;
  const { source, caret } = caretLine(text, 501, 3);
  expect(source.length).toBeLessThan(130);
  expect(source.startsWith('...x') && source.endsWith('y...')).toBe(true);
  expect(source.slice(caret.indexOf('^'), caret.lastIndexOf('^') + 1)).toBe('rto');
});

test('messages, hints and causes from elsewhere cannot move the cursor', () => {
  const text = renderProblems([error('USAGE', 'a\u001b[2Jb\nc', { hint: 'd\re', cause: 'f\u0007' })], { cwd: '/w' });
  expect(text).toBe('error USAGE: a\\x1b[2Jb\\x0ac\n  cause: f\\x07\n  hint: d\\x0de\n');
});

test('colour only when asked', () => {
  expect(renderProblems([unknown()], { cwd: '/w' })).not.toContain('\u001b');
  expect(renderProblems([unknown()], { cwd: '/w', colour: true })).toContain('\u001b[1;31m^^^\u001b[0m');
});

test('JSON says all of it, and is valid while nothing but warnings are there', () => {
  expect(problemsJson([unknown()], '/w')).toMatchObject({
    format_version: '1.0',
    valid: false,
    error_count: 1,
    warning_count: 0,
    diagnostics: [
      {
        code: 'RULE_UNKNOWN_FIELD',
        severity: 'error',
        range: { filename: 'rules/tcp.yaml', start: { line: 7, column: 16 }, end: { line: 7, column: 19 } },
        snippet: '        where: rto >= 800',
        fix: 'Fields: rto_ms.',
      },
    ],
  });
  expect(problemsJson([warning('USAGE', 'x')], '/w')).toMatchObject({ valid: true, warning_count: 1 });
});
