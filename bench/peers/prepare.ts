import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { writeBundle } from '../../src/bundle/write.ts';
import { Rng } from '../../src/core/rng.ts';
import { sizeOf } from '../../src/core/shape.ts';
import type { Graph, ValueId } from '../../src/graph/graph.ts';
import { importTflite } from '../../src/interop/tflite/import.ts';
import { architectures } from './architectures.ts';
import type { Case } from './contender.ts';
import { randomImage } from './image.ts';
import { writeOnnx } from './writeOnnx.ts';
import { writeTflite } from './writeTflite.ts';

const SIZE = 224;
const SEED = 2;

/** Where the files of the networks go. */
const FOLDER = `${process.cwd()}/build/peers`;

/** Writes the network of this name, with random weights, in the formats of all runtimes, and an image. */
export function prepareNetwork(name: string): Case {
  const build = architectures[name];
  if (!build) {
    const names = Object.keys(architectures).join(', ');
    throw new RangeError(`bench: models must be among ${names}, got ${name}`);
  }
  console.error(`bench: writing ${name}`);
  const network = build(SIZE);
  const onnx = save(`${name}.onnx`, writeOnnx(network));
  const tflite = save(`${name}.tflite`, writeTflite(network));
  const one = prepareFile(tflite, name);
  return { ...one, files: { ...one.files, onnx } };
}

/** A .tflite file as a bundle too, and an input. */
export function prepareFile(tflite: string, name = basename(tflite, '.tflite')): Case {
  const onWarning = (message: string) => console.error(`bench: ${message}`);
  const graph = importTflite(new Uint8Array(readFileSync(tflite)), { name, onWarning });
  const { dtype, shape } = graph.values[graph.inputs[0]!]!;
  if (dtype !== 'u8' && dtype !== 'f32') {
    const expected = `input of ${name} must be u8 or f32, which LiteRT.js takes`;
    throw new RangeError(`bench: ${expected}, got ${dtype}`);
  }
  const extents = shape.map(Math.abs);
  const octavo = save(`${name}.octavo`, writeBundle({ graph, golden: [] }));
  return {
    ...{ name, files: { octavo, tflite }, shape: extents, dtype, unit: unitOf(graph) },
    input: save(`${name}.input`, randomInput(dtype, extents)),
  };
}

/** A square image where the shape is that of one, else noise. */
function randomInput(dtype: 'u8' | 'f32', shape: readonly number[]): Uint8Array {
  const rng = new Rng(SEED);
  const [, height = 1, width, channels] = shape;
  if (dtype === 'u8' && height === width && channels === 3) return randomImage(rng, height);
  const length = sizeOf(shape);
  if (dtype === 'u8') return Uint8Array.from({ length }, () => rng.below(256));
  return new Uint8Array(Float32Array.from({ length }, () => 2 * rng.uniform() - 1).buffer);
}

/** Of integers 1; of reals the scale that they were dequantized with. */
function unitOf({ nodes, values, outputs }: Graph): number {
  const output = outputs[0] as ValueId;
  if (values[output]!.dtype !== 'f32') return 1;
  const maker = nodes.find((node) => node.output === output);
  return values[maker?.inputs[0] ?? output]?.qparams?.scale[0] ?? 1;
}

function save(name: string, bytes: Uint8Array): string {
  const path = `${FOLDER}/${name}`;
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(path, bytes);
  return path;
}
