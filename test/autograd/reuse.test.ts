import { expect, test } from 'vitest';
import { StepContext } from '../../src/autograd/context.ts';
import { withDevice } from '../../src/autograd/device.ts';
import { execute } from '../../src/autograd/execute.ts';
import { ParameterStore } from '../../src/autograd/parameters.ts';
import { Tape } from '../../src/autograd/tape.ts';
import { Rng } from '../../src/core/rng.ts';
import { type Shape, sizeOf } from '../../src/core/shape.ts';
import { withoutDropout } from '../../src/graph/passes/withoutDropout.ts';
import type { Module } from '../../src/nn/module.ts';
import { calibrate } from '../../src/quant/calibrate.ts';
import { quantizerRules } from '../../src/quant/methods.ts';
import { prepare } from '../../src/quant/prepare.ts';
import { resolveScheme } from '../../src/quant/scheme.ts';
import { networks, SAMPLE } from '../quant/networks.ts';

const SEED = 29;
const BATCH = 16;

/** A step whose memory nobody takes twice. */
class Wasteful extends StepContext {
  override recycle(): void {}
}

function noise(shape: Shape): Float32Array {
  const rng = new Rng(SEED);
  return Float32Array.from({ length: sizeOf(shape) }, () => 2 * rng.uniform() - 1);
}

/** Gradients of all parameters for one batch, by name. */
async function gradients(net: Module, quantized: boolean, Context: typeof StepContext) {
  const float = net.build(SAMPLE);
  const graph = quantized ? prepare(withoutDropout(float), resolveScheme('test')) : float;
  if (quantized) await calibrate(graph, [{ x: noise([BATCH, ...SAMPLE]), size: BATCH }]);
  return withDevice(async (device) => {
    const cx = new Context(device, true, new Rng(SEED));
    const tape = new Tape(cx, new ParameterStore(device, graph));
    const draw = (shape: Shape) => {
      const ref = cx.alloc(shape);
      cx.f32(ref).set(noise(shape));
      return ref;
    };
    const quantizers = quantized ? quantizerRules : undefined;
    const [y] = execute(tape, graph, [draw([BATCH, ...SAMPLE])], { quantizers });
    tape.backward(y!, draw(y!.shape));
    const found = [...tape.gradients()].map(([{ name }, ref]) => [name, [...cx.f32(ref)]] as const);
    const top = device.mark();
    cx.end();
    return { found, top };
  });
}

const cases = Object.entries(networks).flatMap(([name, make]) =>
  [false, true].map((quantized) => ({ name, make: make(), quantized })),
);

let saved = 0;

test.each(cases)(
  'memory that is used again changes no gradient: $name, quantized: $quantized',
  async ({ make, quantized }) => {
    const wasteful = await gradients(make(SEED), quantized, Wasteful);
    const frugal = await gradients(make(SEED), quantized, StepContext);
    expect(frugal.found).toEqual(wasteful.found);
    expect(frugal.found.length).toBeGreaterThan(0);
    saved += wasteful.top - frugal.top;
  },
);

test('it is used again', () => {
  expect(saved).toBeGreaterThan(0);
});
