// Modules of the goals made worse on purpose, so that supervision has something to see: too small a map, too little time, a
// lock that two processors fight for. Each is a goal's own source with one thing changed.
import { createHash } from 'node:crypto';

const changed = (module, change) => {
  const source = change(module.source);
  if (source === module.source) throw new Error(`${module.goal.id}: nothing was changed`);
  const id = createHash('sha256').update(source).digest('hex').slice(0, 12);
  return { ...module, source, id, name: `tapline_${module.goal.id.replaceAll('.', '_')}_${id}` };
};

export const variants = (modules) => {
  const of = (id) => modules.find((module) => module.goal.id === id);
  return {
    /** Remembers the timeouts of two connections. */
    smallMap: changed(of('tcp.rto_change'), (source) =>
      source.replace('rto_was%[8192]', 'rto_was%[2]').replace('connections < 8192', 'connections < 2'),
    ),
    /** Is allowed a fiftieth of a processor. */
    littleTime: changed(of('syscall.open'), (source) => `//@stap -DSTP_OVERLOAD_THRESHOLD=20000000LL\n${source}`),
    /** Holds one lock for long, and waits for it but shortly. */
    contended: changed(
      of('syscall.open'),
      (source) =>
        `//@stap -DMAXTRYLOCK=1\n//@stap -DMAXACTION=100000\nglobal hot[64]\n${source.replace('if (tl_is_tapline()) next', 'if (tl_is_tapline()) next\n  for (i = 0; i < 2000; i++) hot[i % 64]++')}`,
    ),
  };
};
