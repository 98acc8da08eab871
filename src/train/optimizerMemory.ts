import type { Elements } from '../core/dtype.ts';
import { rangeError } from '../core/errors.ts';
import type { Graph } from '../graph/graph.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import { namedParameters } from './weights.ts';

/** The numbers in an optimizer's memory. */
export function numbersOf({ memory }: Optimizer): Record<string, number> {
  const entries = Object.entries(memory).filter(([, value]) => typeof value === 'number');
  return Object.fromEntries(entries);
}

/** Its slots as `I/NAME`. */
export function slotsOf({ memory }: Optimizer, graph: Graph): Map<string, Elements> {
  const slots = new Map<string, Elements>();
  for (const [name, parameter] of namedParameters(graph)) {
    memory.slots.get(parameter)?.forEach((data, i) => {
      slots.set(`${i}/${name}`, data);
    });
  }
  return slots;
}

/** Of the rule, and the weights that averaging keeps beside the averages. */
export function slotsPerParameter({ slots, averaging }: Optimizer): number {
  return averaging ? slots + 1 : slots;
}

/** Throws a RangeError unless each parameter that is trained has all its slots. */
export function checkSlots(
  where: string,
  optimizer: Optimizer,
  graph: Graph,
  slots: ReadonlyMap<string, Elements>,
): void {
  for (const [name, { trainable, data }] of namedParameters(graph)) {
    for (let i = 0; trainable && i < slotsPerParameter(optimizer); i++) {
      const slot = slots.get(`${i}/${name}`);
      if (slot instanceof Float32Array && slot.length === data.length) continue;
      const expected = `${data.length} values in slot ${i} of ${name}`;
      throw rangeError(where, expected, slot ? slot.length : 'none');
    }
  }
}

/** Gives the optimizer what `numbersOf` and `slotsOf` took. */
export function restoreMemory(
  { memory }: Optimizer,
  graph: Graph,
  numbers: Readonly<Record<string, number>>,
  slots: ReadonlyMap<string, Elements>,
): void {
  const known = Object.keys(numbersOf({ memory } as Optimizer));
  Object.assign(memory, Object.fromEntries(known.map((key) => [key, numbers[key]])));
  for (const [name, parameter] of namedParameters(graph)) {
    const copies: Float32Array[] = [];
    for (let i = 0; slots.has(`${i}/${name}`); i++) {
      copies.push(Float32Array.from(slots.get(`${i}/${name}`)!));
    }
    if (copies.length > 0) memory.slots.set(parameter, copies);
    else memory.slots.delete(parameter);
  }
}
