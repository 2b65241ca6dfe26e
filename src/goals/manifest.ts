import { Type, type Static } from 'typebox';

const closed = { additionalProperties: false } as const;
const words = (description: string) => Type.Array(Type.String(), { description });

const FieldSchema = Type.Object(
  {
    type: Type.Union([Type.Literal('int'), Type.Literal('text'), Type.Literal('address'), Type.Literal('bool'), Type.Literal('enum')], {
      description: 'Type of the values.',
    }),
    unit: Type.Optional(Type.String({ description: 'Unit, the same on every engine.' })),
    values: Type.Optional(words('Members of an enum, in the order of their codes.')),
    optional: Type.Optional(Type.Boolean({ description: 'A record may not know it.' })),
    description: Type.String({ minLength: 1, description: 'What it is, in one sentence.' }),
  },
  closed,
);

const ParameterSchema = Type.Object(
  {
    type: Type.Union([Type.Literal('duration'), Type.Literal('int'), Type.Literal('enum')], { description: 'Type of the value.' }),
    unit: Type.Optional(Type.String({ description: 'Unit of an int.' })),
    values: Type.Optional(Type.Array(Type.String({ pattern: '^[a-z0-9_]+$' }), { description: 'Members of an enum.' })),
    default: Type.Union([Type.String(), Type.Number()], { description: 'What it is where a rule says nothing.' }),
    min: Type.Optional(Type.Union([Type.String(), Type.Number()], { description: 'Smallest value of a duration or an int.' })),
    max: Type.Optional(Type.Union([Type.String(), Type.Number()], { description: 'Largest value of a duration or an int.' })),
    description: Type.String({ minLength: 1, description: 'What it is, in one sentence.' }),
  },
  closed,
);

const AggregateSchema = Type.Union(
  [Type.Literal('count'), Type.Literal('sum'), Type.Literal('min'), Type.Literal('max'), Type.Literal('avg'), Type.Literal('last')],
  { description: 'What is made of the events of a key in an interval.' },
);

const EngineSchema = Type.Object(
  {
    template: Type.Optional(Type.String({ description: "Template in the goal's folder." })),
    reader: Type.Optional(Type.String({ description: 'Reader of procfs.' })),
    fidelity: Type.Optional(
      Type.Union([Type.Literal('event'), Type.Literal('sampled')], { description: 'event: every occurrence; sampled: polled.' }),
    ),
    cannot: Type.Optional(Type.String({ minLength: 1, description: 'Why it cannot answer the goal; stands alone.' })),
    unknown: Type.Optional(words('Fields that this engine never knows.')),
    push: Type.Optional(words('Fields that are exact and always known in the probe.')),
    limits: Type.Optional(Type.String({ description: 'What it cannot see.' })),
  },
  { ...closed, description: 'How an engine answers the goal.' },
);

/** scripts-stp/<id>/goal.yaml; config/goal.schema.json is made from it. */
export const ManifestSchema = Type.Object(
  {
    id: Type.String({ pattern: '^[a-z]+(\\.[a-z_]+)+$', description: "Name of the goal; also its folder's." }),
    title: Type.String({ minLength: 1, description: 'What it tells, in one line.' }),
    description: Type.String({ minLength: 1, description: 'Which kernel event, what is seen and what is not.' }),
    how: Type.Optional(Type.String({ minLength: 1, description: "Why this event of the kernel's and no other." })),
    symptoms: words('Words that a person in trouble would use.'),
    cost: Type.String({ minLength: 1, description: 'What watching it costs.' }),
    fields: Type.Record(Type.String({ pattern: '^[a-z][a-z0-9_]*$' }), FieldSchema, {
      description: 'Fields of a record, in the order of the columns.',
    }),
    key: words('Which thing a record is about.'),
    forget: Type.Optional(
      Type.Object(
        { fields: words('The fields that name it: always known, no texts.') },
        { ...closed, description: 'What ends (a connection that closes): `changed` then forgets what it remembers of it.' },
      ),
    ),
    parameters: Type.Optional(
      Type.Record(Type.String({ pattern: '^[a-z][a-z0-9_]*$' }), ParameterSchema, { description: 'What a rule may say under `with`.' }),
    ),
    interval: Type.Optional(
      Type.Object(
        {
          key: words('Fields that say what is summed up; a text stands last.'),
          values: Type.Record(Type.String(), AggregateSchema, { description: 'Fields that are made of the events of an interval.' }),
        },
        { ...closed, description: 'The goal sums up in the kernel: one record for each key and interval.' },
      ),
    ),
    engines: Type.Optional(
      Type.Object(
        { systemtap: Type.Optional(EngineSchema), bpftrace: Type.Optional(EngineSchema), procfs: Type.Optional(EngineSchema) },
        { ...closed, description: 'The engines that answer it. None: a goal of its own of Tapline.' },
      ),
    ),
  },
  { ...closed, description: 'The manifest of a goal.' },
);

export type Manifest = Static<typeof ManifestSchema>;
