import { error, type Problem } from '../problem/problem.ts';

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was closed',
  EPIPE: 'the connection was closed',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the name service does not answer',
  EHOSTUNREACH: 'there is no way to that host',
  ENETUNREACH: 'there is no way to that network',
  ETIMEDOUT: 'no answer in time',
};

/** Node's TLS refusals: names of X509_V_ERR_* without the prefix (openssl-verify(1)), and its own. */
const tls = /^(CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|ERR_TLS|ERR_SSL|INVALID_CA|HOSTNAME_MISMATCH)/;

/** What a failed connection or write to `where` is, in words. Always worth another try. */
export function networkProblem(cause: unknown, where: string): Problem {
  const { code = '', message } = deepest(cause);
  if (tls.test(code)) return error('SINK_TLS', `${where} cannot be trusted: ${message}.`, { cause: code });
  if (code === 'ENOENT' || code === 'EACCES') return error('SINK_SECRET', 'A certificate file cannot be read.', { cause: message });
  const why = words[code] ?? 'the network failed';
  return error(code === 'ETIMEDOUT' ? 'SINK_TIMEOUT' : 'SINK_UNREACHABLE', `${where} cannot be reached: ${why}.`, { cause: message });
}

/** Happy eyeballs (net.connect to a name with several addresses) fails with an AggregateError around the real ones. */
const deepest = (cause: unknown): NodeJS.ErrnoException =>
  cause instanceof AggregateError && cause.errors.length > 0
    ? (cause.errors[0] as NodeJS.ErrnoException)
    : (cause as NodeJS.ErrnoException);
