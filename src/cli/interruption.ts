const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
/** What a shell reports for a program that a signal ended: 128 and the number of the signal. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** The first Ctrl-C, or SIGTERM, asks for an orderly end, the second one ends the process at once. */
export class Interruption {
  readonly #controller = new AbortController();
  #exitCode = 0;
  /** Puts the terminal in order before the process ends at once. */
  onQuit: (() => void) | undefined;

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.#listen);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get happened(): boolean {
    return this.signal.aborted;
  }

  get exitCode(): number {
    return this.#exitCode;
  }

  /** Signals have their usual effect again. */
  release(): void {
    for (const signal of SIGNALS) process.off(signal, this.#listen);
  }

  readonly #listen = (signal: NodeJS.Signals): void => {
    this.#exitCode = EXIT_CODES[signal as keyof typeof EXIT_CODES];
    this.onQuit?.();
    if (this.happened) process.exit(this.#exitCode);
    process.stderr.write('train: stopping after this step; once more quits at once\n');
    this.#controller.abort();
  };
}
