import { describeSubjectKeys } from '../contracts/subject-keys.contract.js';
import { InMemorySubjectKeys } from './in-memory-subject-keys.js';

// What is proven with the stand-in holds only as far as it keeps the contract.
describeSubjectKeys(
  'the stand-in for tests',
  async () => {
    const port = new InMemorySubjectKeys();
    return { port, close: async () => undefined, putBack: async (ref, key) => port.plant(ref, key) };
  },
  false,
);
