import type { Command } from '../command.ts';
import { auditExportCommand, auditVerifyCommand } from './audit.ts';
import { databaseExportCommand, databaseImportCommand } from './database.ts';
import { doctorCommand } from './doctor.ts';
import { estimateCommand } from './estimate.ts';
import { migrateCommand } from './migrate.ts';
import { moveCommand } from './move.ts';
import {
  provisionApplyCommand,
  provisionDestroyCommand,
  provisionExportCommand,
  provisionPlanCommand,
  provisionVerifyCommand,
} from './provision.ts';
import { serveCommand } from './serve.ts';
import { sweepCommand } from './sweep.ts';
import { tokenCommand } from './token.ts';

/** Every command there is, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  serveCommand,
  migrateCommand,
  tokenCommand,
  doctorCommand,
  sweepCommand,
  moveCommand,
  provisionPlanCommand,
  provisionApplyCommand,
  provisionVerifyCommand,
  provisionDestroyCommand,
  provisionExportCommand,
  estimateCommand,
  auditVerifyCommand,
  auditExportCommand,
  databaseExportCommand,
  databaseImportCommand,
];
