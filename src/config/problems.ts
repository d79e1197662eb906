/** Settings that can't be used. The message names each problem on a line of its own, and never a secret's value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  /** One per wrong setting, each beginning with its name. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      `The settings have ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n- ${problems.join('\n- ')}`,
    );
    this.problems = problems;
  }
}
