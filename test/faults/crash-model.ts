import { canonicalJson } from '../../src/event-sourcing/canonical-json.js';

export interface Changes {
  readonly email?: string;
  readonly locale?: string;
  readonly type?: 'business' | 'individual';
  readonly enabled?: boolean;
  readonly shipping?: Readonly<Record<string, string>>;
  readonly taxCertificate?: Readonly<Record<string, string>>;
  readonly metadata?: Readonly<Record<string, string | number>>;
  readonly defaultSourceId?: string;
  readonly requestToBeForgotten?: true;
}

export type Operation =
  | { readonly kind: 'create'; readonly id?: string; readonly changes: Changes }
  | { readonly kind: 'update'; readonly changes: Changes }
  | { readonly kind: 'delete' }
  | { readonly kind: 'attach'; readonly sourceId: string }
  | { readonly kind: 'detach'; readonly sourceId: string };

/**
 * What a customer must look like from outside: written from the contract, apart from the service's own code.
 * `forgotten`: the request is made and due at once (the tests run without a grace period), so any moment it is `erased`.
 */
export interface Expected {
  readonly status: 'there' | 'forgotten' | 'erased' | 'deleted';
  readonly profile: Omit<Changes, 'taxCertificate' | 'metadata' | 'defaultSourceId' | 'requestToBeForgotten'>;
  readonly metadata: Readonly<Record<string, string | number>>;
  readonly taxCertificates: readonly Readonly<Record<string, string>>[];
  /** In the order of attachment. */
  readonly sources: readonly string[];
  readonly defaultSourceId?: string | undefined;
}

const newborn: Expected = {
  status: 'there',
  profile: { enabled: true },
  metadata: {},
  taxCertificates: [],
  sources: [],
};

/** What a customer is once the operation has taken effect. */
export function after(before: Expected | undefined, operation: Operation): Expected {
  if (operation.kind === 'create') {
    const { defaultSourceId, ...changes } = operation.changes;
    const created = changed(newborn, changes);
    return defaultSourceId === undefined ? created : attached(created, defaultSourceId);
  }
  if (before === undefined) throw new RangeError('Only a creation begins a customer');
  switch (operation.kind) {
    case 'update':
      return changed(before, operation.changes);
    case 'delete':
      return { ...newborn, status: 'deleted' };
    case 'attach':
      return attached(before, operation.sourceId);
    case 'detach':
      return detached(before, operation.sourceId);
    default:
      return operation satisfies never;
  }
}

function changed(before: Expected, changes: Changes): Expected {
  const { metadata, taxCertificate, defaultSourceId, requestToBeForgotten, ...profile } = changes;
  return {
    ...before,
    profile: { ...before.profile, ...profile },
    metadata: { ...before.metadata, ...metadata },
    taxCertificates: [...before.taxCertificates, ...(taxCertificate === undefined ? [] : [taxCertificate])],
    defaultSourceId: defaultSourceId ?? before.defaultSourceId,
    status: requestToBeForgotten === true ? 'forgotten' : before.status,
  };
}

function attached(before: Expected, sourceId: string): Expected {
  if (before.sources.includes(sourceId)) return before;
  const defaultSourceId = before.sources.length === 0 ? sourceId : before.defaultSourceId;
  return { ...before, sources: [...before.sources, sourceId], defaultSourceId };
}

function detached(before: Expected, sourceId: string): Expected {
  const sources = before.sources.filter((id) => id !== sourceId);
  return {
    ...before,
    sources,
    defaultSourceId: before.defaultSourceId === sourceId ? sources.at(-1) : before.defaultSourceId,
  };
}

/** What is wrong with the answer to a GET; undefined when nothing is. */
export function fault(
  expected: Expected,
  status: number,
  answer: Readonly<Record<string, unknown>>,
): string | undefined {
  if (expected.status === 'deleted') return status === 404 ? undefined : `deleted, but answered with ${status}`;
  if (status !== 200) return `there, but answered with ${status}`;
  const got = comparable(answer);
  const wanted = expected.status === 'erased' ? [ERASED] : [present(expected)];
  if (expected.status === 'forgotten') wanted.push(ERASED);
  return wanted.includes(got) ? undefined : `\n    expected ${wanted.join(' or ')}\n    answered ${got}`;
}

const ERASED = canonicalJson({ enabled: false, requestToBeForgotten: true });

const present = ({ status, profile, metadata, taxCertificates, sources, defaultSourceId }: Expected): string =>
  canonicalJson({
    ...profile,
    ...(Object.keys(metadata).length > 0 && { metadata }),
    taxCertificates,
    sources,
    ...(defaultSourceId !== undefined && { defaultSourceId }),
    requestToBeForgotten: status === 'forgotten',
  });

function comparable(answer: Readonly<Record<string, unknown>>): string {
  const { id: _id, createdTime: _created, updatedTime: _updated, liveMode: _live, sources, ...rest } = answer;
  const ids = Array.isArray(sources) ? sources.map((source: { id: unknown }) => source.id) : sources;
  return canonicalJson({ ...rest, ...(ids !== undefined && { sources: ids }) });
}
