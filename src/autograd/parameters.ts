import type { Ref } from '../core/op.ts';
import { type Graph, type Parameter, parametersOf } from '../graph/graph.ts';
import type { Device } from './device.ts';

/** The f32 parameters of a graph in wasm memory, for as long as a run lasts. */
export class ParameterStore {
  readonly #refs = new Map<Parameter, Ref>();

  constructor(
    readonly device: Device,
    graph: Graph,
  ) {
    for (const parameter of parametersOf(graph))
      this.#refs.set(parameter, device.tensor(parameter.shape));
    this.upload();
  }

  ref(parameter: Parameter): Ref {
    return this.#refs.get(parameter)!;
  }

  /** From the parameters' arrays to wasm. */
  upload(): void {
    for (const [parameter, ref] of this.#refs) this.device.view(ref, 'f32').set(parameter.data);
  }

  /** From wasm back to the parameters' arrays, in place. */
  download(): void {
    for (const [parameter, ref] of this.#refs) parameter.data.set(this.device.view(ref, 'f32'));
  }
}
