/** A file to run on each runtime, and what to run it on. */
export interface Case {
  readonly name: string;
  readonly files: {
    readonly octavo: string;
    readonly tflite: string;
    /** Absent for a model that others made: there is no second format of it. */
    readonly onnx?: string;
  };
  /** Input of all, as little-endian bytes in NHWC. */
  readonly input: string;
  /** Of the input, with the batch. */
  readonly shape: readonly number[];
  readonly dtype: 'u8' | 'f32';
  /** What one unit of the output is in its own type: 1 for integers, its scale for reals. */
  readonly unit: number;
}

/** A runtime with one model loaded and its input at hand. */
export interface Contender {
  readonly name: string;
  /** One inference; done when the promise, if it is one, resolves. */
  run(): unknown;
  /** What an inference gives: units for integers, reals for floats. */
  outputs(): Promise<ArrayLike<number>>;
  close(): unknown;
}

export type Input = Uint8Array | Float32Array;
