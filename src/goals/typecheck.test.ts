import { expect, test } from 'vitest';
import { parseWhere, type Mistake } from '../rules/cel.ts';
import type { Field, Goal } from './goal.ts';
import { checkWhere } from './typecheck.ts';

const field = (name: string, type: Field['type'], values?: string[]): Field => ({
  name,
  type,
  optional: false,
  description: '',
  ...(values && { values }),
});
const goal: Goal = {
  id: 'tcp.example',
  title: '',
  description: '',
  symptoms: [],
  cost: '',
  cannot: {},
  parameters: [],
  key: ['daddr'],
  engines: {},
  fields: [
    field('saddr', 'address'),
    field('daddr', 'address'),
    field('dport', 'int'),
    field('rto_ms', 'int'),
    field('comm', 'text'),
    field('cut', 'bool'),
    field('state', 'enum', ['ESTABLISHED', 'SYN_SENT', 'RTO']),
    field('kind', 'enum', ['SYN']),
  ],
};
function check(text: string): readonly Mistake[] {
  const parsed = parseWhere(text);
  return parsed.ok ? checkWhere(parsed.tree, goal) : parsed.mistakes;
}

test.each([
  'cut',
  '!cut && known(comm)',
  'rto_ms > 800 || dport - 1 <= -rto_ms % 4',
  'daddr == "192.0.2.1" || "2001:DB8::0:1" != saddr',
  'daddr in ["192.0.2.1", "::1"] && dport in [80, -1] && comm in ["a"] && state in ["SYN_SENT"] && cut in [true]',
  'daddr == saddr && comm == state && state == kind',
  'comm.startsWith("a") && state.contains("SYN") && size(comm) > comm.size()',
  '(cut ? saddr : daddr) == (dport == 1 ? "::1" : "::2")',
  '(cut ? state : comm) == "anything"',
  'host == "web-1"',
  'cidr("10.0.0.0/8").containsIP(daddr) && !cidr("2001:db8::/32").containsIP(cut ? saddr : daddr)',
])('%s fits', (text) => expect(check(text)).toEqual([]));

test.each<[string, ...[code: string, part: string, words: string][]]>([
  ['rto > 1', ['RULE_UNKNOWN_FIELD', 'rto', 'tcp.example has no field "rto"; did you mean "rto_ms"?']],
  ['known(rt_ms)', ['RULE_UNKNOWN_FIELD', 'rt_ms', 'did you mean "rto_ms"?']],
  ['dst_port == 1', ['RULE_UNKNOWN_FIELD', 'dst_port', 'did you mean "dport"?']],
  ['constructor == 1', ['RULE_UNKNOWN_FIELD', 'constructor', 'no field "constructor"']],
  ['state == SYN_SENT', ['RULE_UNKNOWN_FIELD', 'SYN_SENT', 'the value of state is written "SYN_SENT", in quotes']],
  ['cidr("10.0.0.0/33").containsIP(daddr)', ['RULE_BAD_ADDRESS', '"10.0.0.0/33"', 'no network']],
  ['cidr("10.1.2.3/8").containsIP(daddr)', ['RULE_BAD_ADDRESS', '"10.1.2.3/8"', 'The network is "10.0.0.0/8"']],
  ['cidr("10.0.0.0/8").containsIP(comm)', ['RULE_WHERE_TYPE', 'comm', 'wants an address; this is a text']],
  ['daddr == "10.0.0.0/8"', ['RULE_BAD_ADDRESS', '"10.0.0.0/8"', 'cidr("10.0.0.0/8").containsIP(daddr)']],
  ['rto_ms', ['RULE_WHERE_TYPE', 'rto_ms', 'must be true or false; this is a number']],
  ['comm && cut', ['RULE_WHERE_TYPE', 'comm', '&& wants true or false; this is a text']],
  ['!dport', ['RULE_WHERE_TYPE', 'dport', '> 0']],
  ['dport == "443"', ['RULE_WHERE_TYPE', 'dport == "443"', 'Write 443 without quotes.']],
  ['comm == 5', ['RULE_WHERE_TYPE', 'comm == 5', 'Write "5" in quotes.']],
  ['cut == "true"', ['RULE_WHERE_TYPE', 'cut == "true"', 'Write true without quotes.']],
  ['comm > "a"', ['RULE_WHERE_TYPE', 'comm', '> wants a number'], ['RULE_WHERE_TYPE', '"a"', '> wants a number']],
  ['rto_ms > "800"', ['RULE_WHERE_TYPE', '"800"', 'Write 800 without quotes.']],
  ['daddr.startsWith("10.")', ['RULE_WHERE_TYPE', 'daddr', 'Addresses are compared whole']],
  ['daddr == "10.0.0.0/8"', ['RULE_BAD_ADDRESS', '"10.0.0.0/8"', 'is no IPv4 or IPv6 address']],
  [
    'daddr in ["::1", "fe80::1%eth0", 5]',
    ['RULE_BAD_ADDRESS', '"fe80::1%eth0"', 'zone'],
    ['RULE_WHERE_TYPE', '5', 'compared with an address'],
  ],
  ['(cut ? saddr : daddr) == "x"', ['RULE_BAD_ADDRESS', '"x"', 'no IPv4']],
  ['daddr == (cut ? "::1" : "x")', ['RULE_BAD_ADDRESS', '"x"', 'no IPv4']],
  ['state == "SYN_SEND"', ['RULE_UNKNOWN_VALUE', '"SYN_SEND"', 'did you mean "SYN_SENT"?']],
  ['state in ["RTO", "syn_sent"]', ['RULE_UNKNOWN_VALUE', '"syn_sent"', 'did you mean "SYN_SENT"?']],
  ['dport in 80', ['RULE_WHERE_TYPE', '80', 'wants a list']],
  ['"etc" in comm', ['RULE_WHERE_TYPE', 'comm', '.contains(']],
  [
    'dport in [rto_ms, [1], "a"]',
    ['RULE_WHERE_TYPE', 'rto_ms', 'written out'],
    ['RULE_WHERE_TYPE', '[1]', 'in a list'],
    ['RULE_WHERE_TYPE', '"a"', 'a number; this is a text'],
  ],
  ['[1] == [1]', ['RULE_WHERE_TYPE', '[1]', 'behind "in" only'], ['RULE_WHERE_TYPE', '[1]', 'behind "in" only']],
  ['cut ? 1 : "a"', ['RULE_WHERE_TYPE', 'cut ? 1 : "a"', 'must be alike; these are a number and a text']],
  ['comm + "x" == comm', ['RULE_WHERE_TYPE', 'comm', '+ wants a number'], ['RULE_WHERE_TYPE', '"x"', '+ wants a number']],
  ['a > 1 && b > 2', ['RULE_UNKNOWN_FIELD', 'a', ''], ['RULE_UNKNOWN_FIELD', 'b', '']],
])('%s does not fit, and says where', (text, ...wanted) => {
  const found = check(text);
  expect(found.map(({ code, start, end }) => [code, text.slice(start, end)])).toEqual(wanted.map(([code, part]) => [code, part]));
  wanted.forEach(([, , words], i) => expect(`${found[i]?.message} ${found[i]?.hint ?? ''}`).toContain(words));
});
