import fc from 'fast-check';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hostileName, hostilePath, oneOfEach, sampleAlert, sampleRecord } from '../../../test/contracts/items.ts';
import type { Item } from '../../alerts/item.ts';
import { testItem } from '../testmessage.ts';
import { parseAddress, parseSmtp } from './address.ts';
import { mailMessage } from './message.ts';
import { wrap } from './text.ts';

const golden = (name: string) => join(import.meta.dirname, '../../../test/golden/mail', name);
const scene = { sink: 'oncall', hostname: 'api-7', zone: () => 540 };
const compose = (items: readonly Item[]) => mailMessage({ id: '7f3c', sink: 'oncall', items }, scene, { address: 'tapline@example.org' });
const whole = (items: readonly Item[]) => {
  const { subject, messageId, references, headers, text } = compose(items);
  const lines = Object.entries({ Subject: subject, 'Message-ID': messageId, References: references, ...headers }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  return `${lines.join('\n')}\n\n${text}`;
};

/** So many alerts of three rules on two peers, from four hosts. */
const many = (count: number): Item[] =>
  Array.from({ length: count }, (_, index) => {
    const alert = sampleAlert(`many-${index}`, index % 4 === 3 ? 'resolved' : 'firing', {
      rto_ms: 100 * index,
      comm: `worker-${index}`,
      daddr: index % 3 === 0 ? '10.0.9.4' : '2001:db8::1',
    });
    if (alert.body.kind !== 'alert') return alert;
    const rule = `Rule${index % 3}`;
    return { ...alert, rule, body: { ...alert.body, rule, alertname: rule, fingerprint: `f${index}`, hosts: [`api-${index % 4}`] } };
  });

test.for([
  ['firing', [sampleAlert('firing')]],
  ['resolved', [sampleAlert('resolved', 'resolved')]],
  ['hostile', [sampleAlert('hostile', 'firing', { comm: hostileName, path: hostilePath })]],
  ['digest', oneOfEach('digest')],
  ['digest-of-many', many(12)],
  ['records', [sampleRecord('one'), sampleRecord('two')]],
  ['test', [testItem('oncall', 'api-7', 1_795_410_200_000_000)]],
] as const)('the mail %s, to the letter', async ([name, items]) => {
  await expect(whole(items)).toMatchFileSnapshot(golden(`${name}.txt`));
  await expect(compose(items).html).toMatchFileSnapshot(golden(`${name}.html`));
});

test('500 alerts: at most 40 KB of HTML, and every one is counted', () => {
  const { html, text, subject } = compose(many(500));
  expect(Buffer.byteLength(html)).toBeLessThan(40 * 1024);
  expect(subject).toBe('[500 alerts, 375 firing] Tapline oncall digest 2026-11-23');
  const counted = [...text.matchAll(/(\d+) firing, (?:(\d+) resolved)/g)].slice(1);
  expect(counted.reduce((sum, [, firing, resolved]) => sum + Number(firing) + Number(resolved), 0)).toBe(500);
  const rows = text.split('\n').filter((line) => line.startsWith('  api-')).length;
  const more = [...text.matchAll(/^ {2}and (\d+) more$/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
  expect(rows + more).toBe(500);
});

test('firing and resolved have one identity outside the brackets, one thread, and two Message-IDs of their own notifications', () => {
  const firing = mailMessage({ id: 'n1', sink: 'oncall', items: [sampleAlert('f')] }, scene, { address: 'tapline@example.org' });
  const resolved = mailMessage({ id: 'n2', sink: 'oncall', items: [sampleAlert('r', 'resolved')] }, scene, {
    address: 'tapline@example.org',
  });
  const identity = ({ subject }: { subject: string }) => subject.replace(/^\[[^\]]*\] /, '');
  expect(identity(firing)).toBe('api-7 -> 10.0.3.21:443 postgres: RetransmitTimeoutGrew');
  expect(identity(resolved)).toBe(identity(firing));
  expect(resolved.references).toBe(firing.references);
  expect(resolved.messageId).not.toBe(firing.messageId);
});

test('an IPv6 address stands in the subject without brackets, and in a command only if it is one', () => {
  const v6 = compose([sampleAlert('v6', 'firing', { saddr: '2001:db8::7', daddr: '2001:db8::1' })]);
  expect(v6.subject).toContain('2001:db8::1 port 443');
  expect(v6.text).toContain("ss -tino dst '[2001:db8::1]'");
  expect(compose([sampleAlert('no', 'firing', { daddr: '$(reboot)' })]).text).not.toContain('ss -tino');
});

test('a critical alert is marked important, a warning is not', () => {
  expect(compose([{ ...sampleAlert('c'), severity: 'crit' }]).important).toBe(true);
  expect(compose([sampleAlert('w')]).important).toBe(false);
});

const hostile = fc.string({
  unit: fc.constantFrom('\r', '\n', '\0', '<', '>', '"', "'", '&', ':', ' ', 'a', '\udcff', '\u202e', '\x1b', '\ud55c', ']'),
});
test('whatever a rule or a process is called: no header has a line end, the HTML no tag and the text no control of theirs', () => {
  fc.assert(
    fc.property(hostile, hostile, hostile, (name, rule, description) => {
      const alert = sampleAlert('p', 'firing', { comm: name, path: name });
      if (alert.body.kind !== 'alert') return;
      const item: Item = {
        ...alert,
        rule,
        summary: name,
        body: {
          ...alert.body,
          rule,
          alertname: rule,
          place: rule,
          annotations: { summary: name, description },
          hosts: [name],
          runbook_url: name,
        },
      };
      for (const items of [[item], [item, sampleRecord('r', { path: name })]]) {
        const { subject, messageId, references, headers, text, html } = compose(items);
        for (const value of [subject, messageId, references, ...Object.values(headers)])
          expect(value).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]|\p{Surrogate}/u);
        expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]|\p{Surrogate}/u);
        const tags = new Set([...html.matchAll(/<\/?([a-z0-9]+)/gi)].map(([, tag]) => tag));
        expect([...tags].filter((tag) => !known.has(tag ?? ''))).toEqual([]);
        expect(html).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]|\p{Surrogate}/u);
        expect(html).not.toContain('<a class="l" href="javascript');
      }
    }),
  );
});
const known = new Set([
  'html',
  'head',
  'meta',
  'title',
  'style',
  'body',
  'div',
  'table',
  'tr',
  'td',
  'th',
  'h1',
  'p',
  'br',
  'strong',
  'span',
  'a',
]);

test('only http and https become a link', () => {
  const alert = sampleAlert('link');
  if (alert.body.kind !== 'alert') return;
  const item = { ...alert, body: { ...alert.body, runbook_url: 'javascript:alert(1)' } };
  expect(compose([item]).html).not.toMatch(/href="[^"]*javascript/);
  expect(compose([alert]).html).toContain('<a class="l" href="https://wiki.example.org/rb/tcp-timeouts"');
});

test('text is broken at 72 columns, Korean counts two', () => {
  expect(wrap('\ud55c'.repeat(20) + ' ' + '\ud55c'.repeat(20))).toHaveLength(2);
  expect(wrap('a'.repeat(100))).toEqual(['a'.repeat(100)]);
  for (const line of wrap('word '.repeat(100).trim())) expect(line.length).toBeLessThanOrEqual(72);
});

test.for([
  ['ops@example.org', { address: 'ops@example.org' }],
  ['On call <ops@example.org>', { name: 'On call', address: 'ops@example.org' }],
  ['"On, call" <ops@example.org>', { name: 'On, call', address: 'ops@example.org' }],
  ['ops@localhost', { address: 'ops@localhost' }],
  ['ops@[127.0.0.1]', { address: 'ops@[127.0.0.1]' }],
  ['\ub2f4\ub2f9\uc790 <ops@\ud55c\uad6d.kr>', { name: '\ub2f4\ub2f9\uc790', address: 'ops@\ud55c\uad6d.kr' }],
  ['ops@localhost>\r\nRCPT TO:<evil@x>', undefined],
  ['a@b, c@d', undefined],
  ['ops', undefined],
  ['@example.org', undefined],
  ['ops@exa mple.org', undefined],
  ['ops@-example.org', undefined],
  ['Name\r\nBcc: evil@x <ops@example.org>', undefined],
  ['<ops@example.org> x', undefined],
  ['ops@@example.org', undefined],
] as const)('address %j', ([text, expected]) => expect(parseAddress(text)).toEqual(expected));

test.for([
  ['smtps://mail.example.org', { host: 'mail.example.org', port: 465, secure: true }],
  ['smtp://mail.example.org:587', { host: 'mail.example.org', port: 587, secure: false }],
  ['smtp://localhost', { host: 'localhost', port: 25, secure: false }],
  ['smtp://[::1]:2525', { host: '::1', port: 2525, secure: false }],
  ['smtp://user:secret@mail.example.org', undefined],
  ['mail.example.org', undefined],
  ['smtp://mail.example.org/x', undefined],
  ['http://mail.example.org', undefined],
] as const)('server %s', ([text, expected]) => expect(parseSmtp(text)).toEqual(expected));
