import type { StructFields } from '../../../src/core/abi.ts';

export type ConvParams = StructFields<'ConvParams'>;
export type PoolParams = StructFields<'PoolParams'>;
export type QuantizeParams = StructFields<'QuantizeParams'>;
