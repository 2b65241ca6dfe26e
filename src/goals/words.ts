/** Words that say nothing about what is wrong. */
const small = new Set(
  `a an the is are was were be been being has have had of to my our your this that these those it its me i we you they he
   and or but in on for from by with at as into out up off all any some so too very much many still just only more
   do does did done can could cannot cant will would should must may might dont doesnt isnt there here
   how why when what which who whom whose where if then than not no find see show tell know want get gets getting
   keep keeps keeping happen happens happening happened go goes going come comes coming thing things something anything everything
   always sometimes often again now please linux kernel system machine server host computer program process processes`.split(/\s+/),
);

/** Words that mean the same here; the first one stands for all. Forms that no rule of endings finds, and names of errors that people paste. */
const same: ReadonlyMap<string, string> = new Map(
  `loss lost lose losing
   grow grew grown growing
   send sent sending
   resend resent
   hang hung hangs freeze freezes frozen stuck
   slow slower slowly sluggish lag laggy lagging
   denied refused-by-permission eacces eperm forbidden
   such enoent
   timeout etimedout timedout timeouts
   refuse refused econnrefused rejected
   reset rst econnreset
   kill killed kills killer sigkill died dies dead die death
   eat eats eating hog hogs hogging consume consumes consuming burn burns burning use uses using used
   memory ram rss mem
   disk disks drive drives hdd ssd nvme storage block
   delete deleted deletes deletion remove removed removes unlink unlinked vanish vanished disappear disappeared disappears gone rm
   start started starts launch launched spawn spawned exec execute executed executes executing
   drop drops dropped discard discarded
   queue queues backlog
   exit exits exited quit quits ended ends terminate terminated terminates
   crash crashed crashes segfault sigsegv segv core coredump
   latency delay delays delayed latencies
   error errors fail fails failed failing failure eio
   dns resolver nameserver
   oom out-of-memory`
    .split('\n')
    .flatMap((line) => {
      const [first = '', ...rest] = line.trim().split(/\s+/);
      return rest.map((word) => [word, first] as const);
    }),
);

/** "opens", "opened", "opening" -> "open"; rough on purpose: both sides go through it. */
const stem = (word: string): string => word.replace(/(?<=\w{3})(ions|ion|ings|ing|ed|es|s)$/, '').replace(/(?<=\w{3})(.)\1$/, '$1');

/** The words of a text that say something, each in the form that stands for its like. */
export function termsOf(text: string): string[] {
  return text
    .toLowerCase()
    .replace(/\btime[ds]? out\b/g, 'timeout')
    .replace(/\bout of memory\b/g, 'oom memory')
    .replaceAll("'", '')
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '' && !small.has(word))
    .map((word) => stem(same.get(word) ?? word));
}
