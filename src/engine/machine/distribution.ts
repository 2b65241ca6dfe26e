/** Which distribution this is, from os-release(5). */
export interface Distribution {
  /** The family whose package manager and package names it has; undefined: one that Tapline does not know. */
  readonly family: FamilyName | undefined;
  /** ID: "debian", "rocky", "opensuse-leap". */
  readonly id: string;
  /** VERSION_ID, "" where there is none (Debian testing). */
  readonly version: string;
  /** PRETTY_NAME. */
  readonly name: string;
}

export type FamilyName = 'debian' | 'ubuntu' | 'rhel' | 'fedora' | 'suse' | 'amazon';

/** ID, then each word of ID_LIKE: the first that is known decides. Amazon Linux says that it is like Fedora, but packages its kernels its own way. */
const families: Readonly<Record<string, FamilyName>> = {
  amzn: 'amazon',
  ubuntu: 'ubuntu',
  debian: 'debian',
  fedora: 'fedora',
  rhel: 'rhel',
  centos: 'rhel',
  rocky: 'rhel',
  almalinux: 'rhel',
  ol: 'rhel',
  suse: 'suse',
  sles: 'suse',
  opensuse: 'suse',
};

export function parseOsRelease(text: string): Distribution {
  const values = new Map<string, string>();
  for (const [, key = '', , quoted, plain] of text.matchAll(/^([A-Z_]+)=(?:(["'])(.*)\2|(\S*))\s*$/gm))
    values.set(key, quoted ?? plain ?? '');
  const id = values.get('ID') ?? 'linux';
  const like = (values.get('ID_LIKE') ?? '').split(/\s+/);
  const known = [id, ...like].find((word) => Object.hasOwn(families, word));
  return {
    family: known === undefined ? undefined : families[known],
    id,
    version: values.get('VERSION_ID') ?? '',
    name: values.get('PRETTY_NAME') ?? values.get('NAME') ?? 'Linux',
  };
}
