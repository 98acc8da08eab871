/** SHA-256 of everything that is added, in order. All hosts have little-endian arrays. */
export class Digest {
  readonly #parts: Uint8Array<ArrayBuffer>[] = [];

  /** Copies the bytes: views of wasm memory may be given. */
  add({ buffer, byteOffset, byteLength }: ArrayBufferView): this {
    this.#parts.push(new Uint8Array(buffer, byteOffset, byteLength).slice());
    return this;
  }

  async hex(): Promise<string> {
    const all = new Uint8Array(this.#parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', all));
    return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
  }
}

export const digestOf = (data: ArrayBufferView): Promise<string> => new Digest().add(data).hex();
