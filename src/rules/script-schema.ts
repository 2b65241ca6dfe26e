import { Type, type Static } from 'typebox';

const closed = { additionalProperties: false } as const;
const Patterns = (description: string) => Type.Array(Type.String(), { description });

/** What may be said about a field, below `fields`. */
export const ScriptFieldSchema = Type.Object(
  {
    type: Type.Optional(
      Type.Enum(['text', 'word', 'int', 'hex', 'decimal', 'address', 'bool', 'enum', 'time_s', 'time_ms', 'time_us', 'time_ns'], {
        description: 'What the value looks like. time_*: it is the time of the record, in that unit, and no field.',
        default: 'text',
      }),
    ),
    unit: Type.Optional(Type.String({ description: 'Unit, shown to people: ms, bytes, pid ...' })),
    values: Type.Optional(Type.Array(Type.String({ minLength: 1, description: 'A member.' }), { description: 'Members of an enum.' })),
    times: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1e9, description: 'A decimal is held as a whole number: its value times this. Default 1.' }),
    ),
    unknown: Type.Optional(
      Type.String({ minLength: 1, description: 'What the script prints where it does not know the value, for example "-".' }),
    ),
    optional: Type.Optional(Type.Boolean({ description: 'JSON: the key may be missing, or null.' })),
    description: Type.Optional(Type.String({ minLength: 1, description: 'What it is, in one sentence.' })),
  },
  { ...closed, description: 'A field.' },
);

/** A script of the user's own that answers a goal; `scripts` of a rule file, by the goal's name. */
export const ScriptSchema = Type.Object(
  {
    script: Type.String({ minLength: 1, description: 'The file, counted from this one: .stp for SystemTap, .bt for bpftrace.' }),
    trusted: Type.Optional(
      Type.Boolean({ description: 'true: you have read the script and let it run in the kernel. Never run without.' }),
    ),
    sha256: Type.Optional(
      Type.String({ pattern: '^[0-9a-f]{64}$', description: 'Only a script with this hash is run; `sha256sum FILE` prints it.' }),
    ),
    pattern: Type.Optional(
      Type.Union(
        [
          Type.String({ description: 'What a line looks like.' }),
          Patterns('What the kinds of lines look like; the first that fits counts.'),
        ],
        { description: 'What a line looks like: `{comm}({pid:int}) open`. Either this or `json`.' },
      ),
    ),
    json: Type.Optional(Type.Boolean({ description: 'true: each line is a JSON object, and `fields` names the keys that are wanted.' })),
    ignore: Type.Optional(Patterns('Lines that are no records: headings, rulers. Empty lines are passed over without it.')),
    fields: Type.Optional(
      Type.Record(
        Type.String(),
        Type.Union([Type.String({ description: 'Its type.' }), ScriptFieldSchema], { description: 'Its type, or more about it.' }),
        { description: 'What is to be said about fields: types, units, members.' },
      ),
    ),
    key: Type.Optional(
      Type.Array(Type.String({ description: 'Name of a field.' }), {
        description: 'Which thing a record is about. `host` always belongs to it. Left out: every field that is no number.',
      }),
    ),
    clock: Type.Optional(
      Type.Enum(['wall', 'kernel'], {
        default: 'wall',
        description: "What a time_* value counts from: 1970, or the engine's own clock (nsecs of bpftrace, ktime_get_ns() of SystemTap).",
      }),
    ),
    args: Type.Optional(
      Type.Array(
        Type.Union([Type.String({ description: 'An argument.' }), Type.Integer({ description: 'An argument.' })], {
          description: 'An argument.',
        }),
        {
          description: 'Arguments of the script: $1, @1 ...',
        },
      ),
    ),
    needs_debuginfo: Type.Optional(
      Type.Boolean({ description: "The script needs the kernel's debug information; tapline doctor says which package has it." }),
    ),
    stap_options: Type.Optional(
      Type.Object(
        {
          guru: Type.Optional(Type.Boolean({ description: 'stap -g: the script may hold C code and write to the kernel.' })),
          suppress_handler_errors: Type.Optional(Type.Boolean({ description: 'An error in a handler does not end the script.' })),
          skip_badvars: Type.Optional(Type.Boolean({ description: 'Variables that this kernel does not have are 0.' })),
          compatible: Type.Optional(
            Type.String({ pattern: '^[0-9]+\\.[0-9]+$', description: 'The release of SystemTap whose language the script is written in.' }),
          ),
          buffer_mb: Type.Optional(
            Type.Integer({ minimum: 1, maximum: 4095, description: 'Buffer between the kernel and Tapline, in megabytes.' }),
          ),
          define: Type.Optional(
            Type.Record(
              Type.String({ pattern: '^(MAX[A-Z_]+|STP_[A-Z_]+|TRYLOCKDELAY)$' }),
              Type.Integer({ minimum: 0, description: 'A number.' }),
              {
                description: 'Limits of the runtime: {MAXACTION: 10000}.',
                additionalProperties: false,
              },
            ),
          ),
        },
        { ...closed, description: 'How stap compiles and runs the script.' },
      ),
    ),
    bpftrace_options: Type.Optional(
      Type.Object(
        {
          unsafe: Type.Optional(Type.Boolean({ description: 'bpftrace --unsafe: the script may run programs and write to user memory.' })),
          string_bytes: Type.Optional(Type.Integer({ minimum: 8, maximum: 200, description: 'Length of strings. Default 64.' })),
          map_entries: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'Entries of each map. Default 4096.' })),
        },
        { ...closed, description: 'How bpftrace runs the script.' },
      ),
    ),
    title: Type.Optional(Type.String({ minLength: 1, description: 'What it tells, in one line.' })),
    description: Type.Optional(Type.String({ minLength: 1, description: 'What is seen and what is not.' })),
    symptoms: Type.Optional(
      Type.Array(Type.String({ description: 'Words.' }), { description: 'Words of a person in trouble, for tapline goals.' }),
    ),
    cost: Type.Optional(Type.String({ minLength: 1, description: 'What running it costs.' })),
  },
  { ...closed, description: 'A script of your own, as a goal.' },
);

export type RawScriptBody = Static<typeof ScriptSchema>;
