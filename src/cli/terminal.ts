import { styleText } from 'node:util';

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** Where a command writes. Results go to standard output, everything else to standard error. */
export interface Terminal {
  /** Whether a person watches standard error. */
  readonly isWatched: boolean;
  /** Writes one line of the result. Waits while the reader is slow. */
  print(line: string): Promise<void>;
  /** Writes one line for the person, on standard error. */
  tell(line: string): void;
  /** Shows how far long work is: one line that changes on a terminal, now and then a plain line elsewhere. */
  progress(line: string): void;
  /** Styles text for standard output; plain where styles are unwelcome. */
  paint(style: Style, text: string): string;
}

/** The few things we use of a process's streams. */
export interface OutputStream {
  readonly isTTY?: boolean;
  write(text: string): boolean;
  once(event: 'drain', listener: () => void): unknown;
}

/** Between two plain progress lines, in milliseconds. */
const PROGRESS_EVERY_MS = 10_000;

/**
 * Opens the terminal of a process.
 *
 * @param colour whether the environment allows styles (`NO_COLOR` forbids them, https://no-color.org).
 */
export function openTerminal(options: {
  readonly output: OutputStream;
  readonly messages: OutputStream;
  readonly colour: boolean;
  readonly now: () => number;
}): Terminal {
  const { output, messages } = options;
  const isWatched = messages.isTTY === true;
  let lastProgressMs = isWatched ? Number.NEGATIVE_INFINITY : options.now();
  let hasProgressLine = false;

  const clear = (): void => {
    if (hasProgressLine) messages.write('\r\u001b[2K');
    hasProgressLine = false;
  };
  return {
    isWatched,
    async print(line) {
      clear();
      if (!output.write(`${line}\n`)) await new Promise<void>((resolve) => output.once('drain', resolve));
    },
    tell(line) {
      clear();
      messages.write(`${line}\n`);
    },
    progress(line) {
      const nowMs = options.now();
      if (nowMs - lastProgressMs < (isWatched ? 100 : PROGRESS_EVERY_MS)) return;
      lastProgressMs = nowMs;
      if (isWatched) messages.write(`\r\u001b[2K${line}`);
      else messages.write(`${line}\n`);
      hasProgressLine = isWatched;
    },
    paint: (style, text) =>
      options.colour && output.isTTY === true ? styleText(style, text, { validateStream: false }) : text,
  };
}
