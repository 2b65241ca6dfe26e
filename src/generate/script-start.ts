/**
 * Where the first probe of a bpftrace script begins, in UTF-16 units: behind the interpreter's line, comments, preprocessor lines and
 * whatever must stand before all probes (struct, union, enum, typedef, config, macro, fn, import, let). undefined: none was found.
 */
export function firstProbe(text: string): number | undefined {
  let at = 0;
  while (at < text.length) {
    const rest = text.slice(at);
    const skipped = /^(?:\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/|#[^\n]*)/.exec(rest) ?? definition(rest);
    if (skipped === undefined) return at;
    at += skipped[0].length;
  }
  return undefined;
}

/** `struct x { ... };`, `config = { ... }`, `import "x";`, as far as its end. */
function definition(rest: string): { readonly 0: string } | undefined {
  if (!/^(?:struct|union|enum|typedef|config|macro|fn|import|let)\b/.test(rest)) return undefined;
  let depth = 0;
  for (const { 0: part, index } of rest.matchAll(/"(?:[^"\\]|\\.)*"|\/\*[\s\S]*?\*\/|\/\/[^\n]*|[{};]/g)) {
    if (part === '{') depth += 1;
    if (part === '}') depth -= 1;
    const ends = part === ';' || (part === '}' && !/^\}\s*;/.test(rest.slice(index)));
    if (ends && depth === 0) return [rest.slice(0, index + 1)];
  }
  return undefined;
}
