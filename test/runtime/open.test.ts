import { expect, test, vi } from 'vitest';
import { writeBundle } from '../../src/bundle/write.ts';
import { IntGraph } from './intGraph.ts';

/** The modules as a page has them that imports the runtime and nothing else. */
async function freshRuntime() {
  vi.resetModules();
  const { load } = await import('../../src/runtime.ts');
  const { knownOps } = await import('../../src/graph/integer/ops.ts');
  return { load, knownOps };
}

function bundleWith(build: (b: IntGraph) => number): Uint8Array {
  const b = new IntGraph(1);
  return writeBundle({ graph: b.build([build(b)]), golden: [] });
}

test('a runtime knows the common ops and learns others from a bundle that has them', async () => {
  const common = bundleWith((b) => b.conv2d(b.input([4, 4, 3]), [8, 1, 1]));
  const other = bundleWith((b) =>
    b.keep('transpose', [b.input([4, 5, 3])], { perm: [0, 2, 1, 3] }),
  );
  const { load, knownOps } = await freshRuntime();
  expect(knownOps()).not.toContain('transpose');
  await load(common);
  expect(knownOps()).not.toContain('transpose');
  const session = await load(other);
  expect(knownOps()).toContain('transpose');
  expect(session.outputs[0]!.shape).toEqual([1, 5, 4, 3]);
});
