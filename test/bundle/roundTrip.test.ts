import { describe, expect, test } from 'vitest';
import { readBundle } from '../../src/bundle/read.ts';
import { writeBundle } from '../../src/bundle/write.ts';
import { decode } from '../../src/core/safetensors.ts';
import { tinyBundle } from './tinyBundle.ts';

describe('a bundle that is written and read', () => {
  test('is the same', () => {
    const bundle = tinyBundle();
    expect(readBundle(writeBundle(bundle))).toEqual(bundle);
  });

  test('gives the same bytes, twice and again', () => {
    const bytes = writeBundle(tinyBundle());
    expect(writeBundle(tinyBundle())).toEqual(bytes);
    expect(writeBundle(readBundle(bytes))).toEqual(bytes);
  });

  test('gives the same bytes whatever the order of keys and parameters', () => {
    const bundle = tinyBundle();
    const { graph } = bundle;
    const nodes = graph.nodes.map((node) => {
      const attrs = Object.fromEntries(Object.entries(node.attrs).reverse());
      return { ...node, attrs };
    });
    const parameters = new Map([...graph.parameters].reverse());
    const provenance = Object.fromEntries(Object.entries(bundle.provenance!).reverse());
    const shuffled = { ...bundle, provenance, graph: { ...graph, nodes, parameters } };
    expect(writeBundle(shuffled)).toEqual(writeBundle(bundle));
  });

  test('is the same from an unaligned address', () => {
    const bytes = writeBundle(tinyBundle());
    for (let shift = 1; shift < 8; shift++) {
      const moved = new Uint8Array(bytes.length + shift).subarray(shift);
      moved.set(bytes);
      expect(readBundle(moved)).toEqual(tinyBundle());
    }
  });

  test('hands out views, not copies, of an aligned file', () => {
    const bytes = writeBundle(tinyBundle());
    for (const { data } of readBundle(bytes).graph.parameters.values()) {
      expect(data.buffer).toBe(bytes.buffer);
    }
  });

  test('needs no labels, preprocessing, provenance, license or golden vectors', () => {
    const { preprocessing, labels, ...graph } = tinyBundle().graph;
    expect(preprocessing && labels).toBeDefined();
    const read = readBundle(writeBundle({ graph, golden: [] }));
    expect(read).toEqual({ graph, golden: [], provenance: {} });
  });

  test('keeps names that mean something to JavaScript objects', () => {
    const bundle = tinyBundle();
    const provenance = JSON.parse('{"__proto__":"x","constructor":1}');
    const read = readBundle(writeBundle({ ...bundle, provenance }));
    expect(Object.entries(read.provenance!)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 1],
    ]);
    expect(Object.getPrototypeOf(read.provenance)).toBe(Object.prototype);
  });
});

test('any safetensors reader finds weights and scales', () => {
  const { tensors } = decode(writeBundle(tinyBundle()));
  expect(tensors.get('c/kernel')).toMatchObject({ dtype: 'i8', shape: [3, 3, 3, 2] });
  const scale = Float32Array.of(0.01, 0.02, 0.03);
  expect(tensors.get('c/kernel/scale')).toMatchObject({ dtype: 'f32', shape: [3], data: scale });
  expect(tensors.get('golden/0/input')).toMatchObject({ shape: [2, 6, 6, 2] });
  expect(tensors.get('golden/1/output/1')).toMatchObject({ shape: [1, 3] });
});
