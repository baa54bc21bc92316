import { once } from 'node:events';
import { type Command, InvalidArgumentError } from 'commander';
import { readVerifierKey, type VerifierKey } from '../audit/checkpoint-note.js';
import { witnessServer } from '../audit/witness-server.js';
import { WitnessStore } from '../audit/witness-store.js';

interface WitnessOptions {
  readonly folder: string;
  readonly port: number;
  readonly host: string;
  readonly key?: readonly VerifierKey[];
}

export function addAuditWitnessCommand(audit: Command): void {
  audit
    .command('witness')
    .description(
      'Run a small receiver that keeps checkpoints, for whoever stands outside: set AUDIT_WITNESS_URL of the service to\n' +
        'http://<host>:<port>/add-checkpoint. Needs nothing of the service. What it keeps is never changed.',
    )
    .requiredOption('--folder <folder>', 'where checkpoints are kept')
    .option('--port <port>', 'the port to listen at', parsePort, 4000)
    .option('--host <host>', 'the address to listen at', '127.0.0.1')
    .option(
      '--key <key>',
      'take only what this key signed (GET /audit/verification shows it); several times',
      collectKey,
    )
    .action(witness);
}

async function witness({ folder, port, host, key = [] }: WitnessOptions): Promise<void> {
  const server = witnessServer(new WitnessStore(folder, key), (line) => {
    console.log(line);
  });
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  if (key.length === 0) console.log('No --key was given: signatures are not checked, growth alone is.');
  console.log(`Keeping checkpoints in ${folder}; listening at http://${host}:${String(bound)}/add-checkpoint`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => server.close());
  await once(server, 'close');
}

function parsePort(value: string): number {
  const port = /^\d{1,5}$/.test(value) ? Number(value) : NaN;
  if (port <= 65_535) return port;
  throw new InvalidArgumentError('Not a port.');
}

function collectKey(value: string, before: readonly VerifierKey[] = []): readonly VerifierKey[] {
  try {
    return [...before, readVerifierKey(value)];
  } catch {
    throw new InvalidArgumentError('Not a verifier key: name+hash+key.');
  }
}
