import type { Golden } from '../bundle/bundle.ts';
import type { Elements } from '../core/dtype.ts';
import { checkOptions } from '../core/errors.ts';
import { elementsPerSample } from '../core/shape.ts';
import type { Graph, ValueId } from '../graph/graph.ts';
import type { WasmSource } from '../wasm/instantiate.ts';
import { runLayers } from './layers.ts';
import { moduleFrom } from './module.ts';
import { openBundle } from './open.ts';
import { makePlan } from './plan.ts';
import { interpret } from './reference/interpret.ts';

export interface VerifyOptions {
  readonly wasm?: WasmSource;
  /** Also run the plain interpreter and compare the integers of every layer. */
  readonly reference?: boolean;
}

/** One integer that differs: number `index` of a value in one sample of a vector. */
export interface Mismatch {
  readonly vector: number;
  readonly sample: number;
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
  const { bundle, inlined } = await openBundle(bytes);
  const { graph, golden } = bundle;
  const module = await moduleFrom(options.wasm, inlined);
  // One sample at a time, so that one plan serves vectors of any length.
  const plan = makePlan(graph, module);
  const outputs = new Tally();
  const layers = new Tally();
  golden.forEach((vector, i) => {
    for (let sample = 0; sample < samplesIn(graph, vector); sample++) {
      const input = sampleOf(graph, graph.inputs[0]!, vector.input, sample);
      const got = runLayers(plan, input);
      outputs.add(i, sample, got, expectedOutputs(graph, vector, sample));
      if (options.reference) layers.add(i, sample, got, interpret(graph, input));
    }
  });
  const report = { vectors: golden.length, ...outputs.result() };
  return options.reference ? { ...report, reference: layers.result() } : report;
}

function samplesIn(graph: Graph, { input }: Golden): number {
  return input.length / elementsPerSample(graph.values[graph.inputs[0]!]!.shape);
}

function sampleOf(graph: Graph, id: ValueId, data: Elements, sample: number): Elements {
  const size = elementsPerSample(graph.values[id]!.shape);
  return data.subarray(sample * size, (sample + 1) * size);
}

function expectedOutputs(graph: Graph, { outputs }: Golden, sample: number) {
  const named = graph.outputs.map((id, i) => {
    return [graph.values[id]!.name, sampleOf(graph, id, outputs[i]!, sample)] as const;
  });
  return new Map(named);
}

const KEPT = 100;

class Tally {
  #compared = 0;
  #mismatching = 0;
  readonly #mismatches: Mismatch[] = [];

  /** Compares the tensors that `expected` names. */
  add(
    vector: number,
    sample: number,
    got: ReadonlyMap<string, Elements>,
    expected: ReadonlyMap<string, Elements>,
  ): void {
    for (const [value, tensor] of expected) {
      const other = got.get(value)!;
      this.#compared += tensor.length;
      for (let index = 0; index < tensor.length; index++) {
        if (other[index] === tensor[index]) continue;
        this.#mismatching++;
        if (this.#mismatches.length === KEPT) continue;
        const pair = { got: other[index]!, expected: tensor[index]! };
        this.#mismatches.push({ vector, sample, value, index, ...pair });
      }
    }
  }

  result(): Comparison {
    const mismatches = this.#mismatches;
    return { compared: this.#compared, mismatching: this.#mismatching, mismatches };
  }
}
