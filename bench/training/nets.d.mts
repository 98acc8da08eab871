/** See nets.mjs. */
export interface Net {
  readonly shape: readonly number[];
  readonly classes: number;
  readonly macs: number;
  readonly layers: readonly (readonly [string, ...(number | string)[]])[];
}

export const nets: Readonly<Record<string, Net>>;
