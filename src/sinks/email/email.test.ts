import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { hostileName, hostilePath, oneOfEach, sampleAlert } from '../../../test/contracts/items.ts';
import { notificationOf } from '../../../test/contracts/sink.ts';
import { sinkContext } from '../../../test/lab/sinkcontext.ts';
import { startSmtp, type SmtpBehaviour, type SmtpReceiver } from '../../../test/lab/smtp.ts';
import type { Item } from '../../alerts/item.ts';
import { printable } from '../../problem/printable.ts';
import { EmailSink, emailSink } from './email.ts';

const tls = (name: string) => join(import.meta.dirname, '../../../test/lab/tls', name);
const certificate = { key: readFileSync(tls('server.key'), 'utf8'), cert: readFileSync(tls('server.crt'), 'utf8') };
const never = new AbortController().signal;

const open: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.stop();
});
async function server(behaviour: SmtpBehaviour = {}): Promise<SmtpReceiver> {
  const started = await startSmtp(behaviour);
  open.push(started);
  return started;
}
function sinkTo({ port }: SmtpReceiver, more: Partial<ConstructorParameters<typeof EmailSink>[0]> = {}): EmailSink {
  const sink = new EmailSink(
    { smtp: `smtp://127.0.0.1:${port}`, from: 'tapline@example.org', to: ['ops@example.org'], ...more },
    sinkContext(),
    () => 540,
  );
  open.push({ stop: () => sink.close() });
  return sink;
}
const send = (sink: EmailSink, ...items: Item[]) => sink.send(notificationOf('oncall', items), never);

test('a library that is not ours reads every header and both parts', async () => {
  const smtp = await server();
  const sink = sinkTo(smtp, { to: ['On call <ops@example.org>'], cc: ['boss@example.org'] });
  const [result] = await send(sink, { ...sampleAlert('mail', 'firing', { comm: hostileName, path: hostilePath }), severity: 'crit' });
  expect(result).toMatchObject({ outcome: 'sent', receipt: expect.stringContaining('queued as 1') as string });
  const [{ mail, recipients, raw } = { mail: undefined, recipients: [], raw: '' }] = await smtp.mails(1);
  expect(recipients).toEqual(['ops@example.org', 'boss@example.org']);
  const header = (name: string) => mail?.headers.get(name);
  expect(mail?.from?.text).toBe('"Tapline api-7" <tapline@example.org>');
  expect(mail?.subject).toBe('[FIRING 3456 ms] api-7 -> 10.0.3.21:443: RetransmitTimeoutGrew');
  expect(mail?.date?.toISOString()).toBe('2026-11-23T05:03:20.000Z');
  expect(mail?.inReplyTo).toBe(mail?.references);
  expect(header('priority')).toBe('high');
  expect(header('auto-submitted')).toBe('auto-generated');
  expect(header('x-auto-response-suppress')).toBe('DR, RN, NRN, OOF, AutoReply');
  expect(raw).toMatch(/^List-Id: <under-test\.tapline\.example\.org>\r$/im);
  expect(header('x-tapline-status')).toBe('firing');
  expect(header('x-tapline-rule')).toBe('RetransmitTimeoutGrew');
  expect(mail?.text).toContain(`Process      ${printable(hostileName)}, pid 2114`);
  expect(String(mail?.html)).toContain('&#34;,&#34;rto_ms&#34;:1}');
  expect(raw).toMatch(/Content-Type: multipart\/alternative/);
  expect(raw.indexOf('Content-Type: text/plain')).toBeLessThan(raw.indexOf('Content-Type: text/html'));
});

test('several items are one mail', async () => {
  const smtp = await server();
  const items = oneOfEach('digest');
  expect((await send(sinkTo(smtp), ...items)).map(({ outcome }) => outcome)).toEqual(items.map(() => 'sent'));
  expect(await smtp.mails(1)).toHaveLength(1);
});

test('mails share a connection', async () => {
  const smtp = await server();
  const sink = sinkTo(smtp);
  for (const id of ['a', 'b', 'c']) await send(sink, sampleAlert(id));
  expect(await smtp.mails(3)).toHaveLength(3);
  expect(smtp.connections()).toBe(1);
});

test.for([
  [451, 'retry', 'SINK_BUSY'],
  [452, 'retry', 'SINK_BUSY'],
  [550, 'reject', 'SINK_REFUSED'],
  [552, 'reject', 'SINK_TOO_LARGE'],
  [554, 'reject', 'SINK_REFUSED'],
  ['drop', 'retry', 'SINK_UNREACHABLE'],
] as const)('after DATA %s: %s', async ([answer, outcome, code]) => {
  const smtp = await server({ data: () => answer });
  expect(await send(sinkTo(smtp), sampleAlert('data'))).toMatchObject([{ outcome, problem: { code } }]);
});

test('the connection lost after DATA: tried again under the same Message-ID', async () => {
  const answers: ('drop' | undefined)[] = ['drop', undefined];
  const smtp = await server({ data: () => answers.shift() });
  const sink = sinkTo(smtp);
  expect(await send(sink, sampleAlert('again'))).toMatchObject([{ outcome: 'retry' }]);
  expect(await send(sink, sampleAlert('again'))).toMatchObject([{ outcome: 'sent' }]);
  const [first] = await smtp.mails(1);
  expect(first?.mail.messageId).toBe(`<${notificationOf('oncall', [sampleAlert('again')]).id}.under-test@example.org>`);
});

test('a server that falls silent after DATA is left when the time is up', async () => {
  const smtp = await server({ data: () => 'silent' });
  const sink = sinkTo(smtp);
  const stop = new AbortController();
  const answers = sink.send(notificationOf('oncall', [sampleAlert('silent')]), stop.signal);
  await smtp.reached();
  stop.abort();
  expect(await answers).toMatchObject([{ outcome: 'retry', problem: { code: 'SINK_ABORTED' } }]);
});

test.for([
  [550, 'reject', 'SINK_REFUSED'],
  [450, 'retry', 'SINK_BUSY'],
] as const)('every recipient refused with %s: %s', async ([code, outcome, problem]) => {
  const smtp = await server({ recipient: () => code });
  expect(await send(sinkTo(smtp), sampleAlert('rcpt'))).toMatchObject([{ outcome, problem: { code: problem } }]);
});

test('one recipient of two refused for good: sent, with a warning that names it', async () => {
  const smtp = await server({ recipient: (address) => (address.startsWith('gone') ? 550 : undefined) });
  const [result] = await send(sinkTo(smtp, { to: ['ops@example.org', 'gone@example.org'] }), sampleAlert('partly'));
  expect(result).toMatchObject({ outcome: 'sent', warning: { code: 'SINK_PARTLY_REFUSED', severity: 'warning' } });
  expect(JSON.stringify(result)).toContain('gone@example.org');
});

test('one recipient of two to be tried later: the other does not get the mail twice', async () => {
  let refused = 0;
  const smtp = await server({ recipient: (address) => (address.startsWith('grey') && (refused += 1) === 1 ? 450 : undefined) });
  const sink = sinkTo(smtp, { to: ['ops@example.org', 'grey@example.org'] });
  expect(await send(sink, sampleAlert('grey'))).toMatchObject([{ outcome: 'retry', problem: { code: 'SINK_PARTLY_REFUSED' } }]);
  expect(await send(sink, sampleAlert('grey'))).toMatchObject([{ outcome: 'sent' }]);
  expect((await smtp.mails(2)).map(({ recipients }) => recipients)).toEqual([['ops@example.org'], ['grey@example.org']]);
});

test('STARTTLS with a login by a password file; what is wrong with it is told apart', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tapline-mail-'));
  open.push({ stop: async () => rmSync(folder, { recursive: true }) });
  writeFileSync(join(folder, 'password'), 'secret\n');
  const smtp = await server({ ...certificate, user: { name: 'tapline', password: 'secret' } });
  const settings = { smtp: `smtp://localhost:${smtp.port}`, starttls: 'require', ca_file: tls('ca.crt'), username: 'tapline' } as const;
  expect(await send(sinkTo(smtp, { ...settings, password_file: join(folder, 'password') }), sampleAlert('tls'))).toMatchObject([
    { outcome: 'sent' },
  ]);
  expect((await smtp.mails(1))[0]?.secure).toBe(true);
  const failing = (more: object) => send(sinkTo(smtp, { ...settings, ...more }), sampleAlert('no'));
  expect(await failing({ password: 'wrong' })).toMatchObject([{ outcome: 'retry', problem: { code: 'SINK_AUTH' } }]);
  expect(await failing({ password_file: join(folder, 'none') })).toMatchObject([{ outcome: 'retry', problem: { code: 'SINK_SECRET' } }]);
  expect(await send(sinkTo(smtp, { smtp: settings.smtp, starttls: 'require' }), sampleAlert('no'))).toMatchObject([
    { outcome: 'retry', problem: { code: 'SINK_TLS' } },
  ]);
  const plain = await server();
  expect(await send(sinkTo(plain, { starttls: 'require' }), sampleAlert('no'))).toMatchObject([
    { outcome: 'retry', problem: { code: 'SINK_TLS' } },
  ]);
});

test('mistakes are told at load, at their keys', () => {
  const right = { smtp: 'smtps://mail.example.org', from: 'tapline@example.org', to: ['ops@example.org'] };
  const paths = (more: object) => emailSink.check?.({ ...right, ...more }).map(({ path }) => path.join('.'));
  expect(paths({})).toEqual([]);
  expect(
    paths({ smtp: 'mail.example.org', from: 'x', to: ['ops@example.org', 'a@b, c@d'], cc: ['ops@localhost>\r\nRCPT TO:<evil@x>'] }),
  ).toEqual(['smtp', 'from', 'to.1', 'cc.0']);
  expect(paths({ username: 'me' })).toEqual(['username']);
  expect(paths({ password: 'x' })).toEqual(['username']);
});
