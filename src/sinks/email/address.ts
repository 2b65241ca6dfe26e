import { isIP } from 'node:net';

export interface MailAddress {
  readonly name?: string;
  readonly address: string;
}

// RFC 5321 4.1.2: Dot-string without the quoted form, which nobody has and which can hold a line end.
const local = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
const label = /^[\p{L}\p{N}]([\p{L}\p{N}-]*[\p{L}\p{N}])?$/u;

/**
 * Reads "ops@example.org" or "On call <ops@example.org>"; undefined where it is neither. Strict, because an address with a
 * line end or an angle bracket in it would change the envelope of the mail.
 */
export function parseAddress(text: string): MailAddress | undefined {
  const named = /^([^<>]*)<([^<>]*)>$/.exec(text);
  const name = named?.[1]?.trim().replace(/^"(.*)"$/, '$1') ?? '';
  const address = named === null ? text : (named[2] ?? '');
  if (/[\x00-\x1f\x7f-\x9f\u2028\u2029"\\]|\p{Surrogate}/u.test(name)) return undefined;
  const at = address.lastIndexOf('@');
  const [before, domain] = [address.slice(0, at), address.slice(at + 1)];
  if (at < 1 || before.length > 64 || domain.length > 253 || !local.test(before) || !isDomain(domain)) return undefined;
  return name === '' ? { address } : { name, address };
}

const isDomain = (domain: string): boolean => {
  const literal = /^\[(?:IPv6:)?([0-9A-Fa-f:.]+)\]$/.exec(domain)?.[1];
  return literal === undefined ? domain.split('.').every((part) => part.length <= 63 && label.test(part)) : isIP(literal) !== 0;
};

/** What "smtp:" in the settings says. Credentials do not belong into it: it is shown in messages. */
export interface SmtpServer {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte (smtps); otherwise STARTTLS as far as wanted. */
  readonly secure: boolean;
}

/** Reads "smtp://mail.example.org:587" (default port 25) or "smtps://mail.example.org" (465). */
export function parseSmtp(text: string): SmtpServer | undefined {
  if (!/^smtps?:\/\/[^/@?#]+\/?$/.test(text)) return undefined;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return undefined;
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const secure = url.protocol === 'smtps:';
  const port = url.port === '' ? (secure ? 465 : 25) : Number(url.port);
  return port === 0 || host === '' || /[^A-Za-z0-9.:_-]/.test(host) ? undefined : { host, port, secure };
}

/** A host of this machine: what is sent to it crosses no network. */
export const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127\./.test(host);
