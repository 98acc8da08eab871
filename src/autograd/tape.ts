import { internal } from '../core/errors.ts';
import type {
  Attrs,
  F32Rule,
  QatJoinRule,
  QatKeepRule,
  QatLinearRule,
  QatPickRule,
  QatRecurrentRule,
  QRef,
  Ref,
  Saved,
} from '../core/op.ts';
import { type Shape, sizeOf } from '../core/shape.ts';
import { isHandle, type Operand } from '../graph/dispatch.ts';
import type { Parameter, QuantizerSpec } from '../graph/graph.ts';
import { biasGradient } from '../ops/chunks.ts';
import {
  identity,
  type PointwiseGradients,
  pointwiseGradients,
  quantizePointwise,
} from '../ops/pointwise.ts';
import type { OpName } from '../ops/table.ts';
import type { StepContext } from './context.ts';
import { Gradients } from './gradients.ts';
import type { ParameterStore } from './parameters.ts';
import type { QuantizerRefs, QuantizerRule, QuantizerValues, RangeGradients } from './quantizer.ts';
import { f32Rule, qatRule } from './rules.ts';
import { type Origin, Tensor } from './tensor.ts';

interface Entry {
  readonly output: Tensor;
  /** What gets the gradients that `backward` gives, in order. */
  readonly inputs: readonly Tensor[];
  /** What the op was given, where the gradients go past some of it. */
  readonly reads?: readonly Tensor[];
  /** `own` says that nobody else reads dy: what becomes of it may take its place. */
  backward(dy: Ref, own: boolean): readonly (Ref | undefined)[];
}

export type Inspect = (
  output: Tensor,
  inputs: readonly Tensor[],
  gradients: readonly (Ref | undefined)[],
) => void;

/** Runs ops as they are called and remembers how to go back: reverse-mode differentiation over one step. */
export class Tape {
  readonly #entries: Entry[] = [];
  readonly #parameters = new Map<Parameter, Tensor>();

  constructor(
    readonly cx: StepContext,
    readonly store: ParameterStore,
    /** Parameters that no gradient is wanted for, though they are trainable. */
    readonly frozen: ReadonlySet<Parameter> = new Set(),
  ) {}

  input(ref: Ref): Tensor {
    return new Tensor(this, ref.shape, false, ref);
  }

  parameter(parameter: Parameter): Tensor {
    let tensor = this.#parameters.get(parameter);
    if (!tensor) {
      const ref = this.store.ref(parameter);
      const trained = parameter.trainable && !this.frozen.has(parameter);
      tensor = new Tensor(this, ref.shape, this.cx.training && trained, ref);
      this.#parameters.set(parameter, tensor);
    }
    return tensor;
  }

  /** Gradients by parameter, after `backward`. */
  *gradients(): Generator<[Parameter, Ref]> {
    for (const [parameter, { gradient }] of this.#parameters)
      if (gradient) yield [parameter, gradient];
  }

  apply(op: OpName, operands: readonly Operand[], attrs: Attrs): Tensor {
    const inputs = operands.map((operand) => this.#tensor(operand));
    const rule = qatRule(op);
    const [x, w] = inputs;
    if (rule?.kind === 'linear' && x!.quantized && w?.weights) {
      return this.#linear(rule, inputs, attrs);
    }
    if (rule?.kind === 'recurrent' && x!.quantized && w?.weights && inputs[2]?.weights) {
      return this.#recurrent(rule, inputs, attrs);
    }
    if (rule?.kind === 'keep' && x!.quantized) return this.#keep(rule, inputs, attrs);
    if (rule?.kind === 'pick' && w?.quantized) return this.#pick(rule, x!, w);
    if (rule?.kind === 'join' && inputs.every((input) => input.quantized)) {
      return this.#join(rule, inputs, attrs);
    }
    return this.#float(op, inputs, attrs);
  }

  #tensor(operand: Operand): Tensor {
    if (!isHandle(operand)) return this.parameter(operand);
    if (operand instanceof Tensor) return operand;
    throw internal('a symbolic tensor reached a tape');
  }

  /** What an op makes of `inputs`. */
  #made(inputs: readonly Tensor[], shape: Shape, ref: Ref | undefined, origin?: Origin): Tensor {
    const needsGradient = inputs.some((input) => input.needsGradient);
    return new Tensor(this, shape, needsGradient, ref, origin);
  }

  #record(entry: Entry): Tensor {
    if (entry.output.needsGradient) this.#entries.push(entry);
    return entry.output;
  }

  #float(op: OpName, inputs: readonly Tensor[], attrs: Attrs): Tensor {
    const rule = f32Rule(op);
    if (rule.defer) return this.#deferred(rule, inputs, attrs);
    const refs = inputs.map((input) => input.ref);
    const { output: y, extra } = rule.forward(this.cx, refs, attrs as never);
    const wants = inputs.map((input) => input.needsGradient);
    const saved: Saved = { inputs: refs, output: y, extra, wants };
    const alias = refs.some(({ ptr }) => ptr === y.ptr);
    return this.#record({
      output: this.#made(inputs, y.shape, y, { alias }),
      inputs,
      backward: (dy) => rule.backward(this.cx, dy, saved, attrs as never),
    });
  }

  /** Leaves y to its readers. If it takes up what x waits for, its gradient goes past x. */
  #deferred(rule: F32Rule<never>, inputs: readonly Tensor[], attrs: Attrs): Tensor {
    const [x, ...rest] = inputs as readonly [Tensor, ...Tensor[]];
    const refs = rest.map(({ ref }) => ref);
    const pending = rule.defer!(this.cx, x, refs, attrs as never);
    const taken = x.pending?.x === pending.x;
    const sources = taken ? x.origin.sources! : inputs;
    return this.#record({
      output: this.#made(inputs, pending.x.shape, undefined, { pending, sources }),
      inputs: sources,
      reads: inputs,
      backward: (dy, own) => gradientList(pointwiseGradients(this.cx, pending, dy, { own })),
    });
  }

  /** y = s_x·s_w[c]·acc + bias[c], the accumulator from the integer kernel. */
  #linear(rule: QatLinearRule<never>, inputs: readonly Tensor[], attrs: Attrs): Tensor {
    const [x, w, b] = inputs as [Tensor, Tensor, Tensor?];
    const { cx } = this;
    const { quantized, weights } = { quantized: x.quantized!, weights: w.weights! };
    const multiplier = weights.scale.map((scale) => scale * quantized.scale);
    const addend = b ? cx.f32(b.ref).slice() : new Float32Array(multiplier.length);
    const y = rule.forward(cx, quantized, weights.q, attrs as never, { multiplier, addend });
    return this.#record({
      output: this.#made(inputs, y.shape, y),
      inputs,
      backward: (dy) => [
        x.needsGradient
          ? rule.inputGradient(cx, dy, weights.dequantized, x.shape, attrs as never)
          : undefined,
        w.needsGradient ? rule.weightGradient(cx, dy, x.ref, w.shape, attrs as never) : undefined,
        b?.needsGradient ? biasGradient(cx, dy) : undefined,
      ],
    });
  }

  #recurrent(rule: QatRecurrentRule<never>, inputs: readonly Tensor[], attrs: Attrs): Tensor {
    const { cx } = this;
    const [x, w, u, b] = inputs as [Tensor, Tensor, Tensor, Tensor];
    const weights = [w.weights!, u.weights!] as const;
    const bias = cx.f32(b.ref).slice();
    const { output, extra } = rule.forward(cx, x.quantized!, weights, bias, attrs as never);
    const wants = inputs.map((input) => input.needsGradient);
    return this.#record({
      output: this.#made(inputs, output.shape, output),
      inputs,
      backward: (dy) => {
        const saved = { inputs: inputs.map(({ ref }) => ref), output, extra, wants };
        return rule.backward(cx, dy, saved, attrs as never);
      },
    });
  }

  #keep(rule: QatKeepRule<never>, inputs: readonly Tensor[], attrs: Attrs): Tensor {
    const [x, ...rest] = inputs as [Tensor, ...Tensor[]];
    const quantized = x.quantized!;
    const constants = rest.map(({ ref }) => ref);
    const q = rule.forward(this.cx, quantized, attrs as never, constants);
    return this.#record({
      output: this.#made([x], q.shape, undefined, {
        quantized: { ...quantized, q },
      }),
      inputs: [x],
      backward: (dy) => [rule.backward(this.cx, dy, quantized, q, attrs as never, constants)],
    });
  }

  /** Rows of a quantized table; indices have no gradient. */
  #pick(rule: QatPickRule, x: Tensor, table: Tensor): Tensor {
    const quantized = table.quantized!;
    const q = rule.forward(this.cx, x.ref, quantized);
    return this.#record({
      output: this.#made([table], q.shape, undefined, {
        quantized: { ...quantized, q },
      }),
      inputs: [x, table],
      backward: (dy) => [undefined, rule.backward(this.cx, dy, x.ref, table.shape)],
    });
  }

  #join(rule: QatJoinRule<never>, inputs: readonly Tensor[], attrs: Attrs): Tensor {
    const xs = inputs.map(({ quantized }) => quantized!);
    const [first] = xs as [QRef];
    const same = xs.every((x) => x.scale === first.scale && x.zeroPoint === first.zeroPoint);
    if (!same) throw internal('tensors side by side have different scales');
    const q = rule.forward(this.cx, xs, attrs as never);
    return this.#record({
      output: this.#made(inputs, q.shape, undefined, { quantized: { ...first, q } }),
      inputs,
      backward: (dy) => rule.backward(this.cx, dy, xs, attrs as never),
    });
  }

  /** Puts an activation through a quantizer: ops that have an integer form go on with its integers. */
  quantize(x: Tensor, spec: QuantizerSpec, rule: QuantizerRule): Tensor {
    const { cx } = this;
    const { parameters, refs } = this.#quantizerInputs(spec, rule);
    const range = rule.range(cx, refs, spec, x);
    const grid = { ...range, qmin: spec.qmin, qmax: spec.qmax };
    const pending = x.pending ?? identity(x.ref);
    const sources = x.origin.sources ?? [x];
    const quantized = { ...grid, q: quantizePointwise(cx, pending, grid) };
    const adjust = rule.adjustGradient && {
      adjust: (dx: Ref, y: Ref) => rule.adjustGradient!(cx, dx, y, range, spec),
    };
    const elements = sizeOf(x.shape.slice(1));
    return this.#record({
      output: this.#made([x, ...parameters], x.shape, undefined, { quantized }),
      inputs: [...sources, ...parameters],
      reads: [x, ...parameters],
      backward: (dy, own) => {
        const gradients = pointwiseGradients(cx, pending, dy, { grid, own, ...adjust });
        const step = { sums: gradients.range, range, elements, spec, refs };
        const learned = ordered(spec, rule.rangeGradients(cx, step));
        const list = gradientList(gradients);
        list.length = sources.length;
        return [
          ...list,
          ...learned.map((value) => (value === undefined ? value : scalar(cx, value))),
        ];
      },
    });
  }

  quantizeWeights(w: Tensor, spec: QuantizerSpec, rule: QuantizerRule): Tensor {
    const { parameters, refs } = this.#quantizerInputs(spec, rule);
    const weights = rule.quantizeWeights(this.cx, w.ref, refs, spec);
    return this.#record({
      output: this.#made([w, ...parameters], w.shape, undefined, { weights }),
      inputs: [w, ...parameters],
      backward: (dy) => {
        const { dx, ...learned } = rule.backwardWeights(this.cx, dy, w.ref, refs, spec);
        return [dx, ...ordered(spec, learned)];
      },
    });
  }

  /** The parameters of a quantizer in the order of `ordered`, its range brought up to date in training. */
  #quantizerInputs(
    spec: QuantizerSpec,
    rule: QuantizerRule,
  ): { parameters: Tensor[]; refs: QuantizerRefs } {
    const { cx } = this;
    const scale = this.parameter(spec.scale);
    const zeroPoint = spec.zeroPoint && this.parameter(spec.zeroPoint);
    const own = Object.entries(spec.own ?? {}).map(
      ([name, parameter]) => [name, this.parameter(parameter)] as const,
    );
    const refs: QuantizerRefs = {
      scale: scale.ref,
      ...(zeroPoint && { zeroPoint: zeroPoint.ref }),
      ...(spec.state && { state: this.parameter(spec.state).ref }),
      ...(spec.states && { states: spec.states.map((other) => this.parameter(other).ref) }),
      own: Object.fromEntries(own.map(([name, { ref }]) => [name, ref])),
    };
    if (cx.training) rule.derive?.(viewsOf(cx, refs), spec);
    const parameters = [scale, zeroPoint ?? [], own.map(([, tensor]) => tensor)].flat();
    return { parameters, refs };
  }

  /**
   * Leaves in every parameter that needs one the gradient of a scalar whose gradient for `output` is `dy`. `inspect` sees what
   * each op hands to its inputs. Values and gradients give their memory back once the op that made them has gone back.
   */
  backward(output: Tensor, dy: Ref, inspect?: Inspect): void {
    const gradients = new Gradients(this.cx);
    gradients.hand([output], [dy]);
    for (let i = this.#entries.length - 1; i >= 0; i--) {
      const { output, inputs, reads, backward } = this.#entries[i]!;
      const { gradient } = output;
      if (!gradient) continue;
      const made = backward(gradient, gradients.owns(gradient));
      inspect?.(output, reads ?? inputs, made);
      gradients.hand(inputs, made);
      gradients.release(output);
      output.recycle();
    }
  }
}

/** In the order of the inputs of batch normalization; a clamp has the first alone. */
function gradientList({ dx, dgamma, dbeta }: PointwiseGradients): (Ref | undefined)[] {
  return [dx, dgamma, dbeta];
}

/** Gradients of a quantizer's parameters in the order of its tensors: scale, zero point where there is one, its method's own. */
function ordered<T>(spec: QuantizerSpec, gradients: RangeGradients<T>): (T | undefined)[] {
  const own = Object.keys(spec.own ?? {}).map((name) => gradients.own?.[name]);
  return [gradients.scale, ...(spec.zeroPoint ? [gradients.zeroPoint] : []), ...own];
}

function viewsOf(cx: StepContext, { scale, zeroPoint, own }: QuantizerRefs): QuantizerValues {
  return {
    scale: cx.f32(scale),
    ...(zeroPoint && { zeroPoint: cx.f32(zeroPoint) }),
    own: Object.fromEntries(Object.entries(own).map(([name, ref]) => [name, cx.f32(ref)])),
  };
}

function scalar(cx: StepContext, value: number): Ref {
  const ref = cx.alloc([1]);
  cx.f32(ref)[0] = value;
  return ref;
}
