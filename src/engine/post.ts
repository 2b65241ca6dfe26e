import type { EngineName } from '../config/config.ts';
import { error, warning, type Problem } from '../problem/problem.ts';
import { askedName } from '../goals/parameters.ts';
import type { Engine } from './engine.ts';
import type { Run } from './frame.ts';
import type { Watched } from './watch.ts';

/** One run of an engine with its set of modules, by the goals that they answer. */
export interface Crew {
  readonly engine: Engine;
  readonly seats: Map<Post, Seat>;
}

/** One module of a crew. */
export interface Seat {
  readonly leave: AbortController;
  /** Why its last run ended. */
  problem?: Problem;
}

/** One goal, and who watches it. */
export class Post {
  readonly name: string;
  by: Crew | undefined;
  /** Takes over when it is ready. */
  next: Crew | undefined;
  readonly failed = new Set<EngineName>();
  /** How often an engine was given up without having served for long since. */
  tries = 0;
  takenMs = -Infinity;

  constructor(name: string) {
    this.name = name;
  }
}

/** What a run watches, named as `askedName` names goals and modules. */
export const nameOfRun = ({ goal, with: text }: Run): string => askedName(goal, text === undefined ? undefined : { text });

export const stays = ({ name }: Post, by: Crew, failed: EngineName, problem: Problem | undefined): Problem =>
  warning(
    'ENGINE_STAYS',
    `${name} stays with ${by.engine.name}: ${failed} cannot take it over.`,
    problem ? { cause: problem.message } : {},
  );

export const replaced = ({ name }: Post, from: EngineName, { choice }: Watched): Problem =>
  choice.engine === undefined
    ? error('ENGINE_NONE_LEFT', `${name} is no longer watched: ${from} gave up, and ${choice.why}.`, { hint: 'tapline doctor' })
    : warning('ENGINE_REPLACED', `${name} is now watched by ${choice.engine}, because ${from} gave up.`);
