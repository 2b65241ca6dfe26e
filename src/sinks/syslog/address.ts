/** Where syslog goes. The default ports are those of RFC 5426, RFC 6587's practice and RFC 5425. */
export type SyslogAddress =
  { readonly kind: 'tcp' | 'udp' | 'tls'; readonly host: string; readonly port: number } | { readonly kind: 'unix'; readonly path: string };

const defaultPorts = { tcp: 514, udp: 514, tls: 6514 } as const;

/** Reads "tcp://host:port", "udp://[::1]:514", "tls://host", "unix:/dev/log"; undefined where it is none of them. */
export function parseSyslogAddress(text: string): SyslogAddress | undefined {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length).replace(/^\/\/(?=\/)/, '');
    // sun_path of unix(7) holds 107 bytes and a NUL.
    return path.startsWith('/') && !path.includes('\0') && Buffer.byteLength(path) <= 107 ? { kind: 'unix', path } : undefined;
  }
  const kind = /^(tcp|udp|tls):\/\//.exec(text)?.[1] as 'tcp' | 'udp' | 'tls' | undefined;
  if (kind === undefined) return undefined;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return undefined;
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const more = url.username + url.password + url.search + url.hash + url.pathname.replace(/^\/$/, '');
  if (host === '' || more !== '' || /[^A-Za-z0-9.:_-]/.test(host)) return undefined;
  const port = url.port === '' ? defaultPorts[kind] : Number(url.port);
  return port === 0 ? undefined : { kind, host, port };
}
