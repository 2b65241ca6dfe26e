// The rule of input.mjs written by hand, for this rule alone, on typed arrays: what one would write without Tapline.
import { recordAt } from '../dist/decode/record.js';
import { formatAddress } from '../dist/goals/address.js';

const dedupeUs = 10_000_000;
const withinUs = 60_000_000;
const idleUs = 86_400_000_000;

export function handWritten(goal, run, tell) {
  const states = goal.fields[5].values;
  const size = 1 << 19;
  const conns = table(size, 11);
  const servers = table(size, 5);
  const most = 1 << 18;
  const [reference, seen, t0, count, first, last, heldSeq] = Array.from({ length: 7 }, () => new Float64Array(most));
  const [netns, state, was, rto, backoff, pid] = Array.from({ length: 6 }, () => new Float64Array(most));
  const comm = new Array(most);
  // Windows end, and events leave, in the order in which they came: the input is in the order of time.
  const ends = { entry: [], us: [], at: 0 };
  const events = { entry: [], us: [], at: 0 };
  const sum = new Int32Array(most);
  const holds = new Uint8Array(most);
  const told = new Uint8Array(most);
  const lastUsOf = new Float64Array(most);
  /** Records that counted since the last condition: how many, and the last five. */
  const counted = new Int32Array(most);
  const recent = new Array(most);
  let waiting = [];
  const key = new Int32Array(11);

  const word = (i) => conns.words[i];
  const address = (words, from) => formatAddress(new Uint8Array(words.slice(from, from + 4).buffer));
  function close(e, us) {
    if (count[e] === 0) return;
    const at = e * 11;
    const [saddr, sport, daddr, dport] = [address(conns.words, at), word(at + 4), address(conns.words, at + 6), word(at + 10)];
    const fields = { netns: netns[e], saddr, sport, daddr, dport, state: states[state[e]], rto_was_ms: was[e], rto_ms: rto[e] };
    fields.backoff = backoff[e];
    fields.pid = pid[e];
    fields.comm = comm[e];
    const { host, boot, id, module, engine, fidelity, goal } = run;
    const place = { goal, host, boot, run: id, module, lane: 0, seq: heldSeq[e], engine, fidelity };
    const closing = {
      key: {
        text: `["${saddr}",${sport},"${daddr}",${dport}]`,
        labels: { saddr, sport: String(sport), daddr, dport: String(dport) },
      },
      t0Us: t0[e],
      endUs: us,
      count: count[e],
      firstUs: first[e],
      lastUs: last[e],
      last: { ...place, timeUs: last[e], timeErrorUs: 0, n: 1, fields },
    };
    tell({ kind: 'closing', closing, timeUs: us });
    count[e] = 0;
  }
  function condition(s, us) {
    const daddr = address(servers.words, s * 5);
    const key = { text: `["${daddr}"]`, labels: { daddr } };
    const records = recent[s] ?? [];
    tell({
      kind: 'condition',
      condition: { key, holds: holds[s] === 1, timeUs: us, count: sum[s], records, counted: counted[s] },
      timeUs: us,
    });
    told[s] = 1;
    counted[s] = 0;
    recent[s] = undefined;
  }
  function flush() {
    for (const s of waiting) if (told[s] === 1 && counted[s] > 0) condition(s, lastUsOf[s]);
    waiting = [];
  }
  function expire(now, over) {
    for (;;) {
      const d = ends.at < ends.us.length ? ends.us[ends.at] : Infinity;
      const t = events.at < events.us.length ? events.us[events.at] + withinUs : Infinity;
      if (d <= now && d <= t) {
        const e = ends.entry[ends.at++];
        if (t0[e] + dedupeUs === d) close(e, d);
      } else if (t < now || (over && t === now)) leave(t, true);
      else return;
    }
  }
  function leave(us, tell) {
    const s = events.entry[events.at++];
    sum[s]--;
    if (tell && holds[s] === 1 && sum[s] < 3) {
      holds[s] = 0;
      condition(s, us);
    }
    if (sum[s] === 0 && tell) {
      told[s] = counted[s] = 0;
      recent[s] = undefined;
    }
  }

  let lastUs = 0;
  return (signal) => {
    if (signal === undefined) {
      for (; ends.at < ends.us.length; ends.at++)
        if (t0[ends.entry[ends.at]] + dedupeUs === ends.us[ends.at]) close(ends.entry[ends.at], Math.min(ends.us[ends.at], lastUs));
      return flush();
    }
    if (signal.kind === 'batch') lastUs = signal.batch.timeUs[signal.batch.length - 1];
    if (signal.kind === 'time' || signal.kind === 'ready') {
      expire(signal.timeUs, true);
      return flush();
    }
    if (signal.kind !== 'batch') return;
    const { batch } = signal;
    const [cNetns, cSaddr, cSport, cDaddr, cDport, cState, cWas, cRto, cBackoff, cPid, cComm] = batch.columns;
    const saddr = new Int32Array(cSaddr.bytes.buffer, cSaddr.bytes.byteOffset, cSaddr.bytes.length >> 2);
    const daddr = new Int32Array(cDaddr.bytes.buffer, cDaddr.bytes.byteOffset, cDaddr.bytes.length >> 2);
    for (let row = 0; row < batch.length; row++) {
      const us = batch.timeUs[row];
      const now = cRto.values[row];
      if (!(now >= 800 && now - cWas.values[row] >= 100 && cDport.values[row] === 443)) continue;
      expire(us, false);
      for (let i = 0; i < 4; i++) {
        key[i] = saddr[4 * row + i];
        key[6 + i] = daddr[4 * row + i];
      }
      key[4] = cSport.values[row];
      key[10] = cDport.values[row];
      const known = conns.length;
      const e = conns.find(key, 0);
      const fresh = e === known;
      if (!fresh && us - seen[e] < idleUs && Math.abs(now - reference[e]) < 100) {
        seen[e] = us;
        continue;
      }
      seen[e] = us;
      reference[e] = now;
      if (!fresh && us < t0[e] + dedupeUs) {
        if (count[e] === 0) first[e] = us;
        count[e] += batch.n[row];
        last[e] = us;
        heldSeq[e] = batch.seq[row];
        netns[e] = cNetns.values[row];
        state[e] = cState.enum.indices[row];
        was[e] = cWas.values[row];
        rto[e] = now;
        backoff[e] = cBackoff.values[row];
        pid[e] = cPid.values[row];
        comm[e] = cComm.at(row);
        continue;
      }
      if (!fresh) close(e, t0[e] + dedupeUs);
      t0[e] = us;
      ends.entry.push(e);
      ends.us.push(us + dedupeUs);
      const s = servers.find(key, 6);
      while (events.at < events.us.length && events.us[events.at] + withinUs <= us && events.entry[events.at] === s) leave(us, false);
      events.entry.push(s);
      events.us.push(us);
      sum[s]++;
      const turned = sum[s] >= 3 !== (holds[s] === 1);
      if (counted[s]++ === 0 && told[s] === 1) waiting.push(s);
      (recent[s] ??= []).push(recordAt(batch, row));
      if (recent[s].length > 5) recent[s].shift();
      lastUsOf[s] = us;
      if (turned) {
        holds[s] = 1 - holds[s];
        condition(s, us);
      }
    }
  };
}

/** Open addressing; keys of `width` words. */
function table(size, width) {
  const slots = new Int32Array(size);
  return {
    words: new Int32Array((size >> 1) * width),
    length: 0,
    find(key, from) {
      let hash = 0x9e3779b9;
      for (let i = 0; i < width; i++) hash = Math.imul(hash ^ (key[from + i] ?? 0), 0x85ebca6b) ^ (hash >>> 13);
      for (let slot = (hash ^ (hash >>> 16)) & (size - 1); ; slot = (slot + 1) & (size - 1)) {
        const e = slots[slot] - 1;
        if (e < 0) {
          slots[slot] = this.length + 1;
          for (let i = 0; i < width; i++) this.words[this.length * width + i] = key[from + i] ?? 0;
          return this.length++;
        }
        let i = 0;
        while (i < width && this.words[e * width + i] === (key[from + i] ?? 0)) i++;
        if (i === width) return e;
      }
    },
  };
}
