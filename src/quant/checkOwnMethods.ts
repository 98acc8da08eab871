import {
  checkFlag,
  checkObject,
  checkOptions,
  kindOf,
  rangeError,
  typeError,
} from '../core/errors.ts';
import type { ActivationLayout, Layout, Method } from './method.ts';

const LAYOUTS = ['activations', 'weights'] as const;
const FUNCTIONS = ['range', 'rangeGradients', 'quantizeWeights', 'backwardWeights'] as const;
/** What a method may leave out. */
const CHOICES = ['derive', 'adjustGradient', 'start'] as const;
const ZERO_POINTS: readonly unknown[] = ['learned', 'kept', 'symmetric', undefined];

/** Throws a TypeError or a RangeError that names what a method of a user's own lacks, or has in a form that nothing can use. */
export function checkOwnMethods(where: string, quantizers: Readonly<Record<string, Method>>): void {
  checkObject(where, 'quantizers', quantizers);
  for (const [name, method] of Object.entries(quantizers)) {
    if (name === 'fixed') {
      throw rangeError(where, 'quantizers must have names of their own', '"fixed"');
    }
    checkMembers(where, `quantizers.${name}`, method);
    checkLayouts(`${where}: quantizers.${name}`, method);
  }
}

function checkMembers(where: string, name: string, method: Method): void {
  const lacks = [
    ...LAYOUTS.filter((key) => typeof method?.[key] !== 'object' || method[key] === null),
    ...FUNCTIONS.filter((key) => typeof method?.[key] !== 'function'),
  ];
  if (lacks.length > 0) {
    const expected = `${name} must have ${[...LAYOUTS, ...FUNCTIONS].join(', ')}`;
    throw typeError(where, expected, `none of ${lacks.join(', ')}`);
  }
  for (const key of CHOICES) checkFunction(where, `${name}.${key}`, method[key]);
}

function checkLayouts(where: string, { activations, weights }: Method): void {
  checkOptions(`${where}.weights`, weights, ['scale', 'own']);
  checkOptions(`${where}.activations`, activations, ['scale', 'own', 'zeroPoint', 'observes']);
  checkLayout(`${where}.weights`, weights);
  checkLayout(`${where}.activations`, activations);
  const { zeroPoint, observes = false }: ActivationLayout = activations;
  checkFlag(`${where}.activations`, 'observes', observes);
  if (ZERO_POINTS.includes(zeroPoint)) return;
  const expected = 'zeroPoint must be one of learned, kept, symmetric';
  throw rangeError(`${where}.activations`, expected, kindOf(zeroPoint));
}

function checkLayout(where: string, { scale = false, own }: Layout): void {
  checkFlag(where, 'scale', scale);
  checkFunction(where, 'own', own);
}

function checkFunction(where: string, name: string, value: unknown): void {
  if (value === undefined || typeof value === 'function') return;
  throw typeError(where, `${name} must be a function`, kindOf(value));
}
