import { type ErrorCode, type ErrorFields, StowageError } from '../core/errors.ts';

/** The rule that a file broke, for example `zip.entry_climbs`; the `cause` of every refusal by the gate. */
export class RuleBroken {
  readonly rule: string;

  constructor(rule: string) {
    this.rule = rule;
  }
}

/**
 * Makes the error for a file that breaks a rule: `throw refuse('zip.entry_climbs', 'suspicious_content', '…')`.
 *
 * @param rule `<format>.<what is wrong>` in snake case, stable: tests and the reference list rules by it.
 * @param message a full sentence for the client, without content of the file.
 */
export function refuse(rule: string, code: ErrorCode, message: string, fields?: ErrorFields): StowageError {
  return new StowageError(code, message, { cause: new RuleBroken(rule), ...(fields && { fields }) });
}

/** The rule behind a refusal; undefined for errors that are no refusal by the gate. */
export function brokenRule(error: unknown): string | undefined {
  return error instanceof StowageError && error.cause instanceof RuleBroken ? error.cause.rule : undefined;
}
