import type { InferKernels, TrainKernels } from '../src/core/kernels.ts';
import { attentionF32Cases } from './attentionKernels.ts';
import {
  ceilingCase,
  clockCase,
  copyCase,
  dotAddPerCycle,
  f32CeilingCase,
  LEAST_DOT_ADD_PER_CYCLE,
} from './ceiling.ts';
import { f32ElementwiseCases } from './f32Elementwise.ts';
import { f32ProductCases } from './f32Kernels.ts';
import { f32StridedCases } from './f32StridedKernels.ts';
import { f32VectorCases } from './f32Vectors.ts';
import {
  type Case,
  cpuName,
  hostName,
  measure,
  type Report,
  type Row,
  rounded,
  rowOf,
} from './harness.ts';
import { int8Cases } from './int8Kernels.ts';
import { type Cases, createRig, type Rig } from './rig.ts';

/** Every kernel has a line: the compiler asks for it. */
const table: Record<keyof (InferKernels & TrainKernels), Cases> = {
  ...int8Cases,
  ...f32ProductCases,
  ...f32StridedCases,
  ...f32VectorCases,
  ...f32ElementwiseCases,
  ...attentionF32Cases,
};

function allCases(rig: Rig): Case[] {
  return Object.entries(table).flatMap(([kernel, cases]) => {
    const made = cases(rig).map((c) => ({ ...c, kernel }));
    if (made.length === 0) throw new Error(`bench: ${kernel} has no case`);
    return made;
  });
}

type Loop = 'ceiling' | 'f32 ceiling' | 'copy';

/** The loop that a kernel is held against: of its own arithmetic, or a copy where memory is the limit. */
function loopFor({ kernel, unit }: Case): Loop {
  if (unit === 'GB/s') return 'copy';
  return kernel?.startsWith('f32_') ? 'f32 ceiling' : 'ceiling';
}

export interface KernelOptions {
  readonly rounds: number;
  /** Only cases whose name or kernel contains this. */
  readonly only: string;
}

/** Every kernel against a loop of the same run: ratio = best rate / best rate of the loop. */
export function run({ rounds, only }: KernelOptions): Report {
  const rig = createRig();
  const { heap } = rig;
  const loops = [ceilingCase(heap), clockCase(heap), f32CeilingCase(heap), copyCase(heap)];
  const cases = allCases(rig).filter((c) => `${c.name}\n${c.kernel}`.includes(only));
  const rates = measure([...loops, ...cases], { rounds, slice: 1 });
  const [ceiling, clock, f32Ceiling, copy] = rates.map((of) => Math.max(...of)) as number[];
  const best: Record<Loop, number> = { ceiling: ceiling!, 'f32 ceiling': f32Ceiling!, copy: copy! };
  const perCycle = dotAddPerCycle(ceiling!, clock!);
  const rows: Row[] = [
    ...loops.map((c, i) => rowOf(c, rates[i]!)),
    rowOf({ name: 'ceiling: dot + add', unit: 'per cycle' }, [perCycle]),
    ...cases.map((c, i) => {
      const against = loopFor(c);
      return rowOf(c, rates[loops.length + i]!, { rate: best[against], against });
    }),
  ];
  const invalid = `the ceiling loop reached ${rounded(perCycle)} dot + add per cycle, below ${LEAST_DOT_ADD_PER_CYCLE}`;
  return {
    suite: 'kernels',
    host: hostName(),
    cpu: cpuName(),
    ...(perCycle < LEAST_DOT_ADD_PER_CYCLE ? { invalid } : {}),
    rows,
  };
}
