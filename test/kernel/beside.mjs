// Side by side on the same kernel: tcp_retransmission.stp as systemtap-doc installs it, and Tapline's tcp.rto_change. The same
// connections, states and steps of the timeout, line by line, but for what a probe on tcp_retransmit_skb() cannot see.
// What was seen is a page (docs/reference/beside.md).
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { addresses, makeNetLab } from './netns.mjs';
import { modulesOf, watchModules } from './watching.mjs';

const script = '/job/beside/tcp_retransmission.ko';
const address = (text) => (text.includes(':') ? new URL(`http://[${text}]/`).hostname.slice(1, -1) : text);
/** "A:1 => B:2 STATE:TCP_ESTABLISHED RTO:208 -> 416 (ms)" */
const scriptLine = (line) => {
  const found = /^(.+):(\d+) => (.+):(\d+) STATE:TCP_(\w+) RTO:(?:\d+ -> )?(\d+) \(ms\)$/.exec(line);
  return (
    found && { connection: `${address(found[1])}:${found[2]} => ${address(found[3])}:${found[4]}`, state: found[5], rto: Number(found[6]) }
  );
};
const ours = ({ fields }) => ({
  connection: `${fields.saddr}:${fields.sport} => ${fields.daddr}:${fields.dport}`,
  state: fields.state,
  rto: fields.rto_ms,
});
/** Those whose timeout is another than that of the one before. */
const steps = (all) => all.filter(({ rto }, i) => i === 0 || rto !== all[i - 1].rto);
const shown = (all) => all.map(({ state, rto }) => `${state} ${rto}`);

async function startScript() {
  const child = spawn('staprun', [script], { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  let said = '';
  child.stderr.on('data', (text) => (said += text));
  for (let tries = 0; !`${said}${lines}`.includes('Printing tcp retransmission'); tries++) {
    assert.ok(tries < 600 && child.exitCode === null, `the script did not begin: ${said}`);
    await delay(100);
  }
  await delay(2000); // Its own probe is attached after it has said so.
  return {
    lines,
    end: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGINT');
      await ended;
    },
  };
}

/** What goes by other ways than tcp_retransmit_skb(): tcp_send_loss_probe() and tcp_rtx_synack(). */
const unseen = ({ fields }) => fields.kind === 'TLP' || fields.kind === 'SYNACK';

/** Established connections and SYNs of both families, a SYN-ACK that gets lost, resends that fail on this host. */
async function provoke(lab, changes, retransmits, watched) {
  const [a, b, c] = [await lab.peer(lab.a), await lab.peer(lab.b), await lab.peer(lab.a)];
  await b.listen(5000);
  for (const family of ['v4', 'v6']) await a.connect(addresses.b[family], 5000);
  await a.send(100);
  lab.lose('tcp sport 5000 tcp flags & (syn | ack) == syn | ack');
  await c.connect(addresses.b.v4, 5000, false);
  await watched.until('a SYN-ACK sent again', () => retransmits().some(({ fields }) => fields.kind === 'SYNACK'), 60_000);
  lab.lose(undefined);
  await delay(2000);
  lab.cut();
  await a.send(1000);
  for (const family of ['v4', 'v6']) await c.connect(addresses.b[family], 5001, false);
  const of = (port, state) =>
    Map.groupBy(
      changes().filter(({ fields }) => fields.dport === port && fields.state === state),
      (record) => ours(record).connection,
    );
  await watched.until(
    'four steps of both families, and SYNs sent again',
    () => of(5001, 'SYN_SENT').size === 2 && [...of(5000, 'ESTABLISHED').values()].filter((each) => each.length >= 4).length >= 2,
    90_000,
  );
  lab.run(lab.a, 'nft', ['table inet refused { chain out { type filter hook output priority 0; tcp dport 5000 drop\n}\n}\n']);
  await watched.until(
    'resends that fail on this host, of both families',
    () => new Set(retransmits().flatMap(({ fields }) => (fields.err < 0 && fields.dport === 5000 ? [fields.daddr] : []))).size === 2,
    90_000,
  );
  await c.close();
  await a.close();
  await delay(3000);
}

/** The lines of the table for one connection, from what tcp.rto_change told and from what the script printed. */
function rows(connection, changed, theirs) {
  let at = 0;
  return changed.map((step, i) => {
    const beside = theirs[at] && shown([step])[0] === shown([theirs[at]])[0] ? shown([theirs[at++]])[0] : '-';
    return `| ${i === 0 ? `\`${connection}\`` : ''} | ${shown([step])[0]} | ${beside} |`;
  });
}

const page = (table, hidden, failed, sums) => `<!-- Written by the test that saw it (test/kernel/beside.mjs), not by hand. -->

# Beside tcp_retransmission.stp

Both watched the same Linux ${release()} at the same time: \`tcp_retransmission.stp\` as the package systemtap-doc installs
it, and the goal \`tcp.rto_change\` on SystemTap. Two established connections (IPv4, IPv6) lost their path, and then a firewall of their
own host refused what they sent; two SYNs got no answer; SYN-ACKs got lost. A step is a timeout that is another than the one before, in
milliseconds: the one that has just expired.

| connection | tcp.rto_change | tcp_retransmission.stp |
| --- | --- | --- |
${table.join('\n')}

The script's probe is on the function tcp_retransmit_skb(). The kernel sends again without it in two ways, which Tapline tells
(\`tcp.retransmit\` with each one's kind) and the script cannot:

${hidden.map((line) => `- ${line}`).join('\n')}

The script takes a segment that could not be sent for one that was. \`tcp.retransmit\` tells them apart (\`err\`), and they are no
retransmissions in its sums:

${failed.map((line) => `- ${line}`).join('\n')}

${sums}

The script's probe on a function needs the kernel's debug symbols to compile (400 MB); Tapline's is on tracepoints and needs the kernel's
headers only.
`;

export const besideChecks = [
  [
    'tcp_retransmission.stp of systemtap-doc, unchanged, beside tcp.rto_change: the same connections, states and steps',
    async () => {
      if (!existsSync(script)) return { skipped: readFileSync('/job/beside/skipped', 'utf8').trim() };
      const lab = makeNetLab();
      const other = await startScript();
      const watched = watchModules(modulesOf('tcp.rto_change', 'tcp.retransmit'));
      const own = [lab.netns, lab.inode(lab.b)];
      const of = (goal) => watched.of(goal).filter(({ fields }) => own.includes(fields.netns));
      const counters = () => [lab.nstat(lab.a), lab.nstat(lab.b)];
      try {
        await watched.until('ready', () => watched.ready.length === 2, 60_000);
        const before = counters();
        await provoke(
          lab,
          () => of('tcp.rto_change'),
          () => of('tcp.retransmit'),
          watched,
        );
        const after = counters();
        const all = of('tcp.retransmit');
        const told = other.lines.map(scriptLine).filter((line) => line !== null);
        const byConnection = Map.groupBy(all, (record) => ours(record).connection);
        const table = [];
        for (const [connection, records] of byConnection) {
          const theirs = told.filter((line) => line.connection === connection);
          const changed = of('tcp.rto_change')
            .map(ours)
            .filter((record) => record.connection === connection);
          table.push(...rows(connection, changed, theirs));
          assert.deepEqual(shown(steps(records.filter((record) => !unseen(record)).map(ours))), shown(theirs), connection);
          const resent = steps(records.filter(({ fields }) => fields.kind !== 'SYNACK').map(ours));
          assert.deepEqual(shown(changed), shown(resent), `${connection}: tcp.rto_change`);
        }
        const seen = new Set(all.filter((record) => !unseen(record)).map((record) => ours(record).connection));
        assert.deepEqual([...new Set(told.map(({ connection }) => connection))].sort(), [...seen].sort());
        assert.equal(seen.size, 5);
        const line = (record) => `\`${ours(record).connection}\`: ${record.fields.kind}, ${ours(record).rto} ms`;
        const hidden = all.filter(unseen).map(line);
        const failed = all.filter(({ fields }) => fields.err < 0).map((record) => `${line(record)}, error ${record.fields.err}`);
        assert.deepEqual(new Set(all.filter(unseen).map(({ fields }) => fields.kind)), new Set(['TLP', 'SYNACK']));
        assert.ok(failed.length >= 2);
        const grew = (name) => after.reduce((sum, each, i) => sum + each[name] - before[i][name], 0);
        const sent = all.filter(({ fields }) => fields.err === 0);
        const segments = sent.reduce((sum, { fields }) => sum + fields.segs, 0);
        const count = (...kinds) => sent.filter(({ fields }) => kinds.includes(fields.kind)).length;
        const sums = [
          ['all segments', segments, '=', 'TcpRetransSegs - TcpExtTCPRetransFail', grew('TcpRetransSegs') - grew('TcpExtTCPRetransFail')],
          ...[
            ['SYN and SYNACK', count('SYN', 'SYNACK'), '=', 'TcpExtTCPSynRetrans'],
            ['FAST', count('FAST'), '=', 'TcpExtTCPFastRetrans'],
            ['SLOW_START', count('SLOW_START'), '=', 'TcpExtTCPSlowStartRetrans'],
            ['RTO', count('RTO'), '<=', 'TcpExtTCPTimeouts'],
            ['TLP', count('TLP'), '<=', 'TcpExtTCPLossProbes'],
          ].map((sum) => [...sum, grew(sum[3])]),
        ];
        for (const [what, ourSum, is, name, kernels] of sums)
          assert.ok(is === '=' ? ourSum === kernels : ourSum <= kernels, `${what}: ${ourSum}, ${name}: ${kernels}`);
        const sumLines = sums.map(([what, ourSum, is, name, kernels]) => `| ${what} | ${ourSum} | ${is} | ${kernels} | \`${name}\` |`);
        const sumTable = [
          '| sent again | tcp.retransmit | | the kernel | its counter |',
          '| --- | --- | --- | --- | --- |',
          ...sumLines,
        ].join('\n');
        const text = page(
          table,
          hidden,
          failed,
          `The sums are those of the kernel's own counters (nstat). \`TcpExtTCPTimeouts\` counts the timers of SYNs and SYN-ACKs too, and those whose\nsegment could not be sent:\n\n${sumTable}`,
        );
        console.log(text.replace(/^/gm, '        '));
        mkdirSync('/job/out', { recursive: true });
        writeFileSync('/job/out/beside.md', text);
      } finally {
        await watched.end();
        await other.end();
        lab.close();
      }
    },
  ],
];
