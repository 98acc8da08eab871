import {
  checkFlag,
  checkNumber,
  checkOptions,
  kindOf,
  rangeError,
  typeError,
} from '../core/errors.ts';
import type { Parameter } from '../graph/graph.ts';

/** Parameters that are trained with options of their own. A parameter belongs to the first group that matches it. */
export interface ParameterGroup {
  /** A pattern found in the parameter's name, as /^conv2d/, or a function that says whether it belongs to the group. */
  readonly match: RegExp | ((name: string, parameter: Parameter) => boolean);
  /** Factor on the learning rate; 1 unless given. */
  readonly learningRateMultiplier?: number;
  /** In place of the optimizer's weightDecay, still of kernels only. */
  readonly weightDecay?: number;
  /** True: not trained, and no gradient is computed that only these parameters would need. Running statistics still move. */
  readonly frozen?: boolean;
}

const OPTIONS = ['match', 'learningRateMultiplier', 'weightDecay', 'frozen'];

/** Throws a RangeError or TypeError unless `groups` is a list of groups. */
export function checkGroups(where: string, groups: readonly ParameterGroup[]): void {
  if (!Array.isArray(groups)) throw typeError(where, 'groups must be an array', kindOf(groups));
  groups.forEach((group: ParameterGroup, i) => {
    const place = `${where}: groups[${i}]`;
    checkOptions(place, group, OPTIONS);
    const { match, learningRateMultiplier = 1, weightDecay = 0, frozen = false } = group;
    if (!(match instanceof RegExp || typeof match === 'function')) {
      throw typeError(place, 'match must be a RegExp or a function', kindOf(match));
    }
    checkNumber(place, 'learningRateMultiplier', learningRateMultiplier, 0);
    checkNumber(place, 'weightDecay', weightDecay, 0);
    checkFlag(place, 'frozen', frozen);
  });
}

/**
 * The group of each trainable parameter that has one. Throws a RangeError for a group that matches none of them: a pattern
 * with a slip of the pen would else train what was to be frozen.
 */
export function assignGroups(
  where: string,
  groups: readonly ParameterGroup[],
  parameters: ReadonlyMap<string, Parameter>,
): Map<Parameter, ParameterGroup> {
  const assigned = new Map<Parameter, ParameterGroup>();
  const found = new Set<ParameterGroup>();
  for (const [name, parameter] of parameters) {
    if (!parameter.trainable) continue;
    const matching = groups.filter(({ match }) => matches(match, name, parameter));
    for (const group of matching) found.add(group);
    if (matching[0]) assigned.set(parameter, matching[0]);
  }
  const idle = groups.findIndex((group) => !found.has(group));
  if (idle < 0) return assigned;
  const names = [...parameters.keys()].join(', ');
  throw rangeError(where, `groups[${idle}] must match a trainable parameter`, `none of ${names}`);
}

/** `search` pays no heed to the position that a global pattern keeps. */
function matches(match: ParameterGroup['match'], name: string, parameter: Parameter): boolean {
  return match instanceof RegExp ? name.search(match) >= 0 : match(name, parameter);
}
