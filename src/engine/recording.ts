import { isUtf8 } from 'node:buffer';
import { finalize, tap, type MonoTypeOperatorFunction } from 'rxjs';
import type { Goal } from '../goals/goal.ts';
import { codes, type ProblemCode } from '../problem/codes.ts';
import { error, fail, ok, type Problem, type Result } from '../problem/problem.ts';
import { engineNames } from '../config/config.ts';
import type { Frame, Run } from './frame.ts';

/** Raised when a reader of an older version could misread what is written. */
export const recordingVersion = 1;

/** First line of a recording: what wrote it, and which columns its lines have, so that a version with others refuses it. */
export interface RecordingHeader {
  readonly recording: 'tapline';
  readonly version: number;
  /** Goal -> its fields in their order, as "name:type". */
  readonly goals: Readonly<Record<string, readonly string[]>>;
}

const columnsOf = (goal: Goal): string[] => goal.fields.map((field) => `${field.name}:${field.type}`);

export function headerLine(goals: readonly Goal[]): string {
  const header: RecordingHeader = {
    recording: 'tapline',
    version: recordingVersion,
    goals: Object.fromEntries(goals.map((goal) => [goal.id, columnsOf(goal)])),
  };
  return `${JSON.stringify(header)}\n`;
}

export function parseHeader(line: string): Result<RecordingHeader> {
  const header = parseObject(line) as Partial<RecordingHeader> | undefined;
  if (header?.recording !== 'tapline')
    return fail(
      error('ENGINE_RECORDING_NONE', 'This is no recording: its first line is not the header that `tapline run --record` writes.'),
    );
  if (header.version !== recordingVersion)
    return fail(
      error(
        'ENGINE_RECORDING_VERSION',
        `This recording has format ${JSON.stringify(header.version)}; this Tapline reads format ${recordingVersion}.`,
      ),
    );
  const { goals } = header;
  const listed =
    isObject(goals) && Object.values(goals).every((columns) => Array.isArray(columns) && columns.every((each) => typeof each === 'string'));
  if (!listed) return fail(error('ENGINE_RECORDING_BROKEN', "The recording's header does not say which columns it has."));
  return ok({ recording: 'tapline', version: header.version, goals });
}

/** The difference between the columns that a goal had when it was recorded and those it has now; undefined where there is none. */
export function columnsDiffer(header: RecordingHeader, goal: Goal): Problem | undefined {
  const then = header.goals[goal.id];
  const now = columnsOf(goal);
  if (then === undefined || (then.length === now.length && then.every((column, i) => column === now[i]))) return undefined;
  const gone = then.filter((column) => !now.includes(column));
  const added = now.filter((column) => !then.includes(column));
  const parts = [gone.length > 0 && `it had ${gone.join(', ')}`, added.length > 0 && `it now has ${added.join(', ')}`].filter(
    (part) => part !== false,
  );
  const difference = parts.length > 0 ? parts.join('; ') : 'they are in another order';
  return error('ENGINE_RECORDING_COLUMNS', `${goal.id} was recorded with other columns: ${difference}.`, {
    hint: 'Replay it with the version of Tapline that recorded it.',
  });
}

/** A frame as one line of a recording. Lines of a run are kept byte by byte: as text, or in base64 where they are no UTF-8. */
export function frameLine(frame: Frame): string {
  if (frame.kind !== 'lines') return `${JSON.stringify(frame)}\n`;
  const { lines, ...rest } = frame;
  const bytes = Buffer.from(lines.buffer, lines.byteOffset, lines.byteLength);
  return `${JSON.stringify({ ...rest, ...(isUtf8(bytes) ? { lines: bytes.toString('utf8') } : { base64: bytes.toString('base64') }) })}\n`;
}

/** The frame that a line stands for; undefined where it stands for none. What it holds is as untrusted as what it was recorded from. */
export function parseFrame(line: string): Frame | undefined {
  const raw = parseObject(line);
  if (raw === undefined || !isTime(raw['atUs'])) return undefined;
  const { kind, run, atUs } = raw;
  switch (kind) {
    case 'run': {
      const checked = parseRun(run);
      return checked && { kind, run: checked, atUs };
    }
    case 'lines': {
      const { lines, base64 } = raw;
      if (typeof run !== 'string' || (typeof lines !== 'string' && typeof base64 !== 'string')) return undefined;
      return { kind, run, lines: typeof lines === 'string' ? Buffer.from(lines, 'utf8') : Buffer.from(base64 as string, 'base64'), atUs };
    }
    case 'marker': {
      const { number, beforeUs, afterUs } = raw;
      if (typeof run !== 'string' || !isTime(number) || !isTime(beforeUs) || !isTime(afterUs)) return undefined;
      return { kind, run, number, beforeUs, afterUs, atUs };
    }
    case 'end':
    case 'notice': {
      const problem = parseProblem(raw['problem']);
      if (kind === 'end') return typeof run === 'string' ? { kind, run, ...(problem && { problem }), atUs } : undefined;
      return problem && { kind, ...(typeof run === 'string' && { run }), problem, atUs };
    }
    default:
      return undefined;
  }
}

/** Writes what passes to a recording: the header at once, then each group of frames in one call. `close` is called at its end, however it ends. */
export function record(
  goals: readonly Goal[],
  write: (text: string) => void,
  close: () => void = () => undefined,
): MonoTypeOperatorFunction<readonly Frame[]> {
  return (frames$) =>
    frames$.pipe(
      tap({ subscribe: () => write(headerLine(goals)), next: (frames) => write(frames.map(frameLine).join('')) }),
      finalize(close),
    );
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

function parseObject(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const isOneOf = <T extends string>(list: readonly T[], value: unknown): value is T => (list as readonly unknown[]).includes(value);

function parseRun(raw: unknown): Run | undefined {
  if (!isObject(raw)) return undefined;
  const { id, host, boot, engine, goal, with: asked, module, fidelity, dialect, clock } = raw;
  if (asked !== undefined && (typeof asked !== 'string' || asked.length > 1024)) return undefined;
  for (const text of [id, host, boot, goal, module]) if (typeof text !== 'string' || text.length > 256) return undefined;
  if (!isOneOf([...engineNames, 'tapline'] as const, engine) || !isOneOf(['event', 'sampled'] as const, fidelity)) return undefined;
  if (!isOneOf(['bpftrace', 'systemtap', 'procfs', 'script', 'tapline'] as const, dialect)) return undefined;
  if (!isOneOf(['monotonic', 'boottime', 'wall', 'reading'] as const, clock)) return undefined;
  return { id, host, boot, engine, goal, ...(asked !== undefined && { with: asked }), module, fidelity, dialect, clock } as Run;
}

/** A problem that was told when it was recorded. A code that this version does not have keeps its words. */
function parseProblem(raw: unknown): Problem | undefined {
  if (!isObject(raw) || typeof raw['message'] !== 'string') return undefined;
  const { code, severity, message, hint, cause } = raw;
  return {
    code: typeof code === 'string' && Object.hasOwn(codes, code) ? (code as ProblemCode) : 'ENGINE_RECORDED',
    severity: severity === 'warning' ? 'warning' : 'error',
    message,
    ...(typeof hint === 'string' && { hint }),
    ...(typeof cause === 'string' && { cause }),
  };
}
