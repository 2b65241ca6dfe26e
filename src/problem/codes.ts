import { configCodes } from './codes/config.ts';
import { deliveryCodes } from './codes/delivery.ts';
import { engineCodes } from './codes/engine.ts';
import { goalCodes } from './codes/goal.ts';
import { ruleCodes } from './codes/rule.ts';
import { scriptCodes } from './codes/script.ts';
import { sinkCodes } from './codes/sink.ts';
import { usageCodes } from './codes/usage.ts';

/** What a code means and what to do about it; the reference page of errors is made from this. */
export interface CodeEntry {
  readonly summary: string;
  readonly fix: string;
}

/** THE catalogue of problem codes, one file an area. Codes are AREA_THING and never change their meaning. */
export const codes = {
  ...usageCodes,
  ...configCodes,
  ...ruleCodes,
  ...goalCodes,
  ...scriptCodes,
  ...engineCodes,
  ...deliveryCodes,
  ...sinkCodes,
} as const satisfies Record<string, CodeEntry>;

export type ProblemCode = keyof typeof codes;
