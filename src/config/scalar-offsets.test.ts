import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isMap, isScalar, parseDocument, Scalar, stringify } from 'yaml';
import { scalarOffsets, type ScalarStyle } from './scalar-offsets.ts';

/** What the source has at each unit of the value of the key `a`. */
function written(source: string) {
  const document = parseDocument(source);
  const node = isMap(document.contents) ? document.contents.items[0]?.value : undefined;
  if (!isScalar(node) || !node.range || typeof node.value !== 'string') throw new Error(`no text in ${source}`);
  const offsets = scalarOffsets(source, node.range[0], node.range[1], node.type as ScalarStyle, node.value);
  return { value: node.value, offsets, at: (text: string) => offsets?.[(node.value as string).indexOf(text)] };
}

test.each([
  ['plain', 'a: rto >= 800\n'],
  ['plain over lines', 'a: rto\n  >= 800\n\n  && x\n'],
  ['single quotes', "a: 'it''s rto >= 800'\n"],
  ['single quotes over lines', "a: 'it''s\n  rto >=\n\n  800'\n"],
  ['double quotes with escapes', 'a: "\\t\\u00e9\\x41\\"rto\\" >= 800"\n'],
  ['double quotes over lines', 'a: "x \\\n   rto\n  >= \\\n\n  800"\n'],
  ['literal', 'a: |\n  x\n\n    rto\n  >= 800\n'],
  ['literal with a depth', 'a: |2-\n    x\n  rto\n\n'],
  ['folded', 'a: >\n  x\n  y\n\n  rto\n    more\n    more\n\n  >= 800\n\n'],
  ['folded, CRLF', 'a: >-\r\n  x\r\n  rto\r\n'],
  ['wide characters', 'a: "😀 한국 rto"\n'],
])('%s: every letter is found where it was written', (_, source) => {
  const { value, offsets, at } = written(source);
  expect(offsets).toHaveLength(value.length + 1);
  if (value.includes('rto')) expect(at('rto')).toBe(source.indexOf('rto'));
  for (const [i, unit] of [...value.split('')].entries())
    if (/[a-z>=0-9]/i.test(unit) && !source.includes('\\x41')) expect(source[offsets?.[i] ?? -1]).toBe(unit);
});

test('what the yaml package wrote itself, in every style', () => {
  const styles = [Scalar.PLAIN, Scalar.QUOTE_SINGLE, Scalar.QUOTE_DOUBLE, Scalar.BLOCK_LITERAL, Scalar.BLOCK_FOLDED] as const;
  const text = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '\n', '"', "'", '\\', ':', '#', '\t', '한', '😀'), maxLength: 40 });
  fc.assert(
    fc.property(text, fc.constantFrom(...styles), (value, style) => {
      const source = stringify({ a: value }, { defaultStringType: style, defaultKeyType: 'PLAIN', lineWidth: 20 });
      fc.pre(written(source).value === value);
      expect(written(source).offsets).toHaveLength(value.length + 1);
    }),
  );
});
