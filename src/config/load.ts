import { resolve } from 'node:path';
import { error, fail, ok, type Problem, type Result } from '../problem/problem.ts';
import { didYouMean } from '../problem/suggest.ts';
import type { Config, SinkConfig } from './config.ts';
import { parseDuration } from './duration.ts';
import { findRuleFiles } from './rule-files.ts';
import { checkSchema } from './schema-check.ts';
import { ConfigShape, type RawConfig, type SinkType } from './schema.ts';
import type { Env } from './secrets.ts';
import { readSink } from './sink-options.ts';
import { readSource, type Source } from './source.ts';

export type { SinkType } from './schema.ts';

export interface ConfigPorts {
  readonly sinkTypes: readonly SinkType[];
  readonly env: Env;
}

const defaultPollMs = 200;
const [shortestPollMs, longestPollMs] = [20, 60_000];

/** What the rules can be checked against even where something else in the configuration is wrong. */
export interface ForRules {
  readonly ruleFiles: readonly string[];
  /** Names of all sinks, right or wrong. */
  readonly sinks: readonly string[];
  readonly to: readonly string[];
}

/** `forRules` is undefined where the file could not be read at all. */
export type LoadedConfig = Result<Config> & { readonly forRules: ForRules | undefined };

/** Reads and checks tapline.yaml: every mistake is told. Reads files, writes and starts nothing. */
export function loadConfig(file: string, ports: ConfigPorts): LoadedConfig {
  const read = readSource(resolve(file));
  if (!read.ok) return { ...read, forRules: undefined };
  const source = read.value;
  const problems: Problem[] = checkSchema(source, ConfigShape);
  if (!isMap(source.value)) return { ...fail(...problems), forRules: undefined };
  const raw = source.value as Partial<RawConfig>;
  const sinks = readSinks(source, raw.sinks, ports, problems);
  const ruleFiles = findRuleFiles(source, texts(raw.rules), ['rules']);
  problems.push(...ruleFiles.problems);
  const declared = isMap(raw.sinks) ? Object.keys(raw.sinks) : [];
  const to = sinkNames(source, 'to', raw.to, declared, problems) ?? declared;
  const taplineTo = sinkNames(source, 'tapline_to', raw.tapline_to, declared, problems) ?? to;
  const pollMs = typeof raw.poll === 'string' ? (parseDuration(raw.poll) ?? defaultPollMs) : defaultPollMs;
  if (pollMs < shortestPollMs || pollMs > longestPollMs)
    problems.push(error('CONFIG_WRONG_VALUE', '`poll` must lie between 20ms and 1m.', { place: source.place(['poll']) }));
  const forRules = { ruleFiles: ruleFiles.files, sinks: declared, to };
  if (problems.some((problem) => problem.severity === 'error')) return { ...fail(...problems), forRules };
  const loaded = ok(
    { file: source.file, engine: raw.engine ?? 'auto', ruleFiles: ruleFiles.files, sinks, to, taplineTo, pollMs },
    problems,
  );
  return { ...loaded, forRules };
}

function readSinks(source: Source, raw: unknown, ports: ConfigPorts, problems: Problem[]): Map<string, SinkConfig> {
  const sinks = new Map<string, SinkConfig>();
  for (const [name, options] of Object.entries(isMap(raw) ? raw : {})) {
    // What is no map, or has no type, was told by the schema.
    if (!isMap(options) || typeof options['type'] !== 'string') continue;
    const sink = readSink(source, name, options as { readonly type: string }, ports, problems);
    if (sink !== undefined) sinks.set(name, sink);
  }
  return sinks;
}

function sinkNames(
  source: Source,
  key: 'to' | 'tapline_to',
  names: unknown,
  declared: readonly string[],
  problems: Problem[],
): string[] | undefined {
  if (names === undefined) return undefined;
  texts(names).forEach((name, i) => {
    if (declared.includes(name)) return;
    problems.push(
      error('CONFIG_UNKNOWN_SINK', `There is no sink "${name}"${didYouMean(name, declared) || '.'}`, {
        place: source.place([key, i]),
        hint: `Sinks of this file: ${declared.join(', ') || 'none'}.`,
      }),
    );
  });
  return [...new Set(texts(names))];
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const texts = (value: unknown): string[] => (Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []);
