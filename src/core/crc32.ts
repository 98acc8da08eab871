/** Remainders of each byte for the polynomial 0xedb88320 (bits reversed). */
const TABLE = /* @__PURE__ */ Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) {
    remainder = remainder & 1 ? (remainder >>> 1) ^ 0xedb88320 : remainder >>> 1;
  }
  return remainder >>> 0;
});

/** CRC-32 as in zlib and PNG (ISO 3309) of the parts one after another: 8 hexadecimal digits. */
export function crc32(parts: Iterable<Uint8Array>): string {
  let c = 0xffffffff;
  for (const bytes of parts) {
    for (let i = 0; i < bytes.length; i++) c = TABLE[(c ^ bytes[i]!) & 0xff]! ^ (c >>> 8);
  }
  return (~c >>> 0).toString(16).padStart(8, '0');
}
