/** What the comparison uses of packages that are installed only where it runs. */

declare module '@litertjs/core' {
  export interface TensorDetails {
    readonly dtype: 'float32' | 'int32' | 'uint8';
    readonly shape: Int32Array;
  }

  export class Tensor {
    constructor(data: Float32Array | Int32Array | Uint8Array, shape: readonly number[]);
    toTypedArray(): Float32Array | Int32Array | Uint8Array;
    delete(): void;
  }

  export interface CompiledModel {
    getInputDetails(): readonly TensorDetails[];
    run(input: Tensor): Promise<Tensor[]>;
    delete(): void;
  }

  export function loadLiteRt(folder: string): Promise<unknown>;
  export function loadAndCompile(
    model: Uint8Array,
    options: { readonly accelerator: 'wasm' },
  ): Promise<CompiledModel>;
}

declare module 'onnxruntime-web' {
  export const env: { logLevel: string; readonly wasm: { numThreads: number } };

  export class Tensor {
    constructor(type: 'uint8', data: Uint8Array, shape: readonly number[]);
    readonly data: Uint8Array;
  }

  export class InferenceSession {
    static create(
      model: Uint8Array,
      options: { readonly executionProviders: readonly string[] },
    ): Promise<InferenceSession>;
    readonly inputNames: readonly string[];
    readonly outputNames: readonly string[];
    run(inputs: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>>;
    release(): Promise<void>;
  }
}
