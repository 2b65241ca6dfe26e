import type { Field, Goal } from '../goals/goal.ts';
import { canTest, filterSource, networkWords, pushableText, type Atom, type Dialect } from './dialect.ts';

/**
 * SystemTap's language. A template sets a variable for each field of its goal, named like it: an int or bool as a number
 * (`tl_unknown()` where an optional one is unknown), an enum as the index of its value, an address as two numbers
 * `NAME_hi` and `NAME_lo`, a text as a string (an address or a text with `NAME_known` where it is optional).
 */
export const systemtapDialect: Dialect = {
  engine: 'systemtap',
  comment: (text) => `// ${text}`,
  can: (atom) => canTest(atom, (field, text) => field.type === 'text' && pushableText(text, 255)),
  filter: (filter) => filterSource(filter, { true: '1', false: '0' }, atomSource),
  placeholders: (goal) => ({
    required: { record: lineSource('r', goal.fields), ...(goal.forget && { forget: lineSource('f', forgetFields(goal)) }) },
    allowed: {},
  }),
};

function atomSource({ field, op, value }: Atom): string {
  switch (value.type) {
    case 'int':
      return `${field.name} ${op} ${value.value}`;
    case 'enum':
      return `${field.name} ${op} ${value.index}`;
    case 'bool':
      return `${field.name} ${op} ${value.value ? 1 : 0}`;
    case 'text': {
      if (op !== 'startsWith' && op !== '!startsWith') return `${field.name} ${op} "${value.value}"`;
      return `substr(${field.name}, 0, ${value.value.length}) ${op === 'startsWith' ? '==' : '!='} "${value.value}"`;
    }
    case 'network': {
      const words = networkWords(value.network, 8, (view, at) => view.getBigUint64(at));
      const tests = words.map(({ word, mask, value, whole }) => {
        const name = `${field.name}_${word === 0 ? 'hi' : 'lo'}`;
        return `${whole ? name : `(${name} & ${hex(mask)})`} == ${hex(value)}`;
      });
      return `${op === 'within' ? '' : '!'}(${tests.join(' && ') || '1'})`;
    }
    case 'address': {
      const [hi, lo] = [0, 8].map((at) => `0x${Buffer.from(value.bytes.subarray(at, at + 8)).toString('hex')}`);
      return `(${field.name}_hi ${op} ${hi} ${op === '==' ? '&&' : '||'} ${field.name}_lo ${op} ${lo})`;
    }
  }
}

const hex = (value: bigint) => `0x${value.toString(16).padStart(16, '0')}`;

const forgetFields = (goal: Goal): Field[] =>
  (goal.forget?.fields ?? []).flatMap((name) => goal.fields.find((field) => field.name === name) ?? []);

/** Statements that print one numbered line with these columns (scripts-stp/lib/record.stp has the format). */
function lineSource(kind: 'r' | 'f', fields: readonly Field[]): string {
  const statements: string[] = [];
  let formats = [kind, '%d', '%d'];
  let values = ['tl_next_seq()', 'tl_clock_us()'];
  const print = (before = '\\t') => {
    if (formats.length > 0) statements.push(`printf("${before}${formats.join('\\t')}", ${values.join(', ')})`);
    formats = [];
    values = [];
  };
  print('');
  for (const field of fields) {
    const direct = directColumn(field);
    if (direct && values.length < 16) {
      formats.push(direct.format);
      values.push(...direct.values);
      continue;
    }
    print();
    statements.push(columnSource(field));
  }
  print();
  statements.push('printf("\\n")');
  return statements.join('\n  ');
}

/** Columns that are always known and need no escaping. */
function directColumn({ name, type, optional }: Field): { readonly format: string; readonly values: readonly string[] } | undefined {
  if (optional || type === 'text') return undefined;
  return type === 'address' ? { format: '%016x%016x', values: [`${name}_hi`, `${name}_lo`] } : { format: '%d', values: [name] };
}

function columnSource({ name, type, optional }: Field): string {
  if (type !== 'text' && type !== 'address') return `tl_put_number(${name})`;
  const put = type === 'text' ? `tl_put_text(${name})` : `printf("\\t%016x%016x", ${name}_hi, ${name}_lo)`;
  return optional ? `if (${name}_known) ${put} else tl_put_unknown()` : put;
}
