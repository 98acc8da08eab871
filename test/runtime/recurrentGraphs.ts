import type { IntGraph } from './intGraph.ts';

/** What the random cases of `layers.test.ts` vary. */
interface Case {
  readonly image: readonly [number, number];
  readonly channels: number;
  readonly outChannels: number;
  readonly bias: boolean;
}

type Make = (b: IntGraph, c: Case) => number;

/** Up to 11 time steps, one now and then; zero points at both ends too. */
function recurrent(op: 'lstm' | 'gru'): Make {
  return (b, { image, channels, outChannels, bias }) => {
    const end = () => [-128, 127, 3, 0][b.rng.below(4)]!;
    const steps = b.rng.below(4) === 0 ? 1 : image[0];
    const x = b.input([steps, channels], { zeroPoint: end() });
    const attrs = { units: outChannels, returnSequences: bias, goBackwards: b.rng.below(2) === 0 };
    const scale = Math.fround([1 / 128, 0.004, 0.3][b.rng.below(3)]!);
    return b.recurrent(op, x, attrs, { zeroPoint: end(), scale: [scale] });
  };
}

export const recurrentGraphs = { lstm: recurrent('lstm'), gru: recurrent('gru') };
