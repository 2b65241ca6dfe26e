import { error, type Problem } from '../../problem/problem.ts';

/** What kafkajs throws; `type` is the name of a protocol error (kafka.apache.org/protocol, "Error Codes"). */
interface KafkaError extends Error {
  readonly type?: string;
  readonly code?: string | number;
  readonly originalError?: KafkaError;
  readonly broker?: string;
}

/** The error within: kafkajs wraps what it gave up on, once as `cause` and once as `originalError`. */
export function innermost(thrown: unknown): KafkaError {
  let error = thrown as KafkaError;
  for (let depth = 0; depth < 5; depth += 1) {
    const inner = (error.cause ?? error.originalError) as KafkaError | undefined;
    if (inner === undefined || !(inner instanceof Error)) break;
    error = inner;
  }
  return error;
}

/** The broker says that the batch or the record is larger than the topic takes. */
export const isTooLarge = (thrown: unknown): boolean =>
  ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'].includes(innermost(thrown).type ?? '');

/** Never `reject`: a topic may be made, a password mended, a right given. What the record itself is guilty of is isTooLarge. */
export function kafkaProblem(thrown: unknown, topic: string, brokers: readonly string[]): Problem {
  const { name, type, message } = innermost(thrown);
  const more = { cause: message };
  const where = brokers.join(', ');
  if (type === 'UNKNOWN_TOPIC_OR_PARTITION' || /does not host this topic/.test(message))
    return error('SINK_TOPIC_MISSING', `The topic "${topic}" does not exist on ${where}; it is waited for.`, {
      ...more,
      hint: `kafka-topics.sh --bootstrap-server ${brokers[0] ?? ''} --create --topic ${topic}`,
    });
  if (name === 'KafkaJSSASLAuthenticationError' || type === 'SASL_AUTHENTICATION_FAILED' || type === 'ILLEGAL_SASL_STATE')
    return error('SINK_AUTH', `${where} refused the user name or password.`, more);
  if (type?.includes('AUTHORIZATION_FAILED') === true)
    return error('SINK_DENIED', `${where} does not let this user write to "${topic}".`, more);
  if (/certificate|self-signed|unable to verify|SSL|TLS/i.test(message)) return error('SINK_TLS', `${where} cannot be trusted.`, more);
  if (name === 'KafkaJSConnectionError' || name === 'KafkaJSConnectionClosedError' || name === 'KafkaJSBrokerNotFound')
    return error('SINK_UNREACHABLE', `No broker of ${where} can be reached.`, more);
  if (name === 'KafkaJSRequestTimeoutError' || type === 'REQUEST_TIMED_OUT')
    return error('SINK_TIMEOUT', `${where} did not answer in time.`, more);
  return error('SINK_BUSY', `${where} did not take the batch.`, more);
}
