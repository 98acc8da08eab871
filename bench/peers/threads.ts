import type { Report } from '../harness.ts';
import { type RaceOptions, race } from './peers.ts';

/** npm run bench -- threads: Octavo on one thread against several, 2 by default. A ratio is how many times as fast. */
export function run(options: RaceOptions): Promise<Report> {
  const threads = [1, options.threads || 2];
  return race({ suite: 'threads', peers: false, threads }, options);
}
