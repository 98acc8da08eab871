import { StepContext } from '../../src/autograd/context.ts';
import { withDevice } from '../../src/autograd/device.ts';
import { ParameterStore } from '../../src/autograd/parameters.ts';
import { Tape } from '../../src/autograd/tape.ts';
import type { Tensor } from '../../src/autograd/tensor.ts';
import type { Ref } from '../../src/core/op.ts';
import { type Shape, sizeOf } from '../../src/core/shape.ts';
import type { Graph, Parameter } from '../../src/graph/graph.ts';

export interface Eager {
  readonly cx: StepContext;
  readonly tape: Tape;
  /** A constant on the tape. */
  constant(shape: Shape, values: ArrayLike<number>): Tensor;
  ref(shape: Shape, values: ArrayLike<number>): Ref;
  /** Copies a tensor's f32 values. */
  read(tensor: { readonly ref: Ref }): number[];
  gradientOf(parameter: Parameter): number[] | undefined;
}

/** Parameters that only a test knows, as a graph that holds them. */
export function graphOf(parameters: readonly Parameter[]): Graph {
  return {
    name: 'parameters',
    values: [],
    nodes: [],
    inputs: [],
    outputs: [],
    parameters: new Map(parameters.map((parameter, i) => [i, parameter])),
    quantizers: new Map(),
  };
}

export function parameterOf(name: string, shape: Shape, values: ArrayLike<number>): Parameter {
  return { name, shape, trainable: true, decay: false, data: Float32Array.from(values) };
}

/** One step on a tape over the parameters of `graph`. */
export function withTape<T>(graph: Graph, work: (eager: Eager) => T, training = true): Promise<T> {
  return withDevice(async (device) => {
    const store = new ParameterStore(device, graph);
    const cx = new StepContext(device, training);
    const tape = new Tape(cx, store);
    const ref = (shape: Shape, values: ArrayLike<number>) => {
      const made = cx.alloc(shape);
      if (values.length !== sizeOf(shape))
        throw new Error(`${values.length} values for [${shape}]`);
      cx.f32(made).set(values);
      return made;
    };
    const result = work({
      cx,
      tape,
      ref,
      constant: (shape, values) => tape.input(ref(shape, values)),
      read: (tensor) => [...cx.f32(tensor.ref)],
      gradientOf(parameter) {
        const found = [...tape.gradients()].find(([known]) => known === parameter);
        return found && [...cx.f32(found[1])];
      },
    });
    cx.end();
    return result;
  });
}
