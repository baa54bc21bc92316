import { Command } from 'commander';
import { loadEnvFile } from '../config.js';
import { addApiKeyCommands } from './api-keys.js';
import { addCustomerCommands } from './customers.js';
import { addMasterKeyCommands } from './master-key.js';
import { addPrivacyCommands } from './privacy.js';
import { addAuditCommands } from './audit.js';
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
  await program.parseAsync();
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : 'Failed'}\n`);
  process.exitCode = 1;
});
