import type { StructFields, StructName } from '../core/abi.ts';
import { bytesOf, type DType } from '../core/dtype.ts';
import type { Ref, TrainContext } from '../core/op.ts';
import type { Rng } from '../core/rng.ts';
import { type Shape, sizeOf } from '../core/shape.ts';
import type { Device } from './device.ts';

/** The services of one step: everything it allocates goes back at `end`. */
export class StepContext implements TrainContext {
  readonly kernels: Device['kernels'];
  readonly #mark: number;
  #scratch = { ptr: 0, bytes: 0 };
  /** Addresses of tensors that nobody reads any more, by their size in bytes. */
  readonly #free = new Map<number, number[]>();

  constructor(
    readonly device: Device,
    readonly training: boolean,
    /** Of dropout and the like, in training. */
    readonly random?: Rng,
  ) {
    this.kernels = device.kernels;
    this.#mark = device.mark();
  }

  alloc(shape: Shape, dtype: DType = 'f32'): Ref {
    const ptr = this.#free.get(sizeOf(shape) * bytesOf[dtype])?.pop();
    return ptr === undefined ? this.device.tensor(shape, dtype) : { ptr, shape, dtype };
  }

  /** Lets a tensor of this step have its memory taken by the next of its size: the one that the caches still hold. */
  recycle({ ptr, shape, dtype }: Ref): void {
    const bytes = sizeOf(shape) * bytesOf[dtype];
    const free = this.#free.get(bytes);
    if (free) free.push(ptr);
    else this.#free.set(bytes, [ptr]);
  }

  zeros(shape: Shape, dtype: DType = 'f32'): Ref {
    const ref = this.alloc(shape, dtype);
    this.device.view(ref, dtype).fill(0);
    return ref;
  }

  scratch(bytes: number): number {
    const own = this.device.crew?.nextScratch(bytes);
    if (own !== undefined) return own;
    if (bytes > this.#scratch.bytes) this.#scratch = { ptr: this.device.allocate(bytes), bytes };
    return this.#scratch.ptr;
  }

  struct<S extends StructName>(name: S, fields: StructFields<S>): number {
    return this.device.struct(name, fields);
  }

  f32(ref: Ref): Float32Array {
    return this.device.view(ref, 'f32');
  }

  f64(ref: Ref): Float64Array {
    return this.device.view(ref, 'f64');
  }

  i32(ref: Ref): Int32Array {
    return this.device.view(ref, 'i32');
  }

  i8(ref: Ref): Int8Array {
    return this.device.view(ref, 'i8');
  }

  get concurrent(): boolean {
    return this.device.crew !== undefined;
  }

  together(work: () => void): void {
    if (this.device.crew) this.device.crew.together(work);
    else work();
  }

  end(): void {
    this.device.release(this.#mark);
    this.#scratch = { ptr: 0, bytes: 0 };
  }
}
