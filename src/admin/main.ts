import { Command } from 'commander';
import { loadEnvFile } from '../config.js';
import { namesOf } from '../event-sourcing/error-names.js';
import { StoreUnavailable } from '../event-sourcing/store-errors.js';
import { addApiKeyCommands } from './api-keys.js';
import { addCustomerCommands } from './customers.js';
import { addMasterKeyCommands } from './master-key.js';
import { addPrivacyCommands } from './privacy.js';
import { addAuditCommands } from './audit.js';
import { addCheckCommand } from './check.js';
import { addRebuildCommand } from './rebuild.js';
import { addVerifyReceiptCommand } from './verify-receipt.js';

/** Exit codes: 0 done, 1 refused or failed (one clear line says why), 2 called wrongly; `audit verify` has its own. */
async function main(): Promise<void> {
  loadEnvFile();
  const program = new Command('admin')
    .description('Looks after a Customers service: works on its data folder, beside the running service or without it.')
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
    .showHelpAfterError();
  addRebuildCommand(program);
  addApiKeyCommands(program);
  addCustomerCommands(program);
  addMasterKeyCommands(program);
  addPrivacyCommands(program);
  addAuditCommands(program);
  addVerifyReceiptCommand(program);
  addCheckCommand(program);
  await program.parseAsync();
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return `Failed: ${namesOf(error)}`;
  return error instanceof StoreUnavailable && error.cause !== undefined
    ? `${error.message}: ${namesOf(error.cause)}`
    : error.message;
}

main().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = 1;
});
