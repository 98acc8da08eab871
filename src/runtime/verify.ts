import type { Golden } from '../bundle/bundle.ts';
import { readBundle } from '../bundle/read.ts';
import { checkOptions } from '../core/errors.ts';
import { sampleSize } from '../core/shape.ts';
import type { Graph } from '../graph/graph.ts';
import type { WasmSource } from '../wasm/instantiate.ts';
import { runLayers } from './layers.ts';
import { toBytes } from './load.ts';
import { moduleFrom } from './module.ts';
import { makePlan } from './plan.ts';
import { interpret } from './reference/interpret.ts';

export interface VerifyOptions {
  readonly wasm?: WasmSource;
  /** Also run the plain interpreter and compare the integers of every layer. */
  readonly reference?: boolean;
}

/** One integer that differs. `index` counts in the vector's tensor, samples included. */
export interface Mismatch {
  readonly vector: number;
  /** Name of the graph value. */
  readonly value: string;
  readonly index: number;
  readonly got: number;
  readonly expected: number;
}

export interface Comparison {
  /** Integers compared. */
  readonly compared: number;
  /** Integers that differ. */
  readonly mismatching: number;
  /** The first hundred of them. */
  readonly mismatches: readonly Mismatch[];
}

export interface VerifyReport extends Comparison {
  /** Golden vectors replayed. */
  readonly vectors: number;
  /** The runtime against the interpreter, in every layer; with `reference`. */
  readonly reference?: Comparison;
}

/**
 * Replays a bundle's golden vectors on this host and compares the integers of the outputs. Throws as `load` does when
 * the bundle cannot be read.
 */
export async function verify(
  bytes: Uint8Array | ArrayBuffer,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  checkOptions('verify', options, ['wasm', 'reference']);
  const { graph, golden } = readBundle(toBytes(bytes));
  const module = await moduleFrom(options.wasm);
  const outputs = new Tally();
  const layers = new Tally();
  golden.forEach((vector, i) => {
    const batch = vector.input.length / sampleSize(graph.values[graph.inputs[0]!]!.shape);
    const input = vector.input as Int8Array;
    const got = runLayers(makePlan(graph, module, batch), input);
    outputs.add(i, got, expectedOutputs(graph, vector));
    if (options.reference) layers.add(i, got, interpret(graph, input, batch));
  });
  const report = { vectors: golden.length, ...outputs.result() };
  return options.reference ? { ...report, reference: layers.result() } : report;
}

function expectedOutputs(graph: Graph, { outputs }: Golden): Map<string, Int8Array> {
  return new Map(graph.outputs.map((id, i) => [graph.values[id]!.name, outputs[i] as Int8Array]));
}

const KEPT = 100;

class Tally {
  #compared = 0;
  #mismatching = 0;
  readonly #mismatches: Mismatch[] = [];

  /** Compares the tensors that `expected` names. */
  add(
    vector: number,
    got: ReadonlyMap<string, Int8Array>,
    expected: ReadonlyMap<string, Int8Array>,
  ): void {
    for (const [value, tensor] of expected) {
      const other = got.get(value)!;
      this.#compared += tensor.length;
      for (let index = 0; index < tensor.length; index++) {
        if (other[index] === tensor[index]) continue;
        this.#mismatching++;
        if (this.#mismatches.length === KEPT) continue;
        const pair = { got: other[index]!, expected: tensor[index]! };
        this.#mismatches.push({ vector, value, index, ...pair });
      }
    }
  }

  result(): Comparison {
    const mismatches = this.#mismatches;
    return { compared: this.#compared, mismatching: this.#mismatching, mismatches };
  }
}
