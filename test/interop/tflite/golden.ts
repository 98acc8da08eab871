import { readFileSync } from 'node:fs';
import { writeBundle } from '../../../src/bundle/write.ts';
import type { Graph } from '../../../src/graph/graph.ts';
import { importTflite } from '../../../src/interop/tflite/import.ts';
import { load } from '../../../src/runtime/load.ts';
import type { OutputData, Session } from '../../../src/runtime/session.ts';
import { dataPath } from '../../helpers/data.ts';

export function bytesOf(path: string): Uint8Array {
  return new Uint8Array(readFileSync(dataPath(path)));
}

export function signedBytesOf(path: string): Int8Array {
  return new Int8Array(bytesOf(path).buffer);
}

export function modelGraph(path: string): Graph {
  return importTflite(bytesOf(`models/${path}`));
}

/** A session of an imported model, by way of the bytes of its bundle. */
export async function sessionOf(path: string): Promise<Session> {
  return load(writeBundle({ graph: modelGraph(path), golden: [] }));
}

/** The outputs of a session for records laid end to end. */
export function outputsOf(session: Session, records: Uint8Array | Int8Array): OutputData[] {
  const size = session.inputs[0]!.shape.reduce((product, extent) => product * extent, 1);
  return Array.from({ length: records.length / size }, (_, i) => {
    const input = records.subarray(i * size, (i + 1) * size);
    return session.run({ input }, { copy: true })['output'] as OutputData;
  });
}

export interface Agreement {
  /** Positions where either side is not the most common value. */
  readonly compared: number;
  /** Part of them with equal integers. */
  readonly equal: number;
  /** The largest difference. */
  readonly worst: number;
}

/** Compares integers where they say something: most outputs of a classifier are the integer of probability 0. */
export function agreement(got: ArrayLike<number>, expected: ArrayLike<number>): Agreement {
  const common = mostCommon(expected);
  let [compared, equal, worst] = [0, 0, 0];
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(got[i]! - expected[i]!);
    worst = Math.max(worst, difference);
    if (got[i] === common && expected[i] === common) continue;
    compared++;
    if (difference === 0) equal++;
  }
  return { compared, equal: equal / compared, worst };
}

function mostCommon(values: ArrayLike<number>): number {
  const counts = new Map<number, number>();
  for (const value of Array.from(values)) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]![0];
}

/** Index of the first largest. */
export function argMax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

/** Windows of 5 frames of 128 from the sound of a machine: what the autoencoder takes. */
export function machineWindows(): Float32Array[] {
  const frames = new Float32Array(bytesOf('models/mlperf-tiny/ad01_sample_normal.f32').buffer);
  const count = frames.length / 128 - 4;
  return Array.from({ length: count }, (_, i) => frames.slice(i * 128, i * 128 + 640));
}

/** Mean over the elements. */
export function squaredError(a: Float32Array, b: ArrayLike<number>): number {
  return a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0) / a.length;
}
