import { Type, type Static, type TSchema } from 'typebox';
import type { Problem } from '../problem/problem.ts';
import { engineNames } from './config.ts';
import { DurationSchema } from './duration.ts';

/** What the configuration has to know about a kind of sink; delivery's SinkDefinition is one. */
export interface SinkType {
  readonly type: string;
  readonly summary?: string;
  /** Keys of the sink, without `type`. A key `path`, or one that ends in `_file`, names a file. */
  readonly schema: TSchema;
  readonly grouping: 'each' | 'digest';
  /** What the schema cannot say. Paths are keys below the sink. */
  check?(options: never): readonly { readonly path: readonly (string | number)[]; readonly problem: Omit<Problem, 'place'> }[];
}

const names = (description: string) => Type.Array(Type.String({ description: 'Name of a sink.' }), { description });

const withSinks = (sinks: TSchema) =>
  Type.Object(
    {
      engine: Type.Optional(
        Type.Enum(['auto', ...engineNames.filter((name) => name !== 'replay')], {
          default: 'auto',
          description:
            'What watches the kernel. auto: for each goal the best that this machine and this user can run; tapline doctor says why.',
        }),
      ),
      rules: Type.Array(Type.String({ minLength: 1, description: 'A file, or a pattern with * and ?.' }), {
        description: 'Rule files, counted from this file. Files that end in .test.yaml are left out.',
      }),
      sinks: Type.Record(Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_-]{0,63}$' }), sinks, {
        minProperties: 1,
        description: 'Where alerts and records can go, by name.',
      }),
      to: Type.Optional(names('Sinks of the rules that name none. Left out: all sinks.')),
      tapline_to: Type.Optional(
        names('Sinks for what Tapline tells about itself (tapline.*) where no rule takes it. Left out: the same as `to`.'),
      ),
      poll: Type.Optional({
        ...DurationSchema,
        default: '200ms',
        description: 'How often procfs looks; shorter sees more and costs more. 20ms to 1m.',
      }),
    },
    { additionalProperties: false, description: 'The configuration of Tapline.' },
  );

/** For the loader, which looks at each sink with the schema of its type. */
export const ConfigShape = withSinks(
  Type.Object({ type: Type.String({ description: 'What kind of sink it is.' }) }, { description: 'A sink.' }),
);
export type RawConfig = Static<typeof ConfigShape>;

/** For editors: tapline.schema.json. */
export const configSchema = (sinkTypes: readonly SinkType[]): TSchema => withSinks(Type.Union(sinkTypes.map(sinkSchema)));

/** The keys of one kind of sink, `type` among them. */
export function sinkSchema({ type, schema }: SinkType): TSchema {
  const { properties, required, ...more } = schema as TSchema & { readonly properties?: object; readonly required?: readonly string[] };
  const typeKey = { const: type, description: 'What kind of sink it is.' };
  return { ...more, properties: { type: typeKey, ...properties }, required: ['type', ...(required ?? [])] };
}
