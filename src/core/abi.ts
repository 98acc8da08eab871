/**
 * The params structs that kernels read, field by field, in order; every field is 4 bytes. `assembly/abi.ts` is the
 * other side, with the meaning of each field; a test compares the two.
 */

/** Those of kernels that inference has. */
export const inferStructs = {
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
  BinaryParams: {
    aZeroPoint: 'i32',
    bZeroPoint: 'i32',
    aMultiplier: 'f32',
    bMultiplier: 'f32',
    outZeroPoint: 'i32',
    qmin: 'i32',
    qmax: 'i32',
    magic: 'i32',
  },
  RescaleParams: {
    inZeroPoint: 'i32',
    multiplier: 'f32',
    outZeroPoint: 'i32',
    qmin: 'i32',
    qmax: 'i32',
  },
  MatmulParams: { product: 'i32', bZeroPoint: 'i32', transposed: 'i32' },
  NormParams: {
    inZeroPoint: 'i32',
    epsilon: 'f32',
    multiplier: 'i32',
    addend: 'i32',
    outZeroPoint: 'i32',
    qmin: 'i32',
    qmax: 'i32',
  },
  CopyParams: {
    extent1: 'i32',
    extent2: 'i32',
    extent3: 'i32',
    extent4: 'i32',
    extent5: 'i32',
    inStride0: 'i32',
    inStride1: 'i32',
    inStride2: 'i32',
    inStride3: 'i32',
    inStride4: 'i32',
    inStride5: 'i32',
    outStride0: 'i32',
    outStride1: 'i32',
    outStride2: 'i32',
    outStride3: 'i32',
    outStride4: 'i32',
    outStride5: 'i32',
    bytes: 'i32',
  },
  GatherParams: {
    rows: 'i32',
    columns: 'i32',
    bytes: 'i32',
    inBytes: 'i32',
    rowOffsets: 'i32',
    columnOffsets: 'i32',
  },
  ResizeParams: {
    inBytes: 'i32',
    channels: 'i32',
    outHeight: 'i32',
    outWidth: 'i32',
    rows: 'i32',
    columns: 'i32',
  },
  RecurrentParams: {
    batch: 'i32',
    units: 'i32',
    gateStride: 'i32',
    stateStride: 'i32',
    outStride: 'i32',
    table: 'i32',
  },
  QuantizeParams: {
    scale: 'f32',
    inverseScale: 'f32',
    zeroPoint: 'i32',
    qmin: 'i32',
    qmax: 'i32',
  },
} as const;

/** Those of optimizers. */
const trainStructs = {
  SgdParams: {
    learningRate: 'f32',
    momentum: 'f32',
    weightDecay: 'f32',
    nesterov: 'i32',
    gradientScale: 'f32',
    gradientLimit: 'f32',
  },
  AdamParams: {
    learningRate: 'f32',
    beta1: 'f32',
    beta2: 'f32',
    epsilon: 'f32',
    weightDecay: 'f32',
    correction1: 'f32',
    correction2: 'f32',
    gradientScale: 'f32',
    gradientLimit: 'f32',
  },
  RmspropParams: {
    learningRate: 'f32',
    rho: 'f32',
    momentum: 'f32',
    epsilon: 'f32',
    weightDecay: 'f32',
    centered: 'i32',
    gradientScale: 'f32',
    gradientLimit: 'f32',
  },
} as const;

/** All. Built by a call that a runtime, which needs the first part alone, does without. */
export const structs = /* @__PURE__ */ Object.assign({}, inferStructs, trainStructs);

export type InferStructName = keyof typeof inferStructs;
export type StructName = keyof typeof structs;
export type StructFields<S extends StructName> = {
  readonly [F in keyof (typeof structs)[S]]: number;
};
