import type { Command } from 'commander';
import { addAuditExportCommand } from './audit-export.js';
import { addAuditReplayCommand } from './audit-replay.js';
import { addAuditVerifyCommand } from './audit-verify.js';
import { addAuditWitnessCommand } from './audit-witness.js';

export function addAuditCommands(program: Command): void {
  const audit = program.command('audit').description('Verify, replay and export the audit trail; keep checkpoints.');
  addAuditVerifyCommand(audit);
  addAuditReplayCommand(audit);
  addAuditExportCommand(audit);
  addAuditWitnessCommand(audit);
}
