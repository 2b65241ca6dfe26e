// A process that asks for a known amount of memory and touches a known part of it.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** 3 MiB by brk, 20 MiB by mmap (5 of them by mremap), 2 MiB of a file, which do not count; 500 pages touched. */
const source = `
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	char *map, ready;
	(void)argc;
	if (read(0, &ready, 1) != 1 || sbrk(3 << 20) == (void *)-1) return 1;
	map = mmap(0, 15 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED || mmap(0, 2 << 20, PROT_READ, MAP_PRIVATE, open(argv[1], O_RDONLY), 0) == MAP_FAILED) return 1;
	map = mremap(map, 15 << 20, 20 << 20, MREMAP_MAYMOVE);
	if (map == MAP_FAILED || madvise(map, 20 << 20, MADV_NOHUGEPAGE)) return 1;
	for (int i = 0; i < 500; i++) map[i * 4096] = 1;
	if (write(1, "done", 4) != 4) return 1;
	return read(0, &ready, 1) < 0;
}
`;

/** Resolves with its pid when it has asked; it lives until the case is over. */
export async function asker(context, comm) {
  const binary = join(context.scratch, 'binary');
  if (!existsSync(binary)) {
    writeFileSync(`${binary}.c`, source);
    execFileSync('gcc', ['-O1', '-o', binary, `${binary}.c`]);
  }
  const folder = join(context.scratch, `asker${Math.random()}`);
  mkdirSync(folder);
  symlinkSync(binary, join(folder, comm));
  const child = spawn('sh', ['-c', 'exec ./* "$0"', binary], { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] });
  context.cleanup(() => child.kill('SIGKILL'));
  child.stdin.write('x');
  await once(child.stdout, 'data');
  return child.pid;
}
