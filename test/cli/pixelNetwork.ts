import { writeBundle } from '../../src/bundle/write.ts';
import { rawPixels } from '../../src/core/preprocess.ts';
import { BATCH } from '../../src/core/shape.ts';
import type { Graph } from '../../src/graph/graph.ts';

/** Integers are pixel − 128, and reals the pixels. */
const qparams = { scale: [1], zeroPoint: -128, qmin: -128, qmax: 127 };

/** A graph whose scores are the pixels of its grey 2 × 2 image. */
export function pixelGraph(extra: Partial<Graph> = {}): Graph {
  const value = { dtype: 'i8', qparams } as const;
  return {
    name: 'pixels',
    values: [
      { ...value, name: 'x', shape: [BATCH, 2, 2, 1] },
      { ...value, name: 'y', shape: [BATCH, 4] },
    ],
    nodes: [{ op: 'flatten', name: 'flatten', inputs: [0], output: 1, attrs: {} }],
    inputs: [0],
    outputs: [1],
    parameters: new Map(),
    quantizers: new Map(),
    preprocessing: rawPixels(qparams),
    ...extra,
  };
}

export function pixelBundle(extra: Partial<Graph> = {}): Uint8Array {
  return writeBundle({ graph: pixelGraph(extra), golden: [] });
}
