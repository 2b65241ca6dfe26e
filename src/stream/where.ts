import type { Batch, Selection } from '../decode/batch.ts';
import type { Goal } from '../goals/goal.ts';
import type { Expression, Where } from '../rules/where.ts';
import { compileCondition } from './where-tree.ts';
import { Fields, unknown, type Tri, type TriOf } from './where-values.ts';

/** A condition compiled for one goal. */
export interface WhereFilter {
  /** Narrows a selection in place; answers how many rows are left and of how many nothing could be said. */
  narrow(batch: Batch, selection: { readonly rows: Uint32Array; count: number }): { readonly unknown: number };
  /** What it says of one row: false, true, or unknown (2). */
  test(batch: Batch, row: number): Tri;
}

/**
 * Compiles a checked condition. It is looked at one conjunct after the other, each over all rows still in play. A row passes
 * where the whole is true; && and || absorb an unknown as in CEL. Throws TypeError where the tree was not checked.
 */
export function compileWhere(where: Where, goal: Goal): WhereFilter {
  const fields = new Fields(goal);
  const whole = compileCondition(where.tree, fields);
  const conjuncts = conjunctsOf(where.tree).map((part) => compileCondition(part, fields));
  let doubtful = new Uint8Array();
  return {
    narrow(batch, selection) {
      fields.bind(batch);
      if (doubtful.length < batch.length) doubtful = new Uint8Array(batch.length);
      let doubts = 0;
      for (const at of conjuncts) doubts += sift(at, selection, doubtful);
      const lost = doubts > 0 ? dropDoubtful(selection, doubtful) : 0;
      fields.release();
      return { unknown: lost };
    },
    test(batch, row) {
      fields.bind(batch);
      const answer = whole(row);
      fields.release();
      return answer;
    },
  };
}

/** All rows of a batch. */
export function allRows(batch: Batch): Selection & { count: number } {
  const rows = new Uint32Array(batch.length);
  for (let row = 0; row < rows.length; row++) rows[row] = row;
  return { rows, count: rows.length };
}

function conjunctsOf(tree: Expression): Expression[] {
  return tree.op === 'and' ? [...conjunctsOf(tree.left), ...conjunctsOf(tree.right)] : [tree];
}

/** Drops the rows that are false; marks the ones of which nothing can be said, which a later conjunct may still make false. */
function sift(at: TriOf, selection: { readonly rows: Uint32Array; count: number }, doubtful: Uint8Array): number {
  const { rows } = selection;
  let kept = 0;
  let doubts = 0;
  for (let i = 0; i < selection.count; i++) {
    const row = rows[i] ?? 0;
    const answer = at(row);
    if (answer === 0) {
      doubtful[row] = 0;
      continue;
    }
    if (answer === unknown) {
      doubtful[row] = 1;
      doubts++;
    }
    rows[kept++] = row;
  }
  selection.count = kept;
  return doubts;
}

function dropDoubtful(selection: { readonly rows: Uint32Array; count: number }, doubtful: Uint8Array): number {
  const { rows } = selection;
  const { count } = selection;
  let kept = 0;
  for (let i = 0; i < count; i++) {
    const row = rows[i] ?? 0;
    if (doubtful[row] === 1) doubtful[row] = 0;
    else rows[kept++] = row;
  }
  selection.count = kept;
  return count - kept;
}
