import cliProgress from 'cli-progress';

export interface Progress {
  /** `done` of `total`, with what to show beside it. */
  update(done: number, notes: string): void;
  end(): void;
}

export interface ProgressOptions {
  /** Whether an interrupted program ends the bar and then itself; true unless given. */
  readonly signals?: boolean;
  /** Whether the notes say what time is left: the bar is shorter then, so that a line has 80 columns. Default false. */
  readonly timed?: boolean;
}

/** A bar with time left on a terminal; elsewhere nothing until it ends, and then one line. */
export function startProgress(
  title: string,
  total: number,
  { signals = true, timed = false }: ProgressOptions = {},
): Progress {
  return process.stderr.isTTY ? bar(title, total, signals ? SIGNALS : [], timed) : line(title);
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

function bar(
  title: string,
  total: number,
  signals: readonly NodeJS.Signals[],
  timed: boolean,
): Progress {
  const made = new cliProgress.SingleBar(
    {
      format: `${title.padEnd(14)} {bar} {percentage}%  {notes}${timed ? '' : '  {eta_formatted} left'}`,
      barCompleteChar: '█',
      barIncompleteChar: '░',
      barsize: timed ? 6 : 24,
      stream: process.stderr,
      hideCursor: true,
      etaBuffer: 100,
      fps: 8,
    },
    cliProgress.Presets.rect,
  );
  // The bar hides the cursor: an interrupted program must give it back before it goes.
  const interrupted = (signal: NodeJS.Signals) => {
    end();
    process.kill(process.pid, signal);
  };
  const end = () => {
    for (const signal of signals) process.off(signal, interrupted);
    made.stop();
  };
  for (const signal of signals) process.on(signal, interrupted);
  made.start(total, 0, { notes: '' });
  return { update: (done, notes) => made.update(done, { notes }), end };
}

function line(title: string): Progress {
  const started = Date.now();
  let last: string | undefined;
  return {
    update: (_, notes) => {
      last = notes;
    },
    end: () => {
      // What failed before its first step leaves its error alone on the screen.
      if (last === undefined) return;
      const seconds = ((Date.now() - started) / 1000).toFixed(1);
      process.stderr.write(`${title}  ${last}  ${seconds} s\n`);
    },
  };
}
