import { Type, type Static, type TSchema } from 'typebox';
import { DurationSchema } from '../config/duration.ts';
import { ScriptSchema } from './script-schema.ts';

const closed = { additionalProperties: false } as const;
const duration = (description: string) => ({ ...DurationSchema, description });
const strings = (description: string) =>
  Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]), { description });

const Names = (description: string) => Type.Array(Type.String(), { description });

/** Keys that both kinds of rule have. */
const both = {
  goal: Type.String({ description: 'What to watch; `tapline goals` lists what can be asked.' }),
  with: Type.Optional(
    Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()]), {
      description: 'Parameters of the goal: {interval: 5s, min_ms: 100}. `tapline goals GOAL` lists them.',
    }),
  ),
  where: Type.Optional(Type.String({ description: "Which records: a CEL condition over the goal's fields. Left out: every record." })),
  by: Type.Optional(Names("Which thing a record is about: fields. Left out: the goal's own key. []: everything is one thing.")),
  changed: Type.Optional(
    Type.Union(
      [
        Type.Record(Type.String(), Type.Number({ minimum: 0 }), { description: 'field: by how much it must differ' }),
        Names('Fields of which one must differ.'),
      ],
      {
        description: 'Takes a record only if a field differs from the last one taken of its key: {rto_ms: 100} by so much, [state] at all.',
      },
    ),
  ),
  dedupe: Type.Optional(duration('Takes one record of a key in this time; the rest is counted, and told when the time is over.')),
  labels: Type.Optional(strings('Labels of the rule; `severity` among them.')),
  to: Type.Optional(Names("Names of sinks. Left out: the group's, else the configuration's.")),
  enabled: Type.Optional(Type.Boolean({ description: 'false: checked, but not run.', default: true })),
};

export const AlertSchema = Type.Object(
  {
    alert: Type.String({ minLength: 1, description: 'Name of the alert; unique.' }),
    ...both,
    threshold: Type.Optional(
      Type.Object(
        {
          count: Type.Integer({ minimum: 1, description: 'How many events.' }),
          within: duration('In how long a stretch, sliding.'),
          by: Type.Optional(Names("Fields to count by. Left out: the rule's `by`.")),
        },
        { ...closed, description: 'The condition holds while at least `count` events lie in the last `within`.' },
      ),
    ),
    for: Type.Optional(duration('The condition must hold so long before the alert fires; until then it is pending.')),
    keep_firing_for: Type.Optional(duration('The alert is resolved when the condition was false for so long. Default 5m.')),
    max_alerts: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 100000,
        description: 'Alerts alive at once; the rest is one alert that says so.',
        default: 1000,
      }),
    ),
    annotations: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        description: 'Texts for people, with {{ field }} in them; `summary` is the line that mails and terminals show.',
      }),
    ),
    runbook_url: Type.Optional(
      Type.String({ pattern: '^https?://[^\\s]+$', description: 'What to do about it: a link that goes with the alert.' }),
    ),
  },
  { ...closed, description: 'A rule with a life cycle: pending, firing, resolved.' },
);

export const ForwardSchema = Type.Object(
  { forward: Type.String({ minLength: 1, description: 'Name of the rule; unique.' }), ...both },
  { ...closed, description: 'A rule that sends every record that passes.' },
);

const group = (rule: TSchema) =>
  Type.Object(
    {
      name: Type.String({ minLength: 1, description: 'Name of the group.' }),
      labels: Type.Optional(strings('Labels of all rules of the group; a rule may set its own.')),
      to: Type.Optional(Names('Sinks of the rules that name none.')),
      rules: Type.Array(rule, { description: 'Rules.' }),
    },
    { ...closed, description: 'Rules that belong together.' },
  );
const file = (groups: TSchema, script: TSchema) =>
  Type.Object(
    {
      scripts: Type.Optional(
        Type.Record(Type.String(), script, { description: 'Scripts of your own, by the name of the goal that each one answers.' }),
      ),
      groups: Type.Array(groups, { description: 'Groups of rules.' }),
    },
    { ...closed, description: 'A file of rules.' },
  );

/** For editors: rules.schema.json. */
export const RulesFileSchema = file(group(Type.Union([AlertSchema, ForwardSchema])), ScriptSchema);
/** For the loader, which looks at each rule with the schema of its kind. */
export const GroupShape = group(Type.Object({}, { description: 'A rule.' }));
export const RulesFileShape = file(GroupShape, Type.Object({}, { description: 'A script of your own, as a goal.' }));

export type RawAlert = Static<typeof AlertSchema>;
export type RawForward = Static<typeof ForwardSchema>;
export type RawGroup = Omit<Static<typeof GroupShape>, 'rules'>;
