import { describe, expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { runLayers } from '../../src/runtime/layers.ts';
import { makePlan, type Plan } from '../../src/runtime/plan.ts';
import { moduleOf } from '../helpers/memory.ts';
import { IntGraph, randomInputs, smallNetwork } from './intGraph.ts';

const graph = smallNetwork();
const planOf = (batch = 1) => makePlan(graph, moduleOf('infer'), { batch });

/** Constant memory, and what follows the arena, as they are now. */
function untouchable({ memory, bytes }: Plan): Uint8Array[] {
  const all = new Uint8Array(memory.buffer);
  const arena = Math.ceil((64 + bytes.constants + 64) / 64) * 64;
  return [all.slice(0, arena), all.slice(arena + bytes.arena)];
}

describe('plan', () => {
  test('values share the arena: it is far smaller than their sum', () => {
    const { activations, bytes } = planOf(64);
    const sum = [...activations.values()].reduce((total, { size }) => total + size, 0);
    expect(bytes.arena).toBeLessThan(sum);
  });

  test('what a node reads never overlaps what it writes', () => {
    const { activations } = planOf(3);
    for (const { inputs, output } of graph.nodes) {
      const y = activations.get(output)!;
      for (const id of inputs) {
        const x = activations.get(id);
        if (!x || x.root === y.root) continue;
        expect(x.ptr + x.size <= y.ptr || y.ptr + y.size <= x.ptr).toBe(true);
      }
    }
  });

  test('flatten has no step and the address of its input', () => {
    const plan = planOf();
    const i = graph.nodes.findIndex(({ op }) => op === 'flatten');
    const { inputs, output } = graph.nodes[i]!;
    expect(plan.nodes[i]).toEqual([]);
    expect(plan.activations.get(output)!.ptr).toBe(plan.activations.get(inputs[0]!)!.ptr);
  });

  test('a flattened value lives as long as its last reader', () => {
    const b = new IntGraph(2);
    const x = b.input([4, 4, 2]);
    const sum = b.add(x, x);
    const flat = b.flatten(sum);
    const big = b.conv2d(b.conv2d(sum, [16, 1, 1]), [16, 1, 1]);
    const late = b.build([flat, b.flatten(big)]);
    const plan = makePlan(late, moduleOf('infer'));
    const layers = runLayers(plan, randomInputs(late, 1, new Rng(1)));
    const { ptr, size } = plan.activations.get(flat)!;
    expect(new Int8Array(plan.memory.buffer, ptr, size)).toEqual(layers.get('add_0'));
  });

  test('runs write nothing but the arena, and memory keeps its size', () => {
    const plan = planOf(3);
    const { buffer } = plan.memory;
    const before = untouchable(plan);
    for (let i = 0; i < 20; i++) runLayers(plan, randomInputs(graph, 3, new Rng(i)));
    expect(untouchable(plan)).toEqual(before);
    expect(plan.memory.buffer).toBe(buffer);
    expect(() => plan.memory.grow(1)).toThrow(RangeError);
  });
});
