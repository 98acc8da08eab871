/**
 * The params structs that kernels read, field by field, in order; every field is 4 bytes. `assembly/abi.ts` is the
 * other side, with the meaning of each field; a test compares the two.
 */

export const structs = {
  ConvParams: {
    inHeight: 'i32',
    inWidth: 'i32',
    inChannels: 'i32',
    inStride: 'i32',
    outHeight: 'i32',
    outWidth: 'i32',
    outChannels: 'i32',
    outStride: 'i32',
    kernelHeight: 'i32',
    kernelWidth: 'i32',
    strideHeight: 'i32',
    strideWidth: 'i32',
    dilationHeight: 'i32',
    dilationWidth: 'i32',
    padTop: 'i32',
    padLeft: 'i32',
    inZeroPoint: 'i32',
    outZeroPoint: 'i32',
    qmin: 'i32',
    qmax: 'i32',
    bias: 'i32',
    multiplier: 'i32',
    addend: 'i32',
    magic: 'i32',
  },
  PoolParams: {
    inHeight: 'i32',
    inWidth: 'i32',
    channels: 'i32',
    outHeight: 'i32',
    outWidth: 'i32',
    kernelHeight: 'i32',
    kernelWidth: 'i32',
    strideHeight: 'i32',
    strideWidth: 'i32',
    padTop: 'i32',
    padLeft: 'i32',
    inZeroPoint: 'i32',
    outZeroPoint: 'i32',
    qmin: 'i32',
    qmax: 'i32',
    multiplier: 'i32',
    multiplierStride: 'i32',
  },
  AddParams: {
    aZeroPoint: 'i32',
    bZeroPoint: 'i32',
    aMultiplier: 'f32',
    bMultiplier: 'f32',
    outZeroPoint: 'i32',
    qmin: 'i32',
    qmax: 'i32',
  },
  QuantizeParams: {
    scale: 'f32',
    inverseScale: 'f32',
    zeroPoint: 'i32',
    qmin: 'i32',
    qmax: 'i32',
  },
  SgdParams: {
    learningRate: 'f32',
    momentum: 'f32',
    weightDecay: 'f32',
    nesterov: 'i32',
  },
  AdamParams: {
    learningRate: 'f32',
    beta1: 'f32',
    beta2: 'f32',
    epsilon: 'f32',
    weightDecay: 'f32',
    correction1: 'f32',
    correction2: 'f32',
  },
} as const;

export type StructName = keyof typeof structs;
export type StructFields<S extends StructName> = {
  readonly [F in keyof (typeof structs)[S]]: number;
};
