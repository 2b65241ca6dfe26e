/** The candidate that somebody who wrote `word` most likely meant; undefined where none is near. Case does not matter. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase().slice(0, 64);
  if (wanted === '') return undefined;
  let best: { readonly candidate: string; readonly cost: number } | undefined;
  for (const candidate of candidates) {
    const cost = costOf(wanted, candidate.toLowerCase());
    if (cost !== undefined && (best === undefined || cost < best.cost)) best = { candidate, cost };
  }
  return best?.candidate;
}

/** "; did you mean "rto_ms"?" or nothing. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const near = nearest(word, candidates);
  return near === undefined ? '' : `; did you mean "${near}"?`;
}

/** Small for likely slips: a letter more, less, changed or swapped; a name begun and not finished, or one part of it. */
function costOf(wanted: string, candidate: string): number | undefined {
  const distance = editDistance(wanted, candidate);
  if (distance <= Math.max(1, Math.floor(Math.max(wanted.length, Math.min(candidate.length, 64)) / 2.5))) return distance;
  const parts = candidate.split(/[._-]/);
  if (wanted.length >= 2 && candidate.startsWith(wanted)) return 1 + distance / 10;
  if (candidate.length >= 4 && wanted.startsWith(candidate)) return 1 + distance / 10;
  if (wanted.length >= 3 && (parts.includes(wanted) || wanted.split(/[._-]/).includes(candidate))) return 2 + distance / 10;
  return undefined;
}

/** Optimal string alignment: neighbours that changed places count once. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      next.push(cost);
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}
