import { internal } from '../core/errors.ts';
import type {
  Attrs,
  QatJoinRule,
  QatKeepRule,
  QatLinearRule,
  QatPickRule,
  QatRecurrentRule,
  QRef,
  QWeights,
  Ref,
  Saved,
} from '../core/op.ts';
import { type Shape, sizeOf } from '../core/shape.ts';
import { type Handle, isHandle, type Operand } from '../graph/dispatch.ts';
import type { Parameter, QuantizerSpec } from '../graph/graph.ts';
import { biasGradient } from '../ops/chunks.ts';
import type { OpName } from '../ops/table.ts';
import type { StepContext } from './context.ts';
import type { ParameterStore } from './parameters.ts';
import type { QuantizerRefs, QuantizerRule } from './quantizer.ts';
import { f32Rule, qatRule } from './rules.ts';

/** A value on a tape. It lives until its step ends. */
export class Tensor implements Handle {
  /** Gradient of the loss, set by `Tape.backward`. */
  gradient: Ref | undefined;
  #ref: Ref | undefined;

  constructor(
    readonly tape: Tape,
    readonly shape: Shape,
    readonly needsGradient: boolean,
    ref: Ref | undefined,
    /** Set when it came out of an activation quantizer. */
    readonly quantized?: QRef,
    /** Set when it came out of a weight quantizer. */
    readonly weights?: QWeights,
  ) {
    this.#ref = ref ?? weights?.dequantized;
  }

  /** f32 values; those of a quantized tensor are computed when first asked for. */
  get ref(): Ref {
    this.#ref ??= this.tape.dequantize(this.quantized!);
    return this.#ref;
  }

  apply(op: OpName, inputs: readonly Operand[], attrs: Attrs): Tensor {
    return this.tape.apply(op, inputs, attrs);
  }
}

interface Entry {
  readonly output: Tensor;
  readonly inputs: readonly Tensor[];
  backward(dy: Ref): readonly (Ref | undefined)[];
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

  #record(entry: Entry): Tensor {
    if (entry.output.needsGradient) this.#entries.push(entry);
    return entry.output;
  }

  #float(op: OpName, inputs: readonly Tensor[], attrs: Attrs): Tensor {
    const rule = f32Rule(op);
    const refs = inputs.map((input) => input.ref);
    const { output: y, extra } = rule.forward(this.cx, refs, attrs as never);
    const wants = inputs.map((input) => input.needsGradient);
    const saved: Saved = { inputs: refs, output: y, extra, wants };
    return this.#record({
      output: new Tensor(this, y.shape, wants.includes(true), y),
      inputs,
      backward: (dy) => rule.backward(this.cx, dy, saved, attrs as never),
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
      output: new Tensor(
        this,
        y.shape,
        inputs.some((input) => input.needsGradient),
        y,
      ),
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
      output: new Tensor(this, output.shape, wants.includes(true), output),
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
      output: new Tensor(this, q.shape, x.needsGradient, undefined, { ...quantized, q }),
      inputs: [x],
      backward: (dy) => [rule.backward(this.cx, dy, quantized, q, attrs as never, constants)],
    });
  }

  /** Rows of a quantized table; indices have no gradient. */
  #pick(rule: QatPickRule, x: Tensor, table: Tensor): Tensor {
    const quantized = table.quantized!;
    const q = rule.forward(this.cx, x.ref, quantized);
    return this.#record({
      output: new Tensor(this, q.shape, table.needsGradient, undefined, { ...quantized, q }),
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
    const needsGradient = inputs.some((input) => input.needsGradient);
    return this.#record({
      output: new Tensor(this, q.shape, needsGradient, undefined, { ...first, q }),
      inputs,
      backward: (dy) => rule.backward(this.cx, dy, xs, attrs as never),
    });
  }

  /** Puts an activation through a quantizer: ops that have an integer form go on with its integers. */
  quantize(x: Tensor, spec: QuantizerSpec, rule: QuantizerRule): Tensor {
    const { inputs, refs } = this.#quantizerInputs(x, spec);
    const quantized = rule.quantize(this.cx, x.ref, refs, spec);
    return this.#record({
      output: new Tensor(
        this,
        x.shape,
        inputs.some((input) => input.needsGradient),
        undefined,
        quantized,
      ),
      inputs,
      backward: (dy) => {
        const { dx, dscale, dzeroPoint } = rule.backward(this.cx, dy, x.ref, quantized, refs, spec);
        return [dx, dscale, dzeroPoint];
      },
    });
  }

  quantizeWeights(w: Tensor, spec: QuantizerSpec, rule: QuantizerRule): Tensor {
    const { inputs, refs } = this.#quantizerInputs(w, spec);
    const weights = rule.quantizeWeights(this.cx, w.ref, refs, spec);
    const needsGradient = inputs.some((input) => input.needsGradient);
    return this.#record({
      output: new Tensor(this, w.shape, needsGradient, undefined, undefined, weights),
      inputs,
      backward: (dy) => {
        const { dx, dscale } = rule.backwardWeights(this.cx, dy, w.ref, refs, spec);
        return [dx, dscale];
      },
    });
  }

  #quantizerInputs(x: Tensor, spec: QuantizerSpec): { inputs: Tensor[]; refs: QuantizerRefs } {
    const scale = this.parameter(spec.scale);
    const zeroPoint = spec.zeroPoint && this.parameter(spec.zeroPoint);
    const state = spec.state && this.parameter(spec.state);
    const states = spec.states?.map((other) => this.parameter(other).ref);
    const refs = {
      scale: scale.ref,
      ...(zeroPoint && { zeroPoint: zeroPoint.ref }),
      ...(state && { state: state.ref }),
      ...(states && { states }),
    };
    return { inputs: [x, scale, ...(zeroPoint ? [zeroPoint] : [])], refs };
  }

  dequantize({ q, scale, zeroPoint, qmin, qmax }: QRef): Ref {
    const { cx } = this;
    const y = cx.alloc(q.shape);
    const inverseScale = Math.fround(1 / scale);
    const params = cx.struct('QuantizeParams', { scale, inverseScale, zeroPoint, qmin, qmax });
    cx.kernels.qs8_f32_vdequantize(sizeOf(q.shape), q.ptr, y.ptr, params);
    return y;
  }

  /**
   * Leaves in every tensor that needs one the gradient of a scalar whose gradient for `output` is `dy`. `inspect` sees what
   * each op hands to its inputs.
   */
  backward(output: Tensor, dy: Ref, inspect?: Inspect): void {
    output.gradient = dy;
    for (let i = this.#entries.length - 1; i >= 0; i--) {
      const { output, inputs, backward } = this.#entries[i]!;
      if (!output.gradient) continue;
      const gradients = backward(output.gradient);
      inspect?.(output, inputs, gradients);
      inputs.forEach((input, j) => {
        const gradient = gradients[j];
        if (gradient && input.needsGradient) this.#accumulate(input, gradient);
      });
    }
  }

  /** A first gradient may be another tensor's too (add hands dy to both sides), so a sum gets memory of its own. */
  #accumulate(tensor: Tensor, gradient: Ref): void {
    if (!tensor.gradient) {
      tensor.gradient = gradient;
      return;
    }
    const sum = this.cx.alloc(tensor.shape);
    this.cx.kernels.f32_vadd(sizeOf(sum.shape), tensor.gradient.ptr, gradient.ptr, sum.ptr);
    tensor.gradient = sum;
  }
}
