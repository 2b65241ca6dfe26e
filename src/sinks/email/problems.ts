import { reject, retry, type SendResult } from '../../delivery/sink.ts';
import { error } from '../../problem/problem.ts';
import { networkProblem } from '../network.ts';

/** What nodemailer throws (its errors.js), as far as it is used here. */
export interface MailError extends Error {
  readonly code?: string;
  readonly command?: string;
  readonly response?: string;
  readonly responseCode?: number;
  readonly rejectedErrors?: readonly MailError[];
  readonly recipient?: string;
}

/**
 * What becomes of a mail that failed. Only what the server says about this mail itself with 5yz (RFC 5321 4.2.1) is given
 * up; whatever a person can mend (password, certificate, server) is tried again.
 */
export function mailFailure(thrown: unknown, where: string, signal: AbortSignal): SendResult {
  const failure = thrown as MailError;
  const { code = '', command = '', response, responseCode = 0, message } = failure;
  const more = { cause: response ?? message };
  if (signal.aborted || failure.name === 'AbortError') return retry(error('SINK_ABORTED', `${where} did not take the mail in time.`, more));
  if (code === 'EAUTH' || responseCode === 530 || responseCode === 535)
    return retry(
      error('SINK_AUTH', `${where} refused to let us in.`, { ...more, hint: 'Correct username and password or password_file.' }),
    );
  if (code === 'ETLS') return retry(error('SINK_TLS', `${where} offers no usable TLS.`, more));
  const aboutThisMail = code === 'EENVELOPE' || code === 'EMESSAGE' || /^(MAIL FROM|RCPT TO|DATA)/.test(command);
  if (aboutThisMail && responseCode >= 500 && responseCode !== 552 && !someLater(failure))
    return reject(error('SINK_REFUSED', `${where} refused the mail for good.`, more));
  if (aboutThisMail && responseCode === 552) return reject(error('SINK_TOO_LARGE', `${where} finds the mail too large.`, more));
  if (code === 'EENVELOPE' && responseCode === 0) return reject(error('SINK_REFUSED', `The mail has no valid sender or recipient.`, more));
  if (responseCode >= 400) return retry(error('SINK_BUSY', `${where} does not take the mail now.`, more));
  if (code === 'ETIMEDOUT') return retry(error('SINK_TIMEOUT', `${where} did not answer in time.`, more));
  return retry(networkProblem(isErrno(failure) ? failure : Object.assign(new Error(message), { code: errnoIn(failure) }), where));
}

/** Of several refused recipients one may be taken later (greylisting): then the mail is not given up. */
const someLater = ({ rejectedErrors = [] }: MailError): boolean =>
  rejectedErrors.some(({ responseCode = 0 }) => responseCode >= 400 && responseCode < 500);

const isErrno = ({ code = '' }: MailError): boolean =>
  /^(ECONN(REFUSED|RESET)|EPIPE|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/.test(code);

/** nodemailer puts its own code (ESOCKET, ECONNECTION, EDNS) over the system's, whose name stays in the text or in `cause`. */
function errnoIn(failure: MailError): string {
  const cause = failure.cause as NodeJS.ErrnoException | undefined;
  if (typeof cause?.code === 'string') return cause.code;
  const named = /\b(ECONNREFUSED|ECONNRESET|EPIPE|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT)\b/.exec(failure.message)?.[1];
  return named ?? (/certificate|self-signed|altnames|SSL|TLS/i.test(failure.message) ? 'CERT_REFUSED' : 'ECONNRESET');
}
