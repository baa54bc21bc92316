import { createRequire } from 'node:module';

// Imported, it has another shape than its types say.
/** @type {import('@jest/test-sequencer')} */
const { default: Sequencer } = createRequire(import.meta.url)('@jest/test-sequencer');

/**
 * Where no times of an earlier run are known, as on a fresh clone, Jest begins with the largest file. These take long
 * though they are short: begun late, one of them runs alone at the end, while the other workers have nothing left to do.
 * Those that wait for leases and servers stand among those that keep a core busy.
 */
const LONGEST = [
  'faults/crash-steps',
  'e2e/start',
  'e2e/instances',
  'faults/crash',
  'faults/disk-faults',
  'faults/damaged-files',
  'faults/outages',
  'faults/webhooks',
  'e2e/webhooks-instances',
  'released/data-folders',
  'faults/mongodb-outages',
  'e2e/damaged-customers',
  'e2e/model',
  'faults/erasure-interleavings',
  'contracts/eventstoredb',
  'faults/source-ownership',
  'faults/eventstoredb-outages',
  'faults/mongodb-instances',
  'faults/mongodb-election',
  'contracts/mongodb',
  'faults/master-key-rotation',
  'faults/erasure-steps',
  'house/recipes',
  'house/walls',
  'faults/canaries',
  'faults/audit-export-tampering',
  'faults/audit-tampering',
  'faults/canaries-keys',
  'faults/hostile-tokens',
  'faults/bad-input-random',
  'e2e/audit-commands',
  'faults/privacy-commands',
];

export default class LongestFirst extends Sequencer {
  /**
   * @override
   * @param {Parameters<InstanceType<typeof Sequencer>['sort']>[0]} tests
   */
  async sort(tests) {
    const others = await super.sort(tests);
    return others.sort((one, other) => rankOf(one.path) - rankOf(other.path));
  }
}

/** @type {(path: string) => number} */
const rankOf = (path) => {
  const rank = LONGEST.findIndex((file) => path.replaceAll('\\', '/').endsWith(`/test/${file}.spec.ts`));
  return rank < 0 ? LONGEST.length : rank;
};
